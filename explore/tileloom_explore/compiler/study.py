"""A network at several sparsities: how long each node takes, what bounds it, where a mask can be relaxed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .abstraction import Abstraction
from .compile import Plans, compile_network
from .graph import Graph, Kind
from .program import Program
from .run import random_mask
from .timeline import NodeTime, Timeline, timeline

SPARSITIES = (0.0, 0.25, 0.5, 0.75)
"""Shares of blocks that are missing, as the paper's Table I has them, and none."""

LITTLE = 0.1
"""Of a node's time: what less is gained by missing blocks is little."""

SEED = 1
"""Of the places of missing blocks."""


def random_masks(graph: Graph, sparsity: float, block: int) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which blocks of each convolution are kept: the same share of each block column, places random.

    All of a convolution with fewer input channels than a block, which is a network's first. Of a network that
    has blocks missing itself, these are missing too.
    """
    rng = np.random.default_rng(SEED)
    masks: dict[str, npt.NDArray[np.bool_]] = {}
    for node in graph.nodes:
        if node.kind is Kind.CONV and node.owner not in masks:
            mask = random_mask(node.layer.channels, node.layer.outputs, sparsity, block, rng)
            masks[node.owner] = mask & graph.kept.get(node.owner, True)
    return masks


def at_sparsity(
    graph: Graph, grid: Abstraction, sparsity: float, plans: Plans | None = None
) -> tuple[Program, Timeline]:
    """Return a network's program, and it in time, with so many blocks missing.

    ``plans`` are those of the network in other tiles, at this sparsity.
    """
    masks = random_masks(graph, sparsity, grid.block) if sparsity else graph.kept
    program = compile_network(graph, grid, masks, plans)
    return program, timeline(program.steps, grid)


@dataclass(frozen=True)
class Gain:
    """What sparsity does for a convolution.

    Attributes
    ----------
    node:
        Its name.
    seconds:
        At each sparsity.
    bounds:
        The lane that takes longest, at each.
    """

    node: str
    seconds: tuple[float, ...]
    bounds: tuple[str, ...]

    @property
    def communication(self) -> int | None:
        """From which sparsity on, as an index, no longer computing takes longest; None is from none."""
        for index in range(len(self.bounds)):
            if all(bound != "COMP" for bound in self.bounds[index:]):
                return index
        return None

    @property
    def last_gain(self) -> int:
        """The last sparsity, as an index, that takes a tenth less than the one before; 0 is none."""
        gains = [
            index
            for index in range(1, len(self.seconds))
            if self.seconds[index] < (1 - LITTLE) * self.seconds[index - 1]
        ]
        return max(gains, default=0)


def gains(graph: Graph, grid: Abstraction, sparsities: Sequence[float] = SPARSITIES) -> list[Gain]:
    """Return what sparsity does for each convolution of a network that has blocks to miss."""
    found = [
        {node.node: node for node in at_sparsity(graph, grid, sparsity)[1].nodes} for sparsity in sparsities
    ]
    return [
        Gain(
            node.name,
            tuple(times[node.name].seconds for times in found),
            tuple(_bound(times[node.name]) for times in found),
        )
        for node in graph.nodes
        if node.kind is Kind.CONV and node.layer.channels >= grid.block
    ]


def _bound(node: NodeTime) -> str:
    return max(node.lanes, key=lambda lane: node.lanes[lane])
