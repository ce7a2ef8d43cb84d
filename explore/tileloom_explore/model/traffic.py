"""The first step: dense traffic, the words that a mapping moves between levels if nothing is zero.

A tile is a box, so what changes from one iteration to the next has a closed form. When a loop steps and all
loops inside it begin again, the tile has moved by the loop's own stride less their whole ways; what it has
then in common with the tile before is a box as well, and the rest is moved. Stationarity (it has not moved)
and the halo of convolutions (it has moved by less than its extent) are two cases of that one rule.
(Sparseloop, MICRO 2022, section 5.2; Timeloop, ISPASS 2019, section VI.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .architecture import Architecture
from .mapping import Floats, Integers, Nest, extents, grids
from .workload import Tensor


@dataclass(frozen=True, eq=False)
class Transfer:
    """What a level does for one tensor, in words of one instance (arrays over mappings).

    Attributes
    ----------
    level, below:
        Index of the level, and of the next below that keeps the tensor; the number of levels: compute.
    tile:
        Extents of the tile that it holds (mappings x ranks).
    instances:
        Of the level, in use.
    reads:
        Read for what is below; of a result also the partial ones that an update adds to.
    fills:
        Written by what is above.
    updates:
        Of a result: written by what is below.
    first_fills:
        Of a result: how many more fills there would be if a level were filled before its first update.
    links:
        Words that come from a neighbour below, of all instances below one of this level.
    """

    level: int
    below: int
    tile: Floats
    instances: Floats
    reads: Floats
    fills: Floats
    updates: Floats
    first_fills: Floats
    links: Floats


def dense_traffic(nest: Nest, architecture: Architecture, tensor: Tensor) -> Iterator[Transfer]:
    """Yield the transfers of each level that keeps a tensor, the outermost first."""
    keepers = nest.keep[tensor.name]
    fills = first = np.zeros(nest.bound.shape[0])
    held = extents(tensor, nest.dimensions, nest.tile(0))
    for level, below in zip(keepers, (*keepers[1:], nest.depth), strict=True):
        between = [other for other in architecture.levels[level:below] if other.fanout != 1]
        lanes = nest.spatial & (nest.level >= level) & (nest.level < below)
        count = np.multiply.reduce(nest.bound[:, lanes], axis=1)
        inner = nest.tile(below)
        tile = extents(tensor, nest.dimensions, inner)
        merge = all(other.reduction if tensor.written else other.multicast for other in between)
        chained = merge and not tensor.written and any(other.links for other in between)
        if below == nest.depth:
            own = nest.steps
            shared = linked = own * _cover(nest.steps_of(tensor, lanes), nest.bound[:, lanes])
        else:
            apart = grids(tensor, nest.dimensions, inner) if tensor.strided else None
            own, shared, linked = _changes(nest, tensor, below, tile, apart, lanes, chained)
        moved = linked if chained else shared if merge else own * count
        links = shared - linked if chained else np.zeros_like(own)
        if tensor.written:
            mine = _distinct(nest, tensor, level)
            reads, updates = np.maximum(moved - mine, 0), moved
            below_first = _distinct(nest, tensor, below) if below < nest.depth else np.zeros_like(own)
            next_fills, next_first = np.maximum(own - below_first, 0), np.minimum(own, below_first)
        else:
            reads, updates = moved, np.zeros_like(own)
            next_fills, next_first = own, np.zeros_like(own)
        instances = nest.instances(level)
        yield Transfer(level, below, held, instances, reads, fills, updates, first, links)
        held, fills, first = tile, next_fills, next_first


def _changes(
    nest: Nest,
    tensor: Tensor,
    below: int,
    tile: Floats,
    apart: Integers | None,
    lanes: npt.NDArray[np.bool_],
    linked: bool,
) -> tuple[Floats, Floats, Floats]:
    """Return the words that tiles of a tensor take in over time that a level has, and those ``below`` it.

    ``apart`` is how far the words of a tile lie apart: moved by no multiple of it, it has no word again.
    They are counted for one instance; for all instances at once, each word that several take in in the same
    step once; and for all instances as one, words that any of them had the step before left out.
    """
    above = np.flatnonzero(~nest.spatial[: nest.start(below)])
    bound, way = nest.bound[:, above], nest.steps_of(tensor, above)
    # A loop's step, less the whole ways of those inside it, comes as often as those outside it turn.
    back = np.cumsum((way * (bound - 1)[..., None])[:, ::-1], axis=1)[:, ::-1]
    moved = way * bound[..., None] - back
    turns = np.cumprod(bound, axis=1)
    times = turns - turns / bound
    common = np.maximum(tile[:, None] - _in_words(moved, apart), 0)
    volume, kept = _product(tile), _product(common)
    own = volume + (times * (volume[:, None] - kept)).sum(axis=1)
    across, width = _in_words(nest.steps_of(tensor, lanes), apart), nest.bound[:, lanes]
    turned = _turned(across, width)
    if not any(turned):
        return own, own, own  # all instances have the same
    # What is new is slabs, one a rank, each common in the ranks before its own and whole in those after.
    slabs, both = np.zeros_like(times), np.ones_like(times)
    everything = np.ones_like(volume)
    for rank, slots in enumerate(turned):
        whole, old = tile[:, rank, None], common[..., rank]
        new = whole - old
        if slots:
            sizes = _points(np.concatenate([whole, old, new], axis=1), across[..., rank], width, slots)
            whole, old, new = sizes[:, :1], sizes[:, 1 : 1 + above.size], sizes[:, 1 + above.size :]
        slabs, both, everything = slabs * whole + both * new, both * old, everything * whole[:, 0]
    shared = everything + (times * slabs).sum(axis=1)
    if not linked:
        return own, shared, shared
    span = tile + (across * (width - 1)[..., None]).sum(axis=1)
    held = _product(np.maximum(span[:, None] - _in_words(moved, apart), 0))
    box = _product(span)
    # Where instances lie apart there is nothing that one of them could have from another.
    joint = np.where(box == everything, everything + (times * (box[:, None] - held)).sum(axis=1), shared)
    return own, shared, np.minimum(joint, shared)


_FAR = 2**40
"""Words that no tile reaches over."""


def _in_words(way: Floats, apart: Integers | None) -> Floats:
    """Return how many words of a tile a way (mappings x any x ranks) is; many where it meets none."""
    if apart is None:
        return np.abs(way)
    words, rest = np.divmod(np.abs(way), apart[:, None])
    return np.where(rest == 0, words, _FAR)


def _turned(across: Floats, bound: Floats) -> list[list[int]]:
    """Return for each rank the loops in space that any mapping moves in it, the innermost first."""
    moves = np.any(across * (bound - 1)[..., None], axis=0)
    return [np.flatnonzero(each)[::-1].tolist() if each.any() else [] for each in np.transpose(moves)]


def _points(width: Floats, across: Floats, bound: Floats, slots: Sequence[int]) -> Floats:
    """Return how many points intervals of ``width`` (mappings x any) cover in a rank, one for each instance.

    ``across`` and ``bound`` are the stride and bound of the loops in space, of which ``slots`` are looked at.
    """
    points = span = width
    for slot in slots:
        stride = across[:, slot, None]
        more = (stride > 0) * (bound[:, slot, None] - 1)
        # Intervals that overlap or touch add their stride to the points, others their whole width.
        joined = span + np.minimum(stride, span) * more
        points = joined if points is span else np.where(points == span, joined, points * (more + 1))
        span = span + stride * more
    return points


def _cover(across: Floats, bound: Floats) -> Floats:
    """Return how many words of a tensor all instances have together, each of which has one."""
    covered = one = np.ones((len(bound), 1))
    for rank, slots in enumerate(_turned(across, bound)):
        if slots:
            covered = covered * _points(one, across[..., rank], bound, slots)
    return covered[:, 0]


def _distinct(nest: Nest, tensor: Tensor, level: int) -> Floats:
    """Return how many words of a tensor one instance of a level ever sees."""
    points = nest.tile(0) / nest.points(nest.spatial & (nest.level < level))
    return _product(extents(tensor, nest.dimensions, points))


def _product(values: Floats) -> Floats:
    return np.multiply.reduce(values, axis=-1)
