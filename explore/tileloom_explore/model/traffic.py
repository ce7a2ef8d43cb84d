"""The first step: dense traffic, the words that a mapping moves between levels if nothing is zero.

A tile is a box, so what changes from one iteration to the next has a closed form. When a loop steps and all
loops inside it begin again, the tile has moved by the loop's own stride less their whole ways; what it has
then in common with the tile before is a box as well, and the rest is moved. Stationarity (it has not moved)
and the halo of convolutions (it has moved by less than its extent) are two cases of that one rule.
(Sparseloop, MICRO 2022, section 5.2; Timeloop, ISPASS 2019, section VI.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .architecture import Architecture
from .mapping import Integers, Nest, extents, grids
from .workload import Tensor

Floats = npt.NDArray[np.float64]


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
    tile: Integers
    instances: Floats
    reads: Floats
    fills: Floats
    updates: Floats
    first_fills: Floats
    links: Floats


def dense_traffic(nest: Nest, architecture: Architecture, tensor: Tensor) -> list[Transfer]:
    """Return the transfers of each level that keeps a tensor, the outermost first."""
    keepers = nest.keep[tensor.name]
    step = nest.stride @ tensor.coefficients(nest.dimensions).T
    result = []
    fills = first = np.zeros(nest.bound.shape[0])
    for level, below in zip(keepers, (*keepers[1:], nest.depth), strict=True):
        between = [other for other in architecture.levels[level:below] if other.fanout != 1]
        lanes = nest.spatial & (nest.level >= level) & (nest.level < below)
        count = np.multiply.reduce(nest.bound[:, lanes], axis=1).astype(np.float64)
        inner = nest.inside[:, nest.start(below)]
        tile = extents(tensor, nest.dimensions, inner)
        if below == nest.depth:
            own = nest.steps.astype(np.float64)
            shared = own * _cover(np.ones_like(tile), step[:, lanes], nest.bound[:, lanes])
            linked = shared
        else:
            apart = grids(tensor, nest.dimensions, inner) if tensor.strided else None
            own, shared, linked = _changes(nest, nest.start(below), tile, apart, step, lanes)
        links = np.zeros_like(own)
        merge = all(other.reduction if tensor.written else other.multicast for other in between)
        moved = shared if merge else own * count
        if merge and not tensor.written and any(other.links for other in between):
            moved, links = linked, shared - linked
        if tensor.written:
            mine = _distinct(nest, tensor, level)
            reads, updates = np.maximum(moved - mine, 0), moved
            below_first = _distinct(nest, tensor, below) if below < nest.depth else np.zeros_like(own)
            next_fills, next_first = np.maximum(own - below_first, 0), np.minimum(own, below_first)
        else:
            reads, updates = moved, np.zeros_like(own)
            next_fills, next_first = own, np.zeros_like(own)
        instances = nest.instances(level).astype(np.float64)
        held = extents(tensor, nest.dimensions, nest.inside[:, nest.start(level)])
        result.append(Transfer(level, below, held, instances, reads, fills, updates, first, links))
        fills, first = next_fills, next_first
    return result


def _changes(
    nest: Nest,
    start: int,
    tile: Integers,
    apart: Integers | None,
    step: Integers,
    lanes: npt.NDArray[np.bool_],
) -> tuple[Floats, Floats, Floats]:
    """Return the words that tiles of the loops from slot ``start`` on take in over time.

    ``apart`` is how far the words of a tile lie apart: moved by no multiple of it, it has no word again.
    They are counted for one instance; for all instances at once, each word that several take in in the same
    step once; and for all instances as one, words that any of them had the step before left out.
    """
    above = np.flatnonzero(~nest.spatial[:start])
    bound, way = nest.bound[:, above], step[:, above]
    moved = way - _after(way * (bound - 1)[..., None])
    repeats = np.cumprod(np.concatenate([np.ones_like(bound[:, :1]), bound], axis=1), axis=1)[:, :-1]
    times = (repeats * (bound - 1)).astype(np.float64)
    extent = np.repeat(tile[:, None], moved.shape[1], axis=1)
    common = np.maximum(extent - _in_words(moved, apart), 0)
    volume, kept = _product(tile), _product(common)
    own = volume + (times * (volume[:, None] - kept)).sum(axis=1)
    across, width = _in_words(step[:, lanes], apart), nest.bound[:, lanes]
    if not across.any():
        return own, own, own  # all instances have the same
    # What is new is slabs, one a rank, each common in the ranks before its own and whole in those after.
    sizes = np.concatenate([extent, common, extent - common], axis=1)
    count = extent.shape[1]
    parts = [
        (points[:, :count], points[:, count : 2 * count], points[:, 2 * count :])
        for points in _points(sizes, across, width)
    ]
    slabs = np.zeros(times.shape)
    for rank, (_, _, new) in enumerate(parts):
        slab = new
        for other, (whole, both, _) in enumerate(parts):
            if other != rank:
                slab = slab * (both if other < rank else whole)
        slabs += slab
    everything = _cover(tile, across, width)
    shared = everything + (times * slabs).sum(axis=1)
    span = tile + (across * (width - 1)[..., None]).sum(axis=1)
    held = _product(np.maximum(span[:, None] - _in_words(moved, apart), 0))
    box = _product(span)
    # Where instances lie apart there is nothing that one of them could have from another.
    joint = np.where(box == everything, everything + (times * (box[:, None] - held)).sum(axis=1), shared)
    return own, shared, np.minimum(joint, shared)


_FAR = 2**40
"""Words that no tile reaches over."""


def _in_words(way: Integers, apart: Integers | None) -> Integers:
    """Return how many words of a tile a way (mappings x any x ranks) is; many where it meets none."""
    if apart is None:
        return np.abs(way)
    words, rest = np.divmod(np.abs(way), apart[:, None])
    return np.where(rest == 0, words, _FAR)


def _after(values: Integers) -> Integers:
    """Return for each slot the sum over those inside it."""
    return np.cumsum(values[:, ::-1], axis=1)[:, ::-1] - values


def _points(width: Integers, across: Integers, bound: Integers) -> list[Floats]:
    """Return for each rank how many points intervals of ``width`` cover, one for each instance.

    ``width`` is mappings x any x ranks, what is returned mappings x any; ``across`` and ``bound`` are the
    stride and bound of the loops in space, the innermost last.
    """
    result = []
    for rank in range(width.shape[2]):
        points = span = width[:, :, rank].astype(np.float64)
        for slot in reversed(range(bound.shape[1])):
            stride = across[:, slot, rank]
            if not stride.any():
                continue
            stride, times = stride[:, None], bound[:, slot, None]
            grown = span + stride * (times - 1)
            joined = (points == span) & (stride <= span)
            points = np.where(stride == 0, points, np.where(joined, grown, points * times))
            span = np.where(stride == 0, span, grown)
        result.append(points)
    return result


def _cover(tile: Integers, across: Integers, bound: Integers) -> Floats:
    """Return how many words the tiles of all instances have together."""
    result = np.ones(tile.shape[0])
    for points in _points(tile[:, None], across, bound):
        result = result * points[:, 0]
    return result


def _distinct(nest: Nest, tensor: Tensor, level: int) -> Floats:
    """Return how many words of a tensor one instance of a level ever sees."""
    points = nest.points(~nest.spatial | (nest.level >= level))
    return _product(extents(tensor, nest.dimensions, points))


def _product(values: Integers | Floats) -> Floats:
    return np.multiply.reduce(values, axis=-1, dtype=np.float64)
