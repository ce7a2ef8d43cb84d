"""A network: layers that hardware can take, and between them segments of nodes that the host runs.

Built of an ONNX graph; run with any way of computing a layer: as the float model has it (`reference`), by the
golden models, or on simulated hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto

from tileloom.errors import UserError

from .graph import Graph, attributes, read_graph
from .host import Tensors
from .layer import NetworkLayer
from .onnx_file import Shape, name_of
from .operands import StaysOnHost
from .operators import REFUSED, layer_of
from .qdq import fold_weights, quantised, with_results
from .reference import corrected
from .rewrite import split_biases, tell_apart
from .schedule import Step, scheduled
from .sparsity import select

Compute = Callable[[NetworkLayer, npt.NDArray[Any]], npt.NDArray[Any]]
"""From a layer and its input, a tensor of the network, to its output."""


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
    remarks:
        What was chosen as the file was read: names for nodes that it calls alike, computed zero points.
    """

    inputs: Mapping[str, tuple[Shape, str]]
    outputs: Sequence[str]
    steps: Sequence[Step]
    reasons: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    @property
    def layers(self) -> list[NetworkLayer]:
        """The layers, in order."""
        return [step for step in self.steps if isinstance(step, NetworkLayer)]

    def with_layers(self, layers: Mapping[str, NetworkLayer]) -> Network:
        """Return the network with other layers in the place of those of their names."""
        steps = [
            layers.get(step.name, step) if isinstance(step, NetworkLayer) else step for step in self.steps
        ]
        return replace(self, steps=steps)

    def run(self, inputs: Mapping[str, npt.NDArray[Any]], compute: Compute) -> Tensors:
        """Return the outputs for inputs, each layer computed by ``compute``.

        Raises UserError where the host cannot run a node.
        """
        tensors = dict(inputs)
        for step in self.steps:
            if isinstance(step, NetworkLayer):
                result = compute(step, tensors[step.input])
                if step.zero is not None:
                    result = corrected(step, result, tensors[step.input].shape, tensors[step.zero])
                tensors[step.output] = result
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
        A node's weights are NaN, do not go with its input, or have parameters that no operator can have; or a
        pattern fits no layer.
    """
    graph = read_graph(path, shapes)
    try:
        fold_weights(graph)
        told = list(tell_apart(graph))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    split_biases(graph)
    layers: dict[str, NetworkLayer] = {}
    reasons: dict[str, str] = {}
    for node in graph.nodes:
        try:
            layer = _layer(graph, node)
        except StaysOnHost as why:
            reasons[name_of(node)] = f"{node.op_type}: {why}"
            continue
        except UserError as error:
            raise UserError(f"{path}: {name_of(node)} ({node.op_type}): {error}") from None
        if layer is not None:
            layers[node.output[0]] = layer
        elif node.op_type in REFUSED:
            reasons[name_of(node)] = f"{node.op_type}: no layer is made of it"
    if host:
        left = set(select([layer.name for layer in layers.values()], host))
        layers = {output: layer for output, layer in layers.items() if layer.name not in left}
        reasons |= dict.fromkeys(left, "left to the host")
    graph.nodes = [node for node in graph.nodes if node.output[0] not in layers]
    try:
        merged = [_merge_followers(graph, layer) for layer in layers.values()]
        for layer in merged:
            _require_finite(layer)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    told += [
        f"{layer.name}: its zero point {layer.zero} is computed: the host subtracts it times sums of weights"
        for layer in merged
        if layer.zero is not None
    ]
    remarks = [f"{path}: {remark}" for remark in told]
    return Network(graph.inputs, graph.outputs, scheduled(graph, merged), reasons, remarks)


def _layer(graph: Graph, node: NodeProto) -> NetworkLayer | None:
    """Return the layer that a node is, an integer one in a QDQ graph; None of what is never one."""
    layer = layer_of(graph, node)
    if layer is None:
        return None
    dtype = graph.dtype(layer.output) or "float32"
    if np.dtype(dtype).kind == "f" or dtype == "bfloat16":
        layer = replace(layer, dtype=dtype)
    return quantised(graph, node, layer)


def _merge_followers(graph: Graph, layer: NetworkLayer) -> NetworkLayer:
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


def _require_finite(layer: NetworkLayer) -> None:
    """Raise UserError for weights that are not, once alpha, beta and batch normalisation are in them."""
    for what, array in {"weights": layer.weights, "bias": layer.bias}.items():
        if array is not None and not np.isfinite(array).all():
            raise UserError(
                f"{layer.name} ({layer.operator}): {what} beyond float32, or NaN, with all that is folded "
                "into them"
            )


def _computes_floats(layer: NetworkLayer) -> bool:
    return layer.quantisation is None or not layer.quantisation.y_given


def _normalised(graph: Graph, layer: NetworkLayer, node: NodeProto) -> NetworkLayer:
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
    if any(part.shape != (layer.outputs,) for part in (scale, shift, mean, variance)):
        return layer
    bias = np.zeros(layer.outputs) if layer.bias is None else layer.bias.astype(np.float64)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # `_require_finite` refuses these
        factor = scale / np.sqrt(variance + attribute.get("epsilon", 1e-5))
        return replace(
            layer,
            weights=(layer.weights * factor[:, None, None, None]).astype(np.float32),
            bias=((bias - mean) * factor + shift).astype(np.float32),
            output=node.output[0],
        )
