"""The search for the number of tiles: each is compiled, and what takes least is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..abstraction import Abstraction
from ..compile import Plans
from ..graph import Graph, Node
from ..program import Program
from ..study import at_sparsity
from ..timeline import Timeline
from .fuse import Group, extra, fused, steps_of
from .projection import active_bytes, project
from .traffic import Traffic, traffic, traffic_by_node

MOST = 8
"""Tiles that the search considers."""


@dataclass(frozen=True)
class Tiled:
    """A network with a sub-graph in tiles.

    Attributes
    ----------
    tiles:
        Of the result's rows, and of its pixels; 1, 1 is layer by layer.
    graph, program, times:
        The network, compiled.
    seconds:
        Of the sub-graph.
    traffic:
        Of the sub-graph.
    extra:
        Its multiplications, over those layer by layer.
    active:
        The most bytes of tensors within the sub-graph that a tile needs together.
    """

    tiles: tuple[int, int]
    graph: Graph
    program: Program
    times: Timeline
    seconds: float
    traffic: Traffic
    extra: float
    active: int


def tiled(
    group: Group,
    grid: Abstraction,
    sparsity: float,
    tiles: tuple[int, int],
    plans: Plans | None = None,
) -> Tiled:
    """Return a network with a sub-graph in so many tiles.

    ``plans`` are those of other numbers of tiles, at this sparsity. Raises ValueError as `compile_network`.
    """
    graph = group.graph if tiles == (1, 1) else fused(group, *tiles)
    nodes = set(steps_of(group, graph))
    program, times = at_sparsity(graph, grid, sparsity, plans)
    boxes = [project(group.nodes, group.output, box) for box in group.boxes(*tiles)]
    return Tiled(
        tiles,
        graph,
        program,
        times,
        sum(each.seconds for each in times.nodes if each.node in nodes),
        traffic(program, grid, nodes),
        extra(group, graph) if tiles != (1, 1) else 1.0,
        max(active_bytes(group.graph, group.nodes, each, grid.block) for each in boxes),
    )


def candidates(group: Group, most: int = MOST) -> Iterator[tuple[int, int]]:
    """Yield the numbers of tiles to consider: at most so many, rows cut at least as often as pixels."""
    tensor = group.graph.tensors[group.output]
    for down in range(1, min(most, tensor.height) + 1):
        for across in range(1, min(down, most // down, tensor.width) + 1):
            yield down, across


def spilling(graph: Graph, program: Program, grid: Abstraction) -> Group | None:
    """Return the sub-graph that takes the most activations to DDR and back, or None if none does.

    Nodes in a row that load activations other than the network's inputs, or write others than its outputs;
    from where they begin to the first node from the last of them on that makes it one with a single result.
    """
    found = traffic_by_node(program, grid)
    moves = [_spills(graph, node, found[node.name]) for node in graph.nodes]
    runs: list[tuple[int, Group]] = []
    index = 0
    while index < len(moves):
        end = index
        while end < len(moves) and moves[end]:
            end += 1
        if end - index > 1:
            for last in range(end, len(moves) + 1):
                try:
                    runs.append((sum(moves[index:end]), Group(graph, index, last)))
                except ValueError:
                    continue
                break
        index = max(end, index + 1)
    return max(runs, key=lambda run: run[0])[1] if runs else None


def _spills(graph: Graph, node: Node, moved: Traffic) -> int:
    """Return the bytes of activations that a node moves, but for the network's inputs and outputs."""
    own = 0 if node.output in graph.outputs else moved.written
    return own + (0 if set(node.inputs) <= set(graph.inputs) else moved.loaded)
