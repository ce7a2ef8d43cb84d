"""Layers of QDQ graphs: a float operator between DequantizeLinear and QuantizeLinear is an integer layer.

The weights keep the integers that the file has. Where the results are not quantised, the host turns the sums
into floats.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto

from .affine import Affine, integer_range
from .layer import Layer, Quantisation
from .onnx_file import Graph, attributes, reads
from .operands import StaysOnHost, affine
from .operators import layer_of


def fold_weights(graph: Graph) -> None:
    """Compute what is dequantised of constants, as float layers take it, and remember its integers."""
    for node in graph.nodes:
        if node.op_type == "DequantizeLinear" and reads(node) <= graph.constants.keys():
            integers, scale = (graph.constants[name] for name in node.input[:2])
            zero = graph.constants[node.input[2]] if len(node.input) > 2 else np.zeros_like(scale, np.int64)
            if scale.ndim > 1:
                continue  # scales by blocks, of no layer's
            axis = attributes(node).get("axis", 1)
            spread = [1] * integers.ndim
            if scale.size > 1:
                spread[axis] = scale.size
            parts = (integers.astype(np.int64), scale.reshape(spread), zero.astype(np.int64).reshape(spread))
            values = (parts[0] - parts[2]).astype(np.float32) * parts[1].astype(np.float32)
            graph.dequantised[node.output[0]] = parts
            graph.constants[node.output[0]] = values
            graph.shapes[node.output[0]], graph.dtypes[node.output[0]] = integers.shape, "float32"


def quantised(graph: Graph, node: NodeProto, layer: Layer) -> Layer:
    """Return a float layer as the integer layer that it is in a QDQ graph; any other as it is."""
    weights = next((name for name in node.input[:2] if name in graph.dequantised), None)
    x = _activations(graph, layer.input)
    if weights is None or x is None or attributes(node).get("alpha", 1.0) != 1.0:
        return layer
    integers, scale, zero = graph.dequantised[weights]
    if integers.min() < -128 or integers.max() > 255:
        return layer
    # Scales and zero points go the way of the weights, so that they lie by output channel as these do.
    ways = [_through(graph, node, weights, np.broadcast_to(each, integers.shape)) for each in (scale, zero)]
    flat = [each.reshape(layer.outputs, -1) for each in ways]
    if any((each != each[:, :1]).any() for each in flat):
        return layer  # by input channel, which no sum can have
    low, high = integer_range(8, signed=bool(integers.max() < 128), symmetric=False)
    weight = Affine(flat[0][:, 0], flat[1][:, 0], low, high)
    tensor, worth = x
    quantisation = Quantisation(worth, weight, None, True, False)
    bias = layer.bias
    if bias is not None:
        bias = np.rint(bias.astype(np.float64) / quantisation.sum_scale).astype(np.int64)
        if abs(bias).max(initial=0) >= 2**31:
            return layer
    return replace(
        layer,
        input=tensor,
        weights=_through(graph, node, weights, integers).astype(np.int64),
        bias=bias,
        quantisation=quantisation,
    )


def with_results(graph: Graph, layer: Layer) -> Layer:
    """Return an integer layer with the QuantizeLinear that alone reads its results, if there is one."""
    after = graph.only_consumer(layer.output)
    if layer.quantisation is None or layer.quantisation.y_given or after is None:
        return layer
    worth = _worth(graph, after) if after.op_type == "QuantizeLinear" else None
    if worth is None:
        return layer
    return replace(
        layer,
        output=after.output[0],
        quantisation=replace(layer.quantisation, y=worth, y_given=True),
    )


def _activations(graph: Graph, tensor: str) -> tuple[str, Affine] | None:
    """Return the integers that a tensor is dequantised from, and what they are worth."""
    node = graph.producer(tensor)
    worth = _worth(graph, node) if node is not None and node.op_type == "DequantizeLinear" else None
    return None if node is None or worth is None else (node.input[0], worth)


def _worth(graph: Graph, node: NodeProto) -> Affine | None:
    """Return the constant scale and zero point, one of each, of a DequantizeLinear or QuantizeLinear."""
    given = [graph.constant(name) for name in node.input[1:]]
    if not given or any(each is None or each.size != 1 for each in given):
        return None
    scale, zero = given[0], given[1] if len(given) > 1 else np.zeros((), np.uint8)
    assert scale is not None and zero is not None
    try:
        return affine(scale.astype(np.float32).reshape(()), zero.reshape(()), zero.dtype)
    except StaysOnHost:
        return None


def _through(graph: Graph, node: NodeProto, tensor: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values in the place of weights as the layer has these: C_out x h x w x C_in / groups."""
    held = graph.constants[tensor]
    graph.constants[tensor] = values
    try:
        layer = layer_of(graph, node)
    finally:
        graph.constants[tensor] = held
    assert layer is not None
    return layer.weights
