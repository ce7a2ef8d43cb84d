"""The constant inputs of a node: weights, biases, scales and zero points, one for each output channel.

What is not constant, or by other axes, leaves the node to the host.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto

from tileloom.errors import UserError

from .affine import Affine, integer_range
from .arrangement import Arrangement, Axes
from .graph import Graph

Array = npt.NDArray[Any]


class StaysOnHost(Exception):  # noqa: N818 - not an error
    """A product or convolution that is no layer; the message says why."""


def constant_weights(graph: Graph, node: NodeProto, index: int) -> Array:
    """Return a node's weights. Raises StaysOnHost where they are computed."""
    found = graph.constant(node.input[index])
    if found is None:
        raise StaysOnHost("the weights are computed; a layer has constant ones")
    return found


def to_float32(array: Array) -> Array:
    """Return float32; float16 and bfloat16 fit it, float64 may become infinite, which `network` refuses."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32)


def _is_given(node: NodeProto, index: int) -> bool:
    return len(node.input) > index and bool(node.input[index])


def _constant_input(graph: Graph, node: NodeProto, index: int, what: str) -> Array:
    found = graph.constant(node.input[index])
    if found is None:
        raise StaysOnHost(f"its {what} is computed; a layer has a constant one")
    return found


def bias_vector(graph: Graph, node: NodeProto, index: int, size: int) -> Array | None:
    """Return an input that is one number for each output channel, or None where it is not given."""
    if not _is_given(node, index):
        return None
    found = _constant_input(graph, node, index, "bias")
    if found.size not in (1, size) or (found.ndim and found.shape[-1] != found.size):
        raise StaysOnHost(f"its bias has the shape {found.shape}")
    return repeat(found.reshape(-1), size)


def repeat(values: Array, size: int) -> Array:
    """Return one value as ``size`` of them, or fewer repeated batch by batch."""
    return np.tile(values, size // len(values))


def outputs_of(arrangement: Arrangement, weights: Array) -> int:
    """Return the output channels of a product's weights."""
    assert isinstance(arrangement, Axes)
    return len(arrangement.weights(weights))


def weight_zeros(graph: Graph, node: NodeProto, index: int, size: int) -> npt.NDArray[np.int64]:
    """Return zero points of weights, one for each output channel; 0 where none is given."""
    if not _is_given(node, index):
        return np.zeros(size, np.int64)
    return _by_channel(
        _constant_input(graph, node, index, "zero point").astype(np.int64), size, "zero points"
    )


def weight_scales(graph: Graph, node: NodeProto, index: int, size: int) -> npt.NDArray[np.float32]:
    """Return float32 scales of weights, one for each output channel."""
    return _by_channel(to_float32(_constant_input(graph, node, index, "scale")), size, "scales")


def _by_channel(found: Array, size: int, what: str) -> Array:
    """Return one number for each output channel, of one for all too."""
    if found.size in (1, size):
        return repeat(found.reshape(-1), size)
    told = f"{found.size} {what} for {size} output channels"
    if found.ndim > 1:  # for each matrix of a batch, say
        raise StaysOnHost(told)
    raise UserError(told)


def _one_number(graph: Graph, node: NodeProto, index: int, what: str) -> Array:
    found = _constant_input(graph, node, index, what)
    if found.size != 1:
        raise StaysOnHost(f"its {what} has the shape {found.shape}; activations have one")
    return found.reshape(())


def computed_zero(graph: Graph, node: NodeProto, index: int) -> str | None:
    """Return the tensor of a zero point that is computed, one number; None of one that is not."""
    if not _is_given(node, index) or graph.constant(node.input[index]) is not None:
        return None
    if graph.shapes.get(node.input[index]) not in ((), (1,)):
        raise StaysOnHost("its zero point is computed, and not known to be one number")
    return node.input[index]


def integer_activations(graph: Graph, node: NodeProto, tensor: int, zero: int) -> Affine:
    """Return activations whose integers are worth 1 each; a zero point left out, or computed, is 0."""
    if _is_given(node, zero) and computed_zero(graph, node, zero) is None:
        value = _one_number(graph, node, zero, "zero point")
        return affine(np.ones((), np.float32), value, value.dtype)
    dtype = graph.dtype(node.input[tensor])
    if dtype is None:
        raise StaysOnHost(f"the type of {node.input[tensor]} is not known")
    return affine(np.ones((), np.float32), np.zeros((), np.int64), np.dtype(dtype))


def quantised_activations(graph: Graph, node: NodeProto, scale: int, zero: int) -> Affine:
    """Return what activations, or results, with a scale and a zero point are worth."""
    point = _one_number(graph, node, zero, "zero point")
    return affine(to_float32(_one_number(graph, node, scale, "scale")).reshape(()), point, point.dtype)


def affine(scale: Array, zero: Array, dtype: np.dtype[Any]) -> Affine:
    """Return what integers of a dtype of 8 bits are worth. Raises StaysOnHost for another."""
    if dtype not in (np.dtype("int8"), np.dtype("uint8")):
        raise StaysOnHost(f"{dtype} operands; layers have INT8 and UINT8")
    return Affine(scale, zero, *integer_range(8, signed=dtype.kind == "i", symmetric=False))
