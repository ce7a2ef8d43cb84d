"""An ONNX model as a graph to find layers in: its shapes settled, what is constant computed.

`onnx_file` reads the model; layers are found in the graph by `operators`; `network` puts these together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from tileloom.errors import UserError

from .onnx_file import Shape, load_model, message_line, name_of, sized_inputs
from .room import require_room

SIZES = 1024
"""Elements of a constant that may be a shape, or other numbers that the size of a result follows from."""


@dataclass
class Graph:
    """A model's graph while layers are being taken out of it.

    Attributes
    ----------
    model:
        Whose opsets, and whose nodes, initialisers apart, are `nodes`.
    nodes:
        In topological order.
    constants:
        Values by tensor: initialisers, and what is computed of them alone.
    shapes, dtypes:
        Of the tensors where they are known.
    inputs, outputs:
        The model's.
    dequantised:
        Integers, scales and zero points, of shapes that broadcast, of constants that are dequantised.
    """

    model: ModelProto
    nodes: list[NodeProto]
    constants: dict[str, npt.NDArray[Any]]
    shapes: dict[str, Shape]
    dtypes: dict[str, str]
    inputs: dict[str, tuple[Shape, str]]
    outputs: list[str]
    dequantised: dict[str, tuple[npt.NDArray[Any], ...]] = field(default_factory=dict)

    def constant(self, name: str) -> npt.NDArray[Any] | None:
        """Return a tensor's value if it is constant."""
        return self.constants.get(name)

    def dtype(self, name: str) -> str | None:
        """Return a tensor's dtype if it is known."""
        return self.dtypes.get(name)

    def producer(self, tensor: str) -> NodeProto | None:
        """Return the node that computes a tensor."""
        return next((node for node in self.nodes if tensor in node.output), None)

    def only_consumer(self, tensor: str) -> NodeProto | None:
        """Return the one node that reads a tensor; None if there are others or the tensor is an output."""
        if tensor in self.outputs:
            return None
        readers = [node for node in self.nodes if tensor in reads(node)]
        return readers[0] if len(readers) == 1 else None


def attributes(node: NodeProto) -> dict[str, Any]:
    """Return a node's attributes; text as str, with what is no UTF-8 replaced."""
    values = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    return {
        name: value.decode(errors="replace") if isinstance(value, bytes) else value
        for name, value in values.items()
    }


def reads(node: NodeProto) -> set[str]:
    """Return the tensors that a node reads, those of graphs inside it too."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
            inner = {name for each in graph.node for name in reads(each)} | {o.name for o in graph.output}
            own = {name for each in graph.node for name in each.output}
            own |= {each.name for each in [*graph.input, *graph.initializer]}
            names |= inner - own
    return names


def read_graph(path: Path, shapes: Mapping[str, Shape] | None = None) -> Graph:
    """Read an ONNX file.

    Parameters
    ----------
    path:
        The file; tensors that it keeps in others (external data) lie beside it.
    shapes:
        Of inputs whose shape the file leaves open.

    Raises
    ------
    UserError
        The file cannot be read, is no ONNX model of opset 9 or later, or misses external data; an input has
        an open dimension and no shape was given, or another was.
    """
    model = load_model(path)
    graph_of = getattr(onnx, "inliner", None)
    if model.functions and graph_of is not None:
        model = graph_of.inline_local_functions(model)
    inputs = dict(sized_inputs(path, model, shapes or {}))
    constants = {each.name: _array(path, each) for each in model.graph.initializer}
    graph = Graph(model, [], constants, {}, {}, inputs, [each.name for each in model.graph.output])
    for name, (shape, dtype) in inputs.items():
        require_room(f"{path}: input {name}", shape, item=np.dtype(dtype).itemsize)
    _fold(graph, path)
    _infer(graph)
    for name, shape in graph.shapes.items():
        require_room(f"{path}: {name}", shape, item=1)
    for name in graph.outputs:
        if name in graph.constants:  # a constant output still has to be put out
            held = f"{name}/constant"
            graph.constants[held] = graph.constants.pop(name)
            graph.nodes.append(onnx.helper.make_node("Identity", [held], [name]))
    return graph


def _array(path: Path, tensor: TensorProto) -> npt.NDArray[Any]:
    """Return an initialiser's values."""
    try:
        return numpy_helper.to_array(tensor)
    except (KeyError, TypeError, ValueError):
        raise UserError(
            f"{path}: initialiser {tensor.name}: no array of type {tensor.data_type} can be read"
        ) from None


def _infer(graph: Graph) -> None:
    """Set the shapes and dtypes that follow from the inputs'."""
    known = onnx.shape_inference.infer_shapes(graph.model, data_prop=True).graph
    for each in [*known.value_info, *known.input, *known.output]:
        tensor = each.type.tensor_type
        if tensor.elem_type and tensor.elem_type in TensorProto.DataType.values():
            graph.dtypes[each.name] = str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        if tensor.HasField("shape") and all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            graph.shapes[each.name] = tuple(dim.dim_value for dim in tensor.shape.dim)
    for name, array in graph.constants.items():
        graph.shapes[name], graph.dtypes[name] = array.shape, str(array.dtype)


def _fold(graph: Graph, path: Path) -> None:
    """Compute the nodes whose inputs are all constant, and keep the others.

    DequantizeLinear stays: that its result is constant weights is less than that these are integers.
    """
    from onnx.reference import ReferenceEvaluator

    counted = Counter(name for node in graph.model.graph.node for name in node.output if name)
    assert not counted or max(counted.values()) == 1  # the checker has seen to it
    for node in graph.model.graph.node:
        names = reads(node)
        random = node.op_type.startswith("Random") or node.op_type in ("Multinomial", "Bernoulli")
        if random or node.op_type == "DequantizeLinear" or not names <= graph.constants.keys():
            graph.nodes.append(node)
            continue
        inputs = {name: graph.constants[name] for name in names}
        for name, shape in _inferred(graph.model, node, inputs):
            require_room(f"{path}: {name_of(node)} ({node.op_type}): {name}", shape)
        try:
            with np.errstate(all="ignore"):  # NaN is refused where it is a weight
                values = ReferenceEvaluator(_single(graph.model, node, inputs)).run(None, inputs)
        except Exception as error:  # whatever an operator's reference raises
            raise UserError(f"{path}: {name_of(node)} ({node.op_type}): {message_line(error)}") from None
        graph.constants |= {
            name: np.asarray(value) for name, value in zip(node.output, values, strict=True) if name
        }


def _inferred(
    model: ModelProto, node: NodeProto, inputs: Mapping[str, npt.NDArray[Any]]
) -> Iterator[tuple[str, Shape]]:
    """Yield the outputs of a node of constants, and their shapes where these can be told beforehand."""
    single = _single(model, node, inputs)
    small = [name for name, array in inputs.items() if array.size <= SIZES]
    single.graph.initializer.extend(numpy_helper.from_array(inputs[name], name) for name in small)
    try:
        known = onnx.shape_inference.infer_shapes(single, data_prop=True).graph
    except Exception:  # of a node that is wrong, which running it tells
        return
    for each in known.output:
        sizes = [dim.dim_value for dim in each.type.tensor_type.shape.dim if dim.HasField("dim_value")]
        if len(sizes) == len(each.type.tensor_type.shape.dim):
            yield each.name, tuple(sizes)


def _single(model: ModelProto, node: NodeProto, inputs: Mapping[str, npt.NDArray[Any]]) -> ModelProto:
    """Return a model of one node."""
    types = [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in inputs.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output]
    graph = onnx.helper.make_graph([node], "constant", types, outputs)
    return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
