"""Layers of QDQ graphs: a float operator between DequantizeLinear and QuantizeLinear is an integer layer.

The weights keep the integers that the file has. Where the results are not quantised, the host turns the sums
into floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto

from tileloom.errors import UserError

from .affine import Affine, integer_range
from .graph import Graph, attributes, reads
from .layer import NetworkLayer, Quantisation
from .onnx_file import Shape, name_of
from .operands import StaysOnHost, affine
from .operators import layer_of

Array = npt.NDArray[Any]


def fold_weights(graph: Graph) -> None:
    """Compute what is dequantised of constants, as float layers take it, and remember its integers.

    Raises UserError where scales and zero points do not go with the integers.
    """
    for node in graph.nodes:
        if node.op_type == "DequantizeLinear" and reads(node) <= graph.constants.keys():
            integers, scale = (graph.constants[name] for name in node.input[:2])
            zero = graph.constants[node.input[2]] if len(node.input) > 2 else np.zeros_like(scale, np.int64)
            if scale.ndim > 1 or "float" in integers.dtype.name:
                continue  # scales by blocks, and weights of 8 bits that are floats, are of no layer's
            spread = _spread(node, integers.shape, scale, zero)
            parts = (integers.astype(np.int64), scale.reshape(spread), zero.astype(np.int64).reshape(spread))
            _hold(graph, node.output[0], parts, scale.dtype)
        elif node.op_type == "Transpose" and node.input[0] in graph.dequantised:
            way = attributes(node).get("perm")  # None reverses, here as in NumPy
            turned = [part.transpose(way) for part in graph.dequantised[node.input[0]]]
            _hold(graph, node.output[0], turned, graph.constants[node.input[0]].dtype)


def _hold(graph: Graph, tensor: str, parts: Sequence[Array], dtype: np.dtype[Any]) -> None:
    """Make a tensor a constant: integers less zero points, times scales."""
    integers, scale, zero = parts
    graph.dequantised[tensor] = integers, scale, zero
    graph.constants[tensor] = (integers - zero).astype(dtype) * scale
    graph.shapes[tensor], graph.dtypes[tensor] = integers.shape, str(dtype)


def _spread(node: NodeProto, shape: Shape, scale: Array, zero: Array) -> list[int]:
    """Return the shape in which a DequantizeLinear's scales and zero points broadcast."""
    axis = attributes(node).get("axis", 1)
    there = -len(shape) <= axis < len(shape)
    if scale.size != zero.size or (scale.size > 1 and not (there and shape[axis] == scale.size)):
        raise UserError(
            f"{name_of(node)} ({node.op_type}): {scale.size} scales and {zero.size} zero points along axis "
            f"{axis} of {shape}"
        )
    return [scale.size if index == axis % len(shape) else 1 for index in range(len(shape))]


def quantised(graph: Graph, node: NodeProto, layer: NetworkLayer) -> NetworkLayer:
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


def with_results(graph: Graph, layer: NetworkLayer) -> NetworkLayer:
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
    given = [graph.constant(name) for name in node.input[1:] if name]
    if not given or any(each is None or each.size != 1 for each in given):
        return None
    scale, zero = given[0], given[1] if len(given) > 1 else _no_zero_point(graph, node)
    if scale is None or zero is None:
        return None
    try:
        return affine(scale.astype(np.float32).reshape(()), zero.reshape(()), zero.dtype)
    except StaysOnHost:
        return None


def _no_zero_point(graph: Graph, node: NodeProto) -> Array | None:
    """Return the 0 that a node without zero point has: of its integers' type, None where it is not known."""
    if node.op_type == "QuantizeLinear":
        wanted = attributes(node).get("output_dtype") or onnx.TensorProto.UINT8
        return np.zeros((), onnx.helper.tensor_dtype_to_np_dtype(wanted))
    dtype = graph.dtype(node.input[0])
    return None if dtype is None else np.zeros((), dtype)


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
