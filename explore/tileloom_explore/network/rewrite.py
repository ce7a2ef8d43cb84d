"""Nodes rewritten before layers are made of them: what no layer has becomes nodes of the host."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import onnx
from onnx import NodeProto

from .graph import Graph, attributes
from .onnx_file import name_of
from .operators import BUILDERS, REFUSED
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


def split_biases(graph: Graph) -> None:
    """Take a bias that is no vector of constants out of every Gemm, as an addition behind it."""
    parts = [_without_bias(graph, node) if node.op_type == "Gemm" else [node] for node in graph.nodes]
    graph.nodes = [node for each in parts for node in each]


def _without_bias(graph: Graph, node: NodeProto) -> list[NodeProto]:
    """Return a Gemm whose bias is no vector of constants as one without, with an addition behind it."""
    if len(node.input) < 3 or not node.input[2]:
        return [node]
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
