"""Projection: what a box of a sub-graph's result needs of every tensor before it.

"Weight Block Sparsity: Training, Compilation, and AI Engine Accelerators" (arXiv 2407.09453), Section
"Depth-wise Tiling". Going from the last node to the first, a box of a node's output is what the node sees of
its inputs; where several nodes read a tensor, it is the smallest box that has all of theirs::

    T_-1 <--P(L_0)-- T_0 <--P(L_1)-- ... <--P(L_j)-- a tile of T_j
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tileloom_golden.engine.cut import seen

from ..graph import Graph, Node, Tensor
from ..work import Span, ceil

Box = tuple[Span, Span]
"""Rows and pixels of a row: first, and how many."""


def whole(tensor: Tensor) -> Box:
    """Return the box that is all of a tensor."""
    return (0, tensor.height), (0, tensor.width)


def read_box(node: Node, box: Box) -> tuple[Box, tuple[int, int, int, int]]:
    """Return what a box of a node's output sees of its image, and its padding: top, bottom, left, right."""
    layer = node.layer
    top, rows, above, below = seen(*box[0], layer.stride, layer.kernel[0], layer.pads[0], layer.height)
    left, pixels, before, after = seen(*box[1], layer.stride, layer.kernel[1], layer.pads[2], layer.width)
    return ((top, rows), (left, pixels)), (above, below, before, after)


def hull(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that has all of the boxes, at least one."""
    spans = []
    for axis in (0, 1):
        begin = min(box[axis][0] for box in boxes)
        spans.append((begin, max(sum(box[axis]) for box in boxes) - begin))
    return spans[0], spans[1]


def project(nodes: Sequence[Node], output: str, box: Box) -> dict[str, Box]:
    """Return what is needed of each tensor to compute a box of one.

    Parameters
    ----------
    nodes:
        The sub-graph, in the order of its schedule.
    output, box:
        The tensor, which a node of it writes, and the box.
    """
    needs: dict[str, list[Box]] = {output: [box]}
    for node in reversed(nodes):
        if node.output in needs:
            for name in node.inputs:
                needs.setdefault(name, []).append(read_box(node, hull(needs[node.output]))[0])
    return {name: hull(boxes) for name, boxes in needs.items()}


@dataclass(frozen=True)
class Generalised:
    """The convolution that a sub-graph is like along an axis: a tile of u sees (u - 1) stride + kernel."""

    kernel: int
    stride: int


def generalised(nodes: Sequence[Node], source: str, output: str) -> tuple[Generalised, Generalised]:
    """Return kernel and stride of a sub-graph between two tensors, along rows and along pixels.

    By projection of one pixel and of two, as if images had no edges. Raises ValueError if the output does not
    depend on the source.
    """
    found = []
    for axis in (0, 1):
        sizes = [_endless(nodes, source, output, axis, count) for count in (1, 2)]
        found.append(Generalised(sizes[0], sizes[1] - sizes[0]))
    return found[0], found[1]


def _endless(nodes: Sequence[Node], source: str, output: str, axis: int, count: int) -> int:
    """Return how many rows, or pixels, of the source so many of the output see; no image has an edge."""
    needs = {output: (0, count)}
    for node in reversed(nodes):
        if node.output not in needs:
            continue
        layer, (begin, end) = node.layer, needs[node.output]
        first = begin * layer.stride - layer.pads[2 * axis]
        last = (end - 1) * layer.stride - layer.pads[2 * axis] + layer.kernel[axis]
        for name in node.inputs:
            before = needs.get(name, (first, last))
            needs[name] = min(first, before[0]), max(last, before[1])
    if source not in needs:
        raise ValueError(f"{output} does not depend on {source}")
    return needs[source][1] - needs[source][0]


def active_bytes(graph: Graph, nodes: Sequence[Node], boxes: Mapping[str, Box], block: int) -> int:
    """Return the most bytes of tensors that are alive together while a tile is computed.

    Neither what comes from outside of the sub-graph nor its result counts, as in the paper. INT8, channels
    filled up to whole blocks.
    """
    made = {node.output for node in nodes}
    last = {name: index for index, node in enumerate(nodes) for name in node.inputs if name in made}
    first: dict[str, int] = {}
    for index, node in enumerate(nodes):
        first.setdefault(node.output, index)
    sizes = {
        name: boxes[name][0][1] * boxes[name][1][1] * ceil(graph.tensors[name].channels, block) * block
        for name in last
    }
    return max(
        (
            sum(sizes[name] for name in last if first[name] <= index <= last[name])
            for index in range(len(nodes))
        ),
        default=0,
    )
