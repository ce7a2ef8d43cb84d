"""The mappings that a search may choose from: prime factors of every dimension, dealt out to levels.

A sample is drawn as arrays, a row for each mapping; rows that are the same mapping, and those that no fan-out
or level has room for, go before anything is evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

from .architecture import Architecture
from .formats import Format
from .leaders import law_of
from .loops import Constraint
from .mapping import Floats, Integers, Loops, Mapping, Nest, extents
from .workload import Workload


@dataclass(frozen=True)
class Place:
    """Where loops can stand: a level, in time or in space, and the dimensions that are free there."""

    level: int
    spatial: bool
    free: tuple[str, ...]
    fixed: dict[str, int]
    order: tuple[str, ...]


@dataclass(frozen=True)
class Mapspace:
    """All mappings of a workload on an architecture that constraints leave."""

    workload: Workload
    architecture: Architecture
    places: tuple[Place, ...]
    keep: dict[str, tuple[int, ...]]
    primes: tuple[tuple[int, int, tuple[int, ...]], ...]

    @staticmethod
    def of(workload: Workload, architecture: Architecture, constraints: Sequence[Constraint]) -> Mapspace:
        """Return the space. Raises UserError where the fixed bounds leave no mapping."""
        names = workload.dimensions
        places: list[Place] = []
        for index, (level, constraint) in enumerate(zip(architecture.levels, constraints, strict=True)):
            time = names if constraint.temporal is None else constraint.temporal
            space = () if level.fanout == 1 else names if constraint.spatial is None else constraint.spatial
            for spatial, free in ((False, time), (True, space)):
                fixed = dict(constraint.fixed[spatial])
                left = tuple(name for name in free if name not in fixed)
                places.append(Place(index, spatial, left, fixed, constraint.order))
        keep = {
            tensor.name: tuple(
                index
                for index, each in enumerate(constraints)
                if each.keep is None or tensor.name in each.keep
            )
            for tensor in workload.tensors
        }
        for tensor, levels in keep.items():
            if levels[:1] != (0,):
                raise UserError(f"search.0.keep: {tensor} is missing; the outermost level keeps all")
        primes = []
        for number, name in enumerate(names):
            size, fixed_bound = workload.sizes[name], int(np.prod([p.fixed.get(name, 1) for p in places]))
            if size % fixed_bound:
                raise UserError(
                    f"search: {name}: its fixed loops make {fixed_bound}, the workload has {size}"
                )
            allowed = tuple(index for index, place in enumerate(places) if name in place.free)
            for prime in _primes(size // fixed_bound):
                if not allowed:
                    raise UserError(f"search: {name}: no level may loop over it")
                primes.append((number, prime, allowed))
        return Mapspace(workload, architecture, tuple(places), keep, tuple(primes))

    def sample(self, rng: np.random.Generator, count: int) -> Nest:
        """Return ``count`` mappings drawn at random, no two of them the same, so there may be fewer."""
        dims = len(self.workload.dimensions)
        fixed = np.ones((len(self.places), dims))
        for index, place in enumerate(self.places):
            for name, bound_there in place.fixed.items():
                fixed[index, self.workload.dimensions.index(name)] = bound_there
        where, rows = self._deal(rng, count, fixed), np.arange(count)
        table = np.repeat(fixed.T[..., None], count, axis=2).T
        for column, (number, prime, _) in enumerate(self.primes):
            table[rows, where[:, column], number] *= prime
        dimension: list[Integers] = []
        bound: list[Floats] = []
        for index, place in enumerate(self.places):
            if place.spatial:  # in space the order of loops means nothing
                here = [d for d in range(dims) if (table[:, index, d] > 1).any()]
                dimension.append(np.broadcast_to(np.array(here, np.int64), (count, len(here))))
                bound.append(table[:, index, here])
                continue
            order = self._order(rng, place, table[:, index])
            bounds = np.take_along_axis(table[:, index], order, axis=1)
            order = np.where(bounds > 1, order, 0)
            used = np.flatnonzero((bounds > 1).any(axis=0))
            first = int(used[0]) if used.size else dims
            dimension.append(order[:, first:])
            bound.append(bounds[:, first:])
        widths = [part.shape[1] for part in bound]
        level = np.repeat([place.level for place in self.places], widths)
        spatial = np.repeat([place.spatial for place in self.places], widths)
        dimensions, bounds = np.concatenate(dimension, axis=1), np.concatenate(bound, axis=1)
        weights = _hash(2 * level.size)
        key = dimensions @ weights[: level.size] + bounds.astype(np.int64) @ weights[level.size :]
        first_rows = np.sort(np.unique(key, return_index=True)[1])
        return self._nest(dimensions[first_rows], bounds[first_rows], spatial, level)

    def _deal(self, rng: np.random.Generator, count: int, fixed: Floats) -> Integers:
        """Return a place for each prime factor (mappings x primes), moved outwards where there is no room.

        What is left without room after that has nowhere to go, and is not a mapping. ``fixed`` has the bounds
        that are given (places x dimensions).
        """
        where = np.empty((count, len(self.primes)), np.int64, order="F")
        for column, (_, _, places) in enumerate(self.primes):
            where[:, column] = rng.choice(places, count)
        factor = np.array([prime for _, prime, _ in self.primes])
        number = np.array([number for number, _, _ in self.primes])
        levels = np.array([place.level for place in self.places])
        timely = np.array([not place.spatial for place in self.places])
        allowed = np.zeros((len(self.primes), len(self.places)), bool)
        for column, (_, _, places) in enumerate(self.primes):
            allowed[column, list(places)] = True

        level_of = np.asfortranarray(levels.astype(np.int8)[where])

        def move(rows: Integers, sources: npt.NDArray[np.bool_], limit: int) -> tuple[Integers, Integers]:
            """Move a prime of each mapping in ``rows``, one of ``sources``, to a level above ``limit``.

            Return the mappings where there was one, and which.
            """
            targets = allowed & timely & (levels < limit)
            sources = sources & targets.any(axis=1)
            able = sources.any(axis=1)
            column = np.argmax(rng.random(sources[able].shape) * sources[able], axis=1)
            target = np.argmax(rng.random((len(column), len(levels))) * targets[column], axis=1)
            where[rows[able], column], level_of[rows[able], column] = target, levels[target]
            return rows[able], column

        for index, place in enumerate(self.places):
            fanout = self.architecture.levels[place.level].fanout
            if not place.spatial or fanout is None:
                continue
            used = np.full(count, np.prod(fixed[index]))
            for column, prime in enumerate(factor):
                used *= 1 + (where[:, column] == index) * (prime - 1.0)
            rows = np.flatnonzero(used > fanout)
            while rows.size:
                moved, columns = move(rows, where[rows] == index, place.level + 1)
                if not moved.size:
                    break
                used[moved] /= factor[columns]
                rows = rows[used[rows] > fanout]
        one_hot = number[:, None] == np.arange(fixed.shape[1])
        for level in reversed(range(len(self.architecture.levels))):
            if self.architecture.levels[level].size is None:
                continue
            helps = one_hot @ self._used(level)
            points = np.repeat(np.prod(fixed[levels >= level], axis=0)[:, None], count, axis=1).T
            for column, (prime, dimension) in enumerate(zip(factor, number, strict=True)):
                points[:, dimension] *= 1 + (level_of[:, column] >= level) * (prime - 1.0)
            rows = np.flatnonzero(self._crowded(level, points))
            while rows.size:
                moved, columns = move(rows, (level_of[rows] >= level) & helps, level)
                if not moved.size:
                    break
                points[moved, number[columns]] /= factor[columns]
                rows = rows[self._crowded(level, points[rows])]
        return where

    def _used(self, level: int) -> npt.NDArray[np.bool_]:
        """Return the dimensions that the tensors kept at a level depend on."""
        names = {
            name
            for tensor in self.workload.tensors
            if level in self.keep[tensor.name]
            for rank in tensor.ranks
            for name, _ in rank
        }
        return np.array([name in names for name in self.workload.dimensions])

    def _crowded(self, level: int, points: Floats) -> npt.NDArray[np.bool_]:
        """Return whether the tiles of so many points do not fit a level; metadata is not looked at."""
        kind = self.architecture.levels[level]
        words = np.zeros(len(points))
        for tensor in self.workload.tensors:
            if level in self.keep[tensor.name]:
                tile = extents(tensor, self.workload.dimensions, points)
                volume = np.prod(tile, axis=1, dtype=np.float64)
                if self.architecture.formats.get((kind.name, tensor.name), Format(())).compressed:
                    law, sure = law_of(self.workload, tensor.name), self.architecture.options.confidence
                    volume = np.minimum(law.most(tile, sure), volume)
                words += volume
        return words > (np.inf if kind.size is None else kind.size // kind.buffers)

    def _order(self, rng: np.random.Generator, place: Place, bounds: Floats) -> Integers:
        """Return an order of all dimensions for each mapping, the outermost first.

        Loops that do nothing come first, as a mapping is the same wherever they stand.
        """
        dims = self.workload.dimensions
        keys = rng.random(bounds.shape)
        for position, name in enumerate(place.order):
            keys[:, dims.index(name)] = 1 + position  # after all that are drawn
        return np.argsort(keys - len(dims) * (bounds == 1), axis=1)

    def _nest(
        self, dimension: Integers, bound: Floats, spatial: npt.NDArray[np.bool_], level: Integers
    ) -> Nest:
        depth = len(self.architecture.levels)
        return Nest(
            np.asfortranarray(dimension),
            np.asfortranarray(bound, np.float64),
            spatial,
            level,
            self.workload.dimensions,
            self.keep,
            depth,
        )

    def feasible(self, nest: Nest) -> Nest:
        """Return the mappings of a nest that fan-outs and sizes have room for; metadata is not looked at."""
        good = np.ones(nest.bound.shape[0], bool)
        for index, level in enumerate(self.architecture.levels):
            here = nest.spatial & (nest.level == index)
            if level.fanout is not None:
                good &= np.prod(nest.bound[:, here], axis=1) <= level.fanout
            if level.size is not None:
                good &= ~self._crowded(index, nest.tile(index))
        return nest if good.all() else self.only(nest, good)

    def only(self, nest: Nest, rows: npt.NDArray[np.bool_] | Integers) -> Nest:
        """Return some of a nest's mappings."""
        return self._nest(nest.dimension[rows], nest.bound[rows], nest.spatial, nest.level)

    def mapping(self, nest: Nest, row: int) -> Mapping:
        """Return one of a nest's mappings by itself."""
        levels = []
        for index, level in enumerate(self.architecture.levels):
            groups = [
                tuple(
                    (nest.dimensions[int(nest.dimension[row, slot])], int(nest.bound[row, slot]))
                    for slot in np.flatnonzero((nest.level == index) & (nest.spatial == spatial))
                    if nest.bound[row, slot] > 1
                )
                for spatial in (False, True)
            ]
            kept = tuple(name for name, places in self.keep.items() if index in places)
            levels.append(Loops(level.name, groups[0], groups[1], kept))
        return Mapping(tuple(levels))


def _primes(number: int) -> list[int]:
    """Return the prime factors of a number, with their multiplicity."""
    result, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            result.append(divisor)
            number //= divisor
        divisor += 1
    return [*result, number] if number > 1 else result


def _hash(length: int) -> Integers:
    """Return odd weights whose sum over a row tells rows apart, but for chance of 2**-64 or so."""
    return np.random.default_rng(0).integers(1, 2**62, length) * 2 + 1
