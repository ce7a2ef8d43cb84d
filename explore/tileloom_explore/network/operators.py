"""From ONNX nodes to layers: what each product and convolution of the operator set means, layout included.

A node that could be a layer but is none, such as a product of two tensors that are both computed, stays on
the host, with a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from onnx import NodeProto

from tileloom.errors import UserError

from .arrangement import AutoPad, Channels, Window
from .graph import Graph, attributes
from .layer import NetworkLayer, Quantisation
from .node_checks import check_node
from .onnx_file import name_of
from .operands import (
    StaysOnHost,
    affine,
    bias_vector,
    computed_zero,
    constant_weights,
    integer_activations,
    quantised_activations,
    to_float32,
    weight_scales,
    weight_zeros,
)
from .products import einsum, gemm, matmul, matmul_integer, qlinear_matmul

Array = npt.NDArray[Any]


def layer_of(graph: Graph, node: NodeProto) -> NetworkLayer | None:
    """Return the layer that a node is; None of an operator that is never one.

    Raises
    ------
    StaysOnHost
        It could be one, but for a reason.
    UserError
        A weight is NaN or infinite, or shapes and attributes are none that the operator can have.
    """
    if node.domain not in ("", "ai.onnx") or node.op_type not in BUILDERS:
        return None
    if node.op_type in OF_FLOATS and "int" in (dtype := graph.dtype(node.input[0]) or ""):
        raise StaysOnHost(f"{dtype} operands; layers have floats, or integers of 8 bits")
    check_node(graph, node)
    for name in node.input:
        array = graph.constant(name)
        if "Conv" not in node.op_type and array is not None and not array.size:
            raise StaysOnHost(f"{name} has the shape {array.shape}: there is nothing to multiply")
    return BUILDERS[node.op_type](graph, node, attributes(node))


def _conv(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    weights = to_float32(constant_weights(graph, node, 1))
    bias = bias_vector(graph, node, 2, len(weights))
    return _convolution(node, attribute, weights, None if bias is None else to_float32(bias))


def _conv_integer(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    weights = constant_weights(graph, node, 1)
    ones, zeros = np.ones(len(weights), np.float32), weight_zeros(graph, node, 3, len(weights))
    x = integer_activations(graph, node, 0, 2)
    quantisation = Quantisation(x, affine(ones, zeros, weights.dtype), None, True, True)
    layer = _convolution(node, attribute, weights, None, quantisation)
    return replace(layer, zero=computed_zero(graph, node, 2))


def _qlinear_conv(graph: Graph, node: NodeProto, attribute: dict[str, Any]) -> NetworkLayer:
    weights = constant_weights(graph, node, 3)
    outputs = len(weights)
    scales, zeros = weight_scales(graph, node, 4, outputs), weight_zeros(graph, node, 5, outputs)
    weight = affine(scales, zeros, weights.dtype)
    quantisation = Quantisation(
        quantised_activations(graph, node, 1, 2), weight, quantised_activations(graph, node, 6, 7), True, True
    )
    return _convolution(node, attribute, weights, bias_vector(graph, node, 8, outputs), quantisation)


def _convolution(
    node: NodeProto,
    attribute: dict[str, Any],
    weights: Array,
    bias: Array | None,
    quantisation: Quantisation | None = None,
) -> NetworkLayer:
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
    if attribute.get("auto_pad", "NOTSET") not in get_args(AutoPad):
        raise UserError(f"auto_pad is {attribute['auto_pad']}; must be one of {', '.join(get_args(AutoPad))}")
    groups, window = attribute.get("group", 1), attribute.get("kernel_shape") or weights.shape[2:]
    if groups < 1 or len(weights) % groups or not weights.size or tuple(window) != weights.shape[2:]:
        raise UserError(f"weights of shape {weights.shape} with {groups} groups and a window of {window}")
    wide = weights if axes == 2 else weights[:, :, None, :]
    return NetworkLayer(
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
        groups=groups,
        quantisation=quantisation,
    )


BUILDERS: dict[str, Callable[[Graph, NodeProto, dict[str, Any]], NetworkLayer]] = {
    "Conv": _conv,
    "ConvInteger": _conv_integer,
    "Einsum": einsum,
    "Gemm": gemm,
    "MatMul": matmul,
    "MatMulInteger": matmul_integer,
    "QLinearConv": _qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
}
"""The operators that layers come from."""

OF_FLOATS = ("Conv", "Einsum", "Gemm", "MatMul")
"""Those of them that multiply floats, and in ONNX some also integers of 32 bits and more."""

REFUSED = ("ConvTranspose", "DeformConv")
"""Operators that multiply, and of which nobody makes layers."""
