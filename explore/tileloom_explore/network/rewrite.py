"""Nodes rewritten before layers are made of them: what no layer has becomes nodes of the host."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import onnx
from onnx import NodeProto

from tileloom.errors import UserError

from .graph import Graph, attributes
from .layer import reference
from .onnx_file import name_of
from .operands import StaysOnHost
from .operators import BUILDERS, REFUSED, layer_of
from .products import weights_side


def tell_apart(graph: Graph) -> Iterator[str]:
    """Give nodes that are called as an earlier one names of their own, and yield those of layers to be."""
    there = {name_of(node) for node in graph.nodes}
    seen: set[str] = set()
    for node in graph.nodes:
        name = name_of(node)
        if name in seen:
            node.name = next(new for number in count(2) if (new := f"{name}.{number}") not in there)
            there.add(node.name)
            if node.op_type in (*BUILDERS, *REFUSED):
                yield f"several nodes are called {name}; that of output {node.output[0]} is {node.name} here"
        seen.add(name_of(node))


def rewrite(graph: Graph) -> Iterator[str]:
    """Rewrite the nodes of a graph, and yield what was chosen.

    Raises UserError, as `operators.layer_of` does, for nodes that cannot be.
    """
    nodes: list[NodeProto] = []
    for node in graph.nodes:
        third = node.input[2] if len(node.input) > 2 else ""
        parts = [node]
        if node.op_type == "Gemm" and third:
            parts = _without_bias(graph, node)
        elif node.op_type in ("ConvInteger", "MatMulInteger") and third and graph.constant(third) is None:
            parts = _without_zero_point(graph, node)
            if len(parts) > 1:
                yield (
                    f"{name_of(node)}: its zero point {third} is computed: the layer is without one, and the "
                    "host subtracts zero point times sums of weights"
                )
        nodes += parts
    graph.nodes = nodes


def _without_bias(graph: Graph, node: NodeProto) -> list[NodeProto]:
    """Return a Gemm whose bias is no vector of constants as one without, with an addition behind it."""
    bias = graph.constant(node.input[2])
    columns = (graph.shapes.get(node.output[0]) or (0, 0))[1]
    if (
        weights_side(graph, node)
        and bias is not None
        and (bias.size == 1 or bias.shape[-1] == bias.size == columns)
    ):
        return [node]
    name, out = name_of(node), node.output[0]
    beta = f"{out}/beta"
    dtype = graph.dtype(out) or "float32"
    graph.constants[beta] = np.asarray(attributes(node).get("beta", 1.0), dtype)
    product = NodeProto()
    product.CopyFrom(node)
    product.input[2], product.output[0], product.name = "", f"{out}/product", name
    graph.shapes[f"{out}/product"] = graph.shapes.get(out, ())
    graph.dtypes[f"{out}/product"] = dtype
    make = onnx.helper.make_node
    return [
        product,
        make("Mul", [node.input[2], beta], [f"{out}/bias"]),
        make("Add", [f"{out}/product", f"{out}/bias"], [out]),
    ]


def _without_zero_point(graph: Graph, node: NodeProto) -> list[NodeProto]:
    """Return an integer product whose activations' zero point is computed as one without, corrected after.

    sum (x - zx) (w - zw) = sum x (w - zw) - zx sum (w - zw), of which the last sum, over the weights that
    meet the image, is what the layer gives for ones. Such nodes follow DynamicQuantizeLinear.
    """
    x, zero, out = node.input[0], node.input[2], node.output[0]
    shape, y = graph.shapes.get(x), graph.shapes.get(out)
    single = graph.shapes.get(zero) in ((), (1,)) and (y or graph.shapes.get(zero) == ())
    if graph.constant(node.input[1]) is None or shape is None or y is None or not single:
        return [node]
    name, made = name_of(node), f"{out}/product"
    product = NodeProto()
    product.CopyFrom(node)
    product.input[2], product.output[0], product.name = "", made, name
    graph.shapes[made], graph.dtypes[made] = y, "int32"
    try:
        layer = layer_of(graph, product)
    except StaysOnHost:
        return [node]
    except UserError as error:
        raise UserError(f"{name} ({node.op_type}): {error}") from None
    assert layer is not None
    # Images of a batch, and rows of a product, all have the same sums.
    alike = 0 if node.op_type == "ConvInteger" else -2
    ones = [1 if len(shape) > 1 and axis == alike % len(shape) else size for axis, size in enumerate(shape)]
    graph.constants[f"{out}/sums"] = reference(layer, np.ones(ones, np.uint8)).astype(np.int32)
    make = onnx.helper.make_node
    return [
        product,
        make("Cast", [zero], [f"{out}/zero"], to=onnx.TensorProto.INT32),
        make("Mul", [f"{out}/zero", f"{out}/sums"], [f"{out}/correction"]),
        make("Sub", [made, f"{out}/correction"], [out]),
    ]
