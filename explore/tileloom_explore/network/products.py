"""Matrix products as layers: Gemm, MatMul and its integer kin, Einsum; their axes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto

from .arrangement import Axes
from .graph import Graph
from .layer import NetworkLayer, Quantisation
from .onnx_file import name_of
from .operands import (
    StaysOnHost,
    affine,
    bias_vector,
    computed_zero,
    constant_weights,
    integer_activations,
    outputs_of,
    quantised_activations,
    repeat,
    to_float32,
    weight_scales,
    weight_zeros,
)

Array = npt.NDArray[Any]


def gemm(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    """Return the layer of a Gemm, weights on either side: alpha goes into them, beta into the bias.

    `network` has split off a bias that is no vector along the output channels.
    """
    x, w = ("km" if attribute.get("transA") else "mk"), ("nk" if attribute.get("transB") else "kn")
    at = weights_side(graph, node)
    if at == 0:
        x, w = w, x
    weights = to_float32(constant_weights(graph, node, at))
    columns = weights.shape[w.index("n" if at else "m")]
    bias = bias_vector(graph, node, 2, columns)
    with np.errstate(over="ignore", invalid="ignore"):  # `network` refuses what is not finite
        weights = weights * np.float32(attribute.get("alpha", 1.0))
        if bias is not None:
            bias = to_float32(bias) * np.float32(attribute.get("beta", 1.0))
    return _product(node, Axes(x, w, "mn", (columns,)), node.input[1 - at], weights, bias)


def weights_side(graph: Graph, node: NodeProto) -> int:
    """Return which of a product's two operands is constant, 0 or 1; 1 where none or both are."""
    return 0 if graph.constant(node.input[1]) is None and graph.constant(node.input[0]) is not None else 1


def matmul(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    """Return the layer of a MatMul, NumPy's, the constant operand on either side."""
    arrangement, activations, weights = _operands(graph, node, 0, 1)
    return _product(node, arrangement, activations, to_float32(weights))


def matmul_integer(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    """Return the layer of a MatMulInteger: INT32 sums."""
    arrangement, activations, weights = _operands(graph, node, 0, 1, swap=False)
    x, outputs = integer_activations(graph, node, 0, 2), outputs_of(arrangement, weights)
    zeros = repeat(weight_zeros(graph, node, 3, weights.shape[-1]), outputs)
    weight = affine(np.ones(outputs, np.float32), zeros, weights.dtype)
    quantisation = Quantisation(x, weight, None, True, True)
    layer = _product(node, arrangement, activations, weights, None, quantisation)
    return replace(layer, zero=computed_zero(graph, node, 2))


def qlinear_matmul(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    """Return the layer of a QLinearMatMul."""
    arrangement, activations, weights = _operands(graph, node, 0, 3, swap=False)
    columns, outputs = weights.shape[-1], outputs_of(arrangement, weights)
    scales, zeros = weight_scales(graph, node, 4, columns), weight_zeros(graph, node, 5, columns)
    weight = affine(repeat(scales, outputs), repeat(zeros, outputs), weights.dtype)
    quantisation = Quantisation(
        quantised_activations(graph, node, 1, 2), weight, quantised_activations(graph, node, 6, 7), True, True
    )
    return _product(node, arrangement, activations, weights, None, quantisation)


def einsum(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    """Return the layer of an Einsum that is a product of two operands, one of them constant."""
    equation = attribute["equation"].replace(" ", "")
    operands, arrow, y = equation.partition("->")
    terms = operands.split(",")
    if len(terms) != 2:
        raise StaysOnHost(f"{equation}: a product has two operands")
    if not arrow:
        y = "".join(sorted(axis for axis in set("".join(terms)) if "".join(terms).count(axis) == 1))
        y = "..." * ("..." in operands) + y
    at = weights_side(graph, node)
    weights = graph.constant(node.input[at])
    if weights is None:
        raise StaysOnHost("both operands are computed; a layer has weights")
    x, w = terms[1 - at], terms[at]
    alone = {axis for term in (x, w) for axis in term.replace("...", "")} - set(y)
    if "..." in w or any(len(set(term)) != len(term) for term in (x.replace("...", ""), w)):
        raise StaysOnHost(f"{equation}: a diagonal, or weights with ...")
    if not alone <= set(x) & set(w):
        raise StaysOnHost(f"{equation}: sums over an axis of one operand")
    shape = graph.shapes.get(node.input[1 - at])
    head, _, tail = x.partition("...")
    sizes = dict(zip(head, shape or (), strict=False))
    sizes |= dict(zip(reversed(tail), reversed(shape or ()), strict=False))
    if not w or any(sizes.get(axis, size) != size for axis, size in zip(w, weights.shape, strict=True)):
        raise StaysOnHost(f"{equation}: an axis of size 1 is repeated")
    columns = tuple(size for axis, size in zip(w, weights.shape, strict=True) if axis not in x)
    return _product(node, Axes(x, w, y, columns), node.input[1 - at], to_float32(weights))


def _product(
    node: NodeProto,
    arrangement: Axes,
    activations: str,
    weights: Array,
    bias: Array | None = None,
    quantisation: Quantisation | None = None,
) -> NetworkLayer:
    return NetworkLayer(
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
