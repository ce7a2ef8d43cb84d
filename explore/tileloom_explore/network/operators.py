"""From ONNX nodes to layers: what each product and convolution of the operator set means, layout included.

A node that could be a layer but is none, such as a product of two tensors that are both computed, stays on
the host, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto

from tileloom.errors import UserError
from tileloom_golden.checks import first

from .affine import Affine, integer_range
from .arrangement import Arrangement, Axes, Channels, Window
from .layer import Layer, Quantisation
from .onnx_file import Graph, attributes, name_of

Array = npt.NDArray[Any]


class StaysOnHost(Exception):  # noqa: N818 - not an error
    """A product or convolution that is no layer; the message says why."""


def layer_of(graph: Graph, node: NodeProto) -> Layer | None:
    """Return the layer that a node is; None of an operator that is never one.

    Raises
    ------
    StaysOnHost
        It could be one, but for a reason.
    UserError
        A weight is NaN or infinite.
    """
    if node.domain not in ("", "ai.onnx") or node.op_type not in BUILDERS:
        return None
    for name in node.input:
        array = graph.constant(name)
        if array is not None and array.dtype.kind not in "iub":
            wrong = ~np.isfinite(array.astype(np.float64))
            if wrong.any():
                raise UserError(f"{name_of(node)} ({node.op_type}): {name}{first(wrong)} is NaN or infinite")
    return BUILDERS[node.op_type](graph, node, attributes(node))


def _conv(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    weights = _floats(_weights(graph, node, 1))
    bias = _vector(graph, node, 2, len(weights))
    return _convolution(node, attribute, weights, None if bias is None else _floats(bias))


def _conv_integer(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    weights = _weights(graph, node, 1)
    ones, zeros = np.ones(len(weights), np.float32), _zeros(graph, node, 3, len(weights))
    x = _integers(graph, node, 0, 2)
    quantisation = Quantisation(x, affine(ones, zeros, weights.dtype), None, True, True)
    return _convolution(node, attribute, weights, None, quantisation)


def _qlinear_conv(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    weights = _weights(graph, node, 3)
    outputs = len(weights)
    scales, zeros = _scales(graph, node, 4, outputs), _zeros(graph, node, 5, outputs)
    weight = affine(scales, zeros, weights.dtype)
    quantisation = Quantisation(
        _activations(graph, node, 1, 2), weight, _activations(graph, node, 6, 7), True, True
    )
    return _convolution(node, attribute, weights, _vector(graph, node, 8, outputs), quantisation)


def _convolution(
    node: NodeProto,
    attribute: dict[str, Any],
    weights: Array,
    bias: Array | None,
    quantisation: Quantisation | None = None,
) -> Layer:
    """Return the layer of weights C_out x C_in / groups x window."""
    axes = weights.ndim - 2
    if axes not in (1, 2):
        raise StaysOnHost(f"a convolution over {axes} axes; layers are over 1 or 2")

    def pair(name: str) -> tuple[int, int]:
        # Over one axis the height is 1, where any stride does: the same one is what hardware has.
        values = attribute.get(name) or [1] * axes
        return (values[0], values[-1]) if name == "strides" or axes == 2 else (1, values[0])

    pads = attribute.get("pads") or [0] * 2 * axes
    top, left, bottom, right = (0, pads[0], 0, pads[1]) if axes == 1 else pads
    wide = weights if axes == 2 else weights[:, :, None, :]
    return Layer(
        name=name_of(node),
        operator=node.op_type,
        input=node.input[0],
        output=node.output[0],
        arrangement=Channels(axes),
        weights=np.ascontiguousarray(wide.transpose(0, 2, 3, 1)),
        bias=bias,
        window=Window(
            pair("strides"),
            pair("dilations"),
            (top, bottom, left, right),
            attribute.get("auto_pad", "NOTSET"),
        ),
        groups=attribute.get("group", 1),
        quantisation=quantisation,
    )


def _gemm(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    # Alpha goes into the weights, beta into the bias: `network` has split off a bias that is no vector.
    x, w = ("km" if attribute.get("transA") else "mk"), ("nk" if attribute.get("transB") else "kn")
    weights = _floats(_weights(graph, node, 1))
    columns = weights.shape[w.index("n")]
    bias = _vector(graph, node, 2, columns)
    weights = weights * np.float32(attribute.get("alpha", 1.0))
    if bias is not None:
        bias = _floats(bias) * np.float32(attribute.get("beta", 1.0))
    return _product(node, Axes(x, w, "mn", (columns,)), node.input[0], weights, bias)


def _matmul(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    arrangement, activations, weights = _operands(graph, node, 0, 1)
    return _product(node, arrangement, activations, _floats(weights))


def _matmul_integer(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    arrangement, activations, weights = _operands(graph, node, 0, 1, swap=False)
    x, outputs = _integers(graph, node, 0, 2), _outputs(arrangement, weights)
    zeros = _repeated(_zeros(graph, node, 3, weights.shape[-1]), outputs)
    weight = affine(np.ones(outputs, np.float32), zeros, weights.dtype)
    quantisation = Quantisation(x, weight, None, True, True)
    return _product(node, arrangement, activations, weights, None, quantisation)


def _qlinear_matmul(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    arrangement, activations, weights = _operands(graph, node, 0, 3, swap=False)
    columns, outputs = weights.shape[-1], _outputs(arrangement, weights)
    scales, zeros = _scales(graph, node, 4, columns), _zeros(graph, node, 5, columns)
    weight = affine(_repeated(scales, outputs), _repeated(zeros, outputs), weights.dtype)
    quantisation = Quantisation(
        _activations(graph, node, 1, 2), weight, _activations(graph, node, 6, 7), True, True
    )
    return _product(node, arrangement, activations, weights, None, quantisation)


def _einsum(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> Layer:
    equation = attribute["equation"].replace(" ", "")
    operands, arrow, y = equation.partition("->")
    terms = operands.split(",")
    if len(terms) != 2:
        raise StaysOnHost(f"{equation}: a product has two operands")
    if not arrow:
        y = "".join(sorted(axis for axis in set("".join(terms)) if "".join(terms).count(axis) == 1))
    constant = [graph.constant(name) for name in node.input]
    at = 1 if constant[1] is not None else 0
    weights = constant[at]
    if weights is None:
        raise StaysOnHost("both operands are computed; a layer has weights")
    x, w = terms[1 - at], terms[at]
    alone = {axis for term in (x, w) for axis in term.replace("...", "")} - set(y)
    if "..." in w or any(len(set(term)) != len(term) for term in (x.replace("...", ""), w)):
        raise StaysOnHost(f"{equation}: a diagonal, or weights with ...")
    if not alone <= set(x) & set(w):
        raise StaysOnHost(f"{equation}: sums over an axis of one operand")
    columns = tuple(size for axis, size in zip(w, weights.shape, strict=True) if axis not in x)
    return _product(node, Axes(x, w, y, columns), node.input[1 - at], _floats(weights))


BUILDERS: dict[str, Callable[[Graph, NodeProto, dict[str, Any]], Layer]] = {
    "Conv": _conv,
    "ConvInteger": _conv_integer,
    "Einsum": _einsum,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "MatMulInteger": _matmul_integer,
    "QLinearConv": _qlinear_conv,
    "QLinearMatMul": _qlinear_matmul,
}
"""The operators that layers come from."""


def _product(
    node: NodeProto,
    arrangement: Axes,
    activations: str,
    weights: Array,
    bias: Array | None = None,
    quantisation: Quantisation | None = None,
) -> Layer:
    return Layer(
        name=name_of(node),
        operator=node.op_type,
        input=activations,
        output=node.output[0],
        arrangement=arrangement,
        weights=arrangement.weights(weights),
        bias=bias,
        groups=arrangement.groups(weights.shape),
        quantisation=quantisation,
    )


def _operands(
    graph: Graph, node: NodeProto, left: int, right: int, *, swap: bool = True
) -> tuple[Axes, str, Array]:
    """Return arrangement, activations and weights of NumPy's matmul of two of a node's inputs.

    With ``swap`` the left one may be the weights.
    """
    at = left if swap and graph.constant(node.input[right]) is None else right
    weights = graph.constant(node.input[at])
    if weights is None:
        raise StaysOnHost("both operands are computed; a layer has weights")
    activations = node.input[left + right - at]
    shape = graph.shapes.get(activations)
    if shape is None:
        if at == left or weights.ndim != 2:
            raise StaysOnHost(f"the shape of {activations} is not known")
        return Axes("...k", "kn", "...n", weights.shape[1:]), activations, weights
    x, w = ("mk", "kn") if at == right else ("kn", "mk")
    x, w = (x if len(shape) > 1 else "k"), (w if weights.ndim > 1 else "k")
    y = "".join(sorted({*x, *w} - {"k"}))
    mine, theirs = shape[: len(shape) - len(x)], weights.shape[: weights.ndim - len(w)]
    kept = list(weights.shape[len(theirs) :])
    # Axes of the batch, from the last: those where the weights have size 1 are the activations' alone.
    for back, axis in zip(range(1, 1 + max(len(mine), len(theirs))), "abcdefgh", strict=False):
        size = mine[-back] if back <= len(mine) else None
        own = theirs[-back] if back <= len(theirs) else 1
        if own > 1 or size is None:
            w, kept = axis + w, [own, *kept]
        if size is not None:
            # What the weights repeat is an axis of size 1, of no result.
            x = (axis.upper() if size == 1 and axis in w else axis) + x
        y = axis + y
    weights = weights.reshape(kept)
    columns = tuple(size for axis, size in zip(w, kept, strict=True) if axis not in x)
    return Axes(x, w, y, columns), activations, weights


def _weights(graph: Graph, node: NodeProto, index: int) -> Array:
    found = graph.constant(node.input[index])
    if found is None:
        raise StaysOnHost("the weights are computed; a layer has constant ones")
    return found


def _floats(array: Array) -> Array:
    """Return float32; float16 and bfloat16 fit it."""
    return np.ascontiguousarray(array, np.float32)


def _given(node: NodeProto, index: int) -> bool:
    return len(node.input) > index and bool(node.input[index])


def _constant(graph: Graph, node: NodeProto, index: int, what: str) -> Array:
    found = graph.constant(node.input[index])
    if found is None:
        raise StaysOnHost(f"its {what} is computed; a layer has a constant one")
    return found


def _vector(graph: Graph, node: NodeProto, index: int, size: int) -> Array | None:
    """Return an input that is one number for each output channel, or None where it is not given."""
    if not _given(node, index):
        return None
    found = _constant(graph, node, index, "bias")
    if found.size not in (1, size) or (found.ndim and found.shape[-1] != found.size):
        raise StaysOnHost(f"its bias has the shape {found.shape}")
    return _repeated(found.reshape(-1), size)


def _repeated(values: Array, size: int) -> Array:
    """Return one value as ``size`` of them, or fewer repeated batch by batch."""
    return np.tile(values, size // len(values))


def _outputs(arrangement: Arrangement, weights: Array) -> int:
    assert isinstance(arrangement, Axes)
    return len(arrangement.weights(weights))


def _zeros(graph: Graph, node: NodeProto, index: int, size: int) -> npt.NDArray[np.int64]:
    """Return zero points of weights, one for each output channel; 0 where none is given."""
    if not _given(node, index):
        return np.zeros(size, np.int64)
    found = _constant(graph, node, index, "zero point").reshape(-1).astype(np.int64)
    if found.size not in (1, size):
        raise StaysOnHost(f"{found.size} zero points for {size} columns")
    return _repeated(found, size)


def _scales(graph: Graph, node: NodeProto, index: int, size: int) -> npt.NDArray[np.float32]:
    found = _floats(_constant(graph, node, index, "scale")).reshape(-1)
    if found.size not in (1, size):
        raise StaysOnHost(f"{found.size} scales for {size} columns")
    return _repeated(found, size)


def _one(graph: Graph, node: NodeProto, index: int, what: str) -> Array:
    found = _constant(graph, node, index, what)
    if found.size != 1:
        raise StaysOnHost(f"its {what} has the shape {found.shape}; activations have one")
    return found.reshape(())


def _integers(graph: Graph, node: NodeProto, tensor: int, zero: int) -> Affine:
    """Return activations whose integers are worth 1 each, with a zero point that may be left out."""
    if _given(node, zero):
        value = _one(graph, node, zero, "zero point")
        return affine(np.ones((), np.float32), value, value.dtype)
    dtype = graph.dtype(node.input[tensor])
    if dtype is None:
        raise StaysOnHost(f"the type of {node.input[tensor]} is not known")
    return affine(np.ones((), np.float32), np.zeros((), np.int64), np.dtype(dtype))


def _activations(graph: Graph, node: NodeProto, scale: int, zero: int) -> Affine:
    point = _one(graph, node, zero, "zero point")
    return affine(_floats(_one(graph, node, scale, "scale")).reshape(()), point, point.dtype)


def affine(scale: Array, zero: Array, dtype: np.dtype[Any]) -> Affine:
    """Return what integers of a dtype of 8 bits are worth. Raises StaysOnHost for another."""
    if dtype not in (np.dtype("int8"), np.dtype("uint8")):
        raise StaysOnHost(f"{dtype} operands; layers have INT8 and UINT8")
    return Affine(scale, zero, *integer_range(8, signed=dtype.kind == "i", symmetric=False))
