"""A network: layers that hardware can take, and between them segments of nodes that the host runs.

Built of an ONNX graph; run with any way of computing a layer: as the float model has it (`reference`), by the
golden models, or on simulated hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto

from tileloom.errors import UserError

from .layer import Layer
from .onnx_file import Graph, Shape, attributes, name_of, read_graph, reads
from .operators import StaysOnHost, layer_of
from .qdq import fold_weights, quantised, with_results
from .sparsity import select

Tensors = dict[str, npt.NDArray[Any]]
Compute = Callable[[Layer, npt.NDArray[Any]], npt.NDArray[Any]]
"""From a layer and its input, a tensor of the network, to its output."""


@dataclass(eq=False)
class Segment:
    """Nodes that the host runs together.

    Attributes
    ----------
    model:
        An ONNX model of these nodes and their constants, its inputs without types.
    inputs, outputs:
        Tensors that others make, or read.
    operators:
        Of the nodes.
    """

    model: onnx.ModelProto
    inputs: list[str]
    outputs: list[str]

    @property
    def operators(self) -> list[str]:
        """Operator of each node."""
        return [node.op_type for node in self.model.graph.node]

    def run(self, tensors: Mapping[str, npt.NDArray[Any]]) -> Tensors:
        """Return the outputs, computed by onnxruntime. Raises UserError as it fails."""
        try:
            values = self._session.run(self.outputs, {name: tensors[name] for name in self.inputs})
        except Exception as error:  # onnxruntime has many
            raise self._failed(error) from None
        return dict(zip(self.outputs, values, strict=True))

    def prepare(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Give the model's inputs the types of these tensors, which it needs to run."""
        for each in self.model.graph.input:
            if not each.type.HasField("tensor_type"):
                kind = onnx.helper.np_dtype_to_tensor_dtype(tensors[each.name].dtype)
                each.type.tensor_type.elem_type = kind

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Operators as they are, so that results do not depend on what a version of it fuses.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            return onnxruntime.InferenceSession(
                self.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> UserError:
        nodes = ", ".join(name_of(node) for node in self.model.graph.node[:3])
        text = " ".join(str(error).split())
        return UserError(f"onnxruntime cannot run {nodes}: {text[:200]}")


Step = Layer | Segment


@dataclass(frozen=True, eq=False)
class Network:
    """A network.

    Attributes
    ----------
    inputs:
        Shape and dtype by name.
    outputs:
        Names.
    steps:
        In the order in which they can be computed.
    reasons:
        Why a product or convolution is no layer but the host's, by the node's name.
    """

    inputs: Mapping[str, tuple[Shape, str]]
    outputs: Sequence[str]
    steps: Sequence[Step]
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return [step for step in self.steps if isinstance(step, Layer)]

    def with_layers(self, layers: Mapping[str, Layer]) -> Network:
        """Return the network with other layers in the place of those of their names."""
        steps = [layers.get(step.name, step) if isinstance(step, Layer) else step for step in self.steps]
        return replace(self, steps=steps)

    def run(self, inputs: Mapping[str, npt.NDArray[Any]], compute: Compute) -> Tensors:
        """Return the outputs for inputs, each layer computed by ``compute``.

        Raises UserError where the host cannot run a node.
        """
        tensors = dict(inputs)
        for step in self.steps:
            if isinstance(step, Layer):
                tensors[step.output] = compute(step, tensors[step.input])
            else:
                step.prepare(tensors)
                tensors |= step.run(tensors)
        return {name: tensors[name] for name in self.outputs}


def read_network(
    path: Path, shapes: Mapping[str, Shape] | None = None, *, host: Sequence[str] = ()
) -> Network:
    """Return the network in an ONNX file.

    Parameters
    ----------
    path, shapes:
        As `read_graph` takes them; errors are its too.
    host:
        Patterns of names of layers that are to be left to the host.

    Raises
    ------
    UserError
        A weight is NaN, two layers have one name, or a pattern fits no layer.
    """
    graph = read_graph(path, shapes)
    fold_weights(graph)
    graph.nodes = [part for node in graph.nodes for part in _split_bias(graph, node)]
    layers: dict[str, Layer] = {}
    reasons: dict[str, str] = {}
    for node in graph.nodes:
        try:
            layer = layer_of(graph, node)
        except StaysOnHost as why:
            reasons[name_of(node)] = f"{node.op_type}: {why}"
            continue
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        if layer is not None:
            dtype = graph.dtype(layer.output) or "float32"
            if np.dtype(dtype).kind == "f" or dtype == "bfloat16":
                layer = replace(layer, dtype=dtype)
            layers[node.output[0]] = quantised(graph, node, layer)
        elif node.op_type in REFUSED:
            reasons[name_of(node)] = f"{node.op_type}: no layer is made of it"
    if host:
        left = set(select([layer.name for layer in layers.values()], host))
        layers = {output: layer for output, layer in layers.items() if layer.name not in left}
        reasons |= dict.fromkeys(left, "left to the host")
    graph.nodes = [node for node in graph.nodes if node.output[0] not in layers]
    merged = [_merge_followers(graph, layer) for layer in layers.values()]
    names = [layer.name for layer in merged]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{path}: two nodes are called {twice}; give each a name of its own")
    return Network(graph.inputs, graph.outputs, _scheduled(graph, merged), reasons)


REFUSED = ("ConvTranspose", "DeformConv")
"""Operators that multiply, and of which nobody makes layers."""


def _split_bias(graph: Graph, node: NodeProto) -> list[NodeProto]:
    """Return a Gemm whose bias is no vector of constants as one without, with an addition behind it."""
    if node.op_type != "Gemm" or len(node.input) < 3 or not node.input[2]:
        return [node]
    bias = graph.constant(node.input[2])
    columns = (graph.shapes.get(node.output[0]) or (0, 0))[1]
    if bias is not None and (bias.size == 1 or bias.shape[-1] == bias.size == columns):
        return [node]
    name, out = name_of(node), node.output[0]
    beta = f"{out}/beta"
    graph.constants[beta] = np.asarray(attributes(node).get("beta", 1.0), np.float32)
    product = NodeProto()
    product.CopyFrom(node)
    product.input[2], product.output[0], product.name = "", f"{out}/product", name
    graph.shapes[f"{out}/product"] = graph.shapes.get(out, ())
    make = onnx.helper.make_node
    return [
        product,
        make("Mul", [node.input[2], beta], [f"{out}/bias"]),
        make("Add", [f"{out}/product", f"{out}/bias"], [out]),
    ]


def _merge_followers(graph: Graph, layer: Layer) -> Layer:
    """Return a layer with the batch normalisation, ReLU and quantisation behind it that it can take over."""
    while True:
        after = graph.only_consumer(layer.output)
        if after is None:
            return layer
        if after.op_type == "BatchNormalization" and layer.quantisation is None and not layer.relu:
            folded = _normalised(graph, layer, after)
        elif after.op_type == "Relu" and not layer.relu and _computes_floats(layer):
            folded = replace(layer, relu=True, output=after.output[0])
        elif after.op_type == "QuantizeLinear":
            folded = with_results(graph, layer)
        else:
            return layer
        if folded is layer:
            return layer
        layer = folded
        graph.nodes = [node for node in graph.nodes if node is not after]


def _computes_floats(layer: Layer) -> bool:
    return layer.quantisation is None or not layer.quantisation.y_given


def _normalised(graph: Graph, layer: Layer, node: NodeProto) -> Layer:
    """Return a layer of floats with a BatchNormalization folded in; itself where it cannot be."""
    parts = [graph.constant(name) for name in node.input[1:5]]
    attribute = attributes(node)
    rank = len(graph.shapes.get(layer.output, ()))
    # The channels that are normalised are axis 1: of a product, its columns only where it has two axes.
    product = layer.operator not in ("Conv",)
    if attribute.get("training_mode") or len(node.output) > 1 or (product and rank != 2):
        return layer
    if any(part is None for part in parts):
        return layer
    scale, shift, mean, variance = (part.astype(np.float64) for part in parts if part is not None)
    if len(scale) != layer.outputs:
        return layer
    factor = scale / np.sqrt(variance + attribute.get("epsilon", 1e-5))
    bias = np.zeros(layer.outputs) if layer.bias is None else layer.bias.astype(np.float64)
    weights = layer.weights * factor[:, None, None, None]
    return replace(
        layer,
        weights=weights.astype(np.float32),
        bias=((bias - mean) * factor + shift).astype(np.float32),
        output=node.output[0],
    )


def _scheduled(graph: Graph, layers: Sequence[Layer]) -> list[Step]:
    """Return layers and host segments in an order in which they can be computed.

    Host nodes with as many layers before them, on the longest way, make a segment. What nobody reads is left
    out.
    """
    needed = set(graph.outputs) | {layer.input for layer in layers}
    nodes: list[NodeProto] = []
    for node in reversed(graph.nodes):
        if needed & set(node.output):
            nodes.insert(0, node)
            needed |= reads(node)
    depth: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    waiting: list[NodeProto | Layer] = [*nodes, *layers]
    placed: dict[int, list[NodeProto | Layer]] = {}
    while waiting:
        left: list[NodeProto | Layer] = []
        for each in waiting:
            names = {each.input} if isinstance(each, Layer) else reads(each)
            names = {name for name in names if name not in graph.constants}
            if not names <= depth.keys():
                left.append(each)
                continue
            level = max((depth[name] for name in names), default=0)
            placed.setdefault(level, []).append(each)
            outs = {each.output: level + 1} if isinstance(each, Layer) else dict.fromkeys(each.output, level)
            depth |= outs
        if len(left) == len(waiting):
            raise AssertionError(f"{[name_of(n) for n in left if not isinstance(n, Layer)]} have no order")
        waiting = left
    steps: list[Step] = []
    everything = [set(graph.outputs), *({layer.input} for layer in layers)]
    for level in sorted(placed):
        here = [each for each in placed[level] if not isinstance(each, Layer)]
        others = everything + [
            reads(node)
            for other, members in placed.items()
            if other != level
            for node in members
            if not isinstance(node, Layer)
        ]
        if here:
            steps.append(_segment(graph, here, set().union(*others)))
        steps += [each for each in placed[level] if isinstance(each, Layer)]
    return steps


def _segment(graph: Graph, nodes: Sequence[NodeProto], read_elsewhere: set[str]) -> Segment:
    made = {name for node in nodes for name in node.output}
    read = {name for node in nodes for name in reads(node)} - made
    constants = sorted(read & graph.constants.keys())
    inputs = sorted(read - set(constants))
    outputs = sorted(made & read_elsewhere)
    values = [onnx.numpy_helper.from_array(graph.constants[name], name) for name in constants]
    whole = onnx.helper.make_graph(
        list(nodes),
        "host",
        [onnx.ValueInfoProto(name=name) for name in inputs],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        values,
    )
    model = onnx.helper.make_model(
        whole, opset_imports=graph.model.opset_import, ir_version=graph.model.ir_version
    )
    return Segment(model, inputs, outputs)
