"""The order of a network's layers and host nodes, and the cutting of these into segments."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import NodeProto

from .graph import Graph, reads
from .host import Segment
from .layer import NetworkLayer
from .onnx_file import name_of

Step = NetworkLayer | Segment


def scheduled(graph: Graph, layers: Sequence[NetworkLayer]) -> list[Step]:
    """Return layers and host segments in an order in which they can be computed.

    Host nodes with as many layers before them, on the longest way, make a segment. What nobody reads is left
    out.
    """
    needed = set(graph.outputs).union(*(layer.inputs for layer in layers))
    nodes: list[NodeProto] = []
    for node in reversed(graph.nodes):
        if needed & set(node.output):
            nodes.insert(0, node)
            needed |= reads(node)
    depth: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    waiting: list[NodeProto | NetworkLayer] = [*nodes, *layers]
    placed: dict[int, list[NodeProto | NetworkLayer]] = {}
    while waiting:
        left: list[NodeProto | NetworkLayer] = []
        for each in waiting:
            names = each.inputs if isinstance(each, NetworkLayer) else reads(each)
            names = {name for name in names if name not in graph.constants}
            if not names <= depth.keys():
                left.append(each)
                continue
            level = max((depth[name] for name in names), default=0)
            placed.setdefault(level, []).append(each)
            outs = (
                {each.output: level + 1}
                if isinstance(each, NetworkLayer)
                else dict.fromkeys(each.output, level)
            )
            depth |= outs
        if len(left) == len(waiting):
            raise AssertionError(
                f"{[name_of(n) for n in left if not isinstance(n, NetworkLayer)]} have no order"
            )
        waiting = left
    steps: list[Step] = []
    everything = [set(graph.outputs), *(layer.inputs for layer in layers)]
    for level in sorted(placed):
        here = [each for each in placed[level] if not isinstance(each, NetworkLayer)]
        others = everything + [
            reads(node)
            for other, members in placed.items()
            if other != level
            for node in members
            if not isinstance(node, NetworkLayer)
        ]
        if here:
            steps.append(_segment(graph, here, set().union(*others)))
        steps += [each for each in placed[level] if isinstance(each, NetworkLayer)]
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
