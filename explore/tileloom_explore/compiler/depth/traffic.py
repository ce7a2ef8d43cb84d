"""Bytes between DDR and memory tiles: those of a program, and the least of a sub-graph, fused or not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..abstraction import Abstraction
from ..graph import Kind
from ..program import Begin, Buffer, Load, LoadW, Program, Weights, Write
from .fuse import Group

POOLING = (Kind.MAX, Kind.AVERAGE)


@dataclass(frozen=True)
class Traffic:
    """Bytes that a program moves: activations that are loaded and written, and weights."""

    loaded: int
    written: int
    weights: int

    @property
    def activations(self) -> int:
        """Both ways."""
        return self.loaded + self.written

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(self.loaded + other.loaded, self.written + other.written, self.weights + other.weights)


def traffic_by_node(program: Program, grid: Abstraction) -> dict[str, Traffic]:
    """Return the traffic of each of a program's nodes, all columns together."""
    buffers: dict[int, Buffer] = {}
    weights: dict[int, Weights] = {}
    found: dict[str, Traffic] = {}
    node = ""
    for step in program.steps:
        if isinstance(step, Begin):
            node = step.node
            found[node] = Traffic(0, 0, 0)
        elif isinstance(step, Buffer):
            buffers[step.number] = step
        elif isinstance(step, Weights):
            weights[step.number] = step
        elif isinstance(step, Load):
            own = buffers[step.buffer]
            found[node] += Traffic(own.rows * sum(own.width) * own.channels * own.item, 0, 0)
        elif isinstance(step, Write):
            found[node] += Traffic(0, buffers[step.buffer].rows * sum(step.width) * step.channels, 0)
        elif isinstance(step, LoadW):
            found[node] += Traffic(0, 0, weights[step.weights].bytes * grid.rows)
    return found


def traffic(program: Program, grid: Abstraction, nodes: Collection[str]) -> Traffic:
    """Return the traffic of some of a program's nodes, all columns together."""
    found = traffic_by_node(program, grid)
    return sum((own for node, own in found.items() if node in nodes), Traffic(0, 0, 0))


def map_bytes(group: Group, item: int) -> tuple[int, int]:
    """Return the least bytes of activations that a sub-graph moves layer by layer, and fused.

    Layer by layer each map is written once and read once by each node that has it as an input; pooling is
    done as its result is read, so that it is the map before the pooling that moves. Fused, what comes from
    outside is read once and the result is written once, as with tiles whose common rows are kept.

    Parameters
    ----------
    group:
        The sub-graph.
    item:
        Bytes of a number.
    """
    tensors = group.graph.tensors
    pooled = {node.output: node.inputs[0] for node in group.nodes if node.kind in POOLING}

    def size(name: str) -> int:
        tensor = tensors[name]
        return tensor.height * tensor.width * tensor.channels * item

    def before(name: str) -> str:
        return before(pooled[name]) if name in pooled else name

    reads = [before(name) for node in group.nodes if node.kind not in POOLING for name in node.inputs]
    writes = {node.output for node in group.nodes if node.kind not in POOLING}
    apart = sum(map(size, reads)) + sum(map(size, writes))
    return apart, sum(map(size, group.inputs)) + size(group.output)
