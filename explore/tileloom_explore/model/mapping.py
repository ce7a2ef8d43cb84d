"""Who computes what when: loops over the workload's dimensions, in time and in space, at each level.

A ``Nest`` has many mappings at once, as arrays: all of them have the same slots for loops and keep the same
tensors at the same levels, and differ in the dimensions and the bounds of the loops. So one mapping and ten
thousand are evaluated by the same code. The arrays lie in memory with mappings innermost (Fortran's order),
so that NumPy's inner loops run over thousands of mappings and not over a handful of slots; whole numbers are
floats, exact up to 2**53, which NumPy multiplies several at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.config import did_you_mean
from tileloom.errors import UserError

from .architecture import Architecture
from .workload import Tensor, Workload

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Loops:
    """The loops of one level, each a dimension and a bound, outermost first.

    Attributes
    ----------
    level:
        Its name.
    temporal:
        One iteration after the other.
    spatial:
        At once, each in an instance of what is below.
    keep:
        The tensors that the level stores; the others pass it by. None: all.
    """

    level: str
    temporal: tuple[tuple[str, int], ...] = ()
    spatial: tuple[tuple[str, int], ...] = ()
    keep: tuple[str, ...] | None = None

    def __str__(self) -> str:
        spatial = [f"{name}:{bound}" for name, bound in self.spatial]
        loops = [f"{name}:{bound}" for name, bound in self.temporal]
        inside = [*loops, f"({' '.join(spatial)})"] if spatial else loops
        return f"{self.level}[{' '.join(inside)}]"


@dataclass(frozen=True)
class Mapping:
    """One mapping: the loops of every level of an architecture, the outermost first."""

    levels: tuple[Loops, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.levels))


@dataclass(frozen=True, eq=False)
class Nest:
    """Mappings with the same slots.

    Attributes
    ----------
    dimension, bound:
        Of the loop in each slot (mappings x slots), the outermost first; a slot that is not used has bound 1.
        Bounds are whole numbers.
    spatial, level:
        Of each slot: whether it is in space, and the index of its level.
    dimensions:
        The names that ``dimension`` counts.
    keep:
        Of each tensor, the indices of the levels that store it, ascending.
    depth:
        Levels of the architecture.
    """

    dimension: Integers
    bound: Floats
    spatial: npt.NDArray[np.bool_]
    level: Integers
    dimensions: tuple[str, ...]
    keep: dict[str, tuple[int, ...]]
    depth: int

    @cached_property
    def _walked(self) -> tuple[Floats, Floats]:
        """What ``stride`` and ``tile`` are, from the innermost slot outwards."""
        mappings, slots = self.bound.shape
        running, rows = np.ones(len(self.dimensions) * mappings), np.arange(mappings)
        stride, tile = np.empty_like(self.bound), np.ones((self.depth + 1, running.size))
        levels = [*self.level.tolist(), self.depth]
        for slot in reversed(range(slots)):
            tile[levels[slot] + 1 : levels[slot + 1] + 1] = running
            own = self.dimension[:, slot] * mappings + rows
            stride[:, slot] = running[own]
            running[own] = stride[:, slot] * self.bound[:, slot]
        tile[: levels[0] + 1] = running
        return stride, tile.reshape(self.depth + 1, len(self.dimensions), mappings).T

    @property
    def stride(self) -> Floats:
        """How far an iteration of a slot moves in its dimension (mappings x slots)."""
        return self._walked[0]

    def tile(self, level: int) -> Floats:
        """Return iterations of each dimension from a level on inwards (mappings x dimensions)."""
        return self._walked[1][:, :, level]

    def start(self, level: int) -> int:
        """Return the first slot of a level; of one past the last level, the number of slots."""
        return int(self.starts[level])

    @cached_property
    def starts(self) -> Integers:
        """The first slot of each level, and the number of slots."""
        return np.searchsorted(self.level, np.arange(self.depth + 1))

    def instances(self, level: int) -> Floats:
        """Return how many instances of a level are in use (mappings,); of ``depth``, compute units."""
        above = self.spatial & (self.level < level)
        return np.multiply.reduce(self.bound[:, above], axis=1)

    @cached_property
    def steps(self) -> Floats:
        """Iterations in time of one compute unit (mappings,)."""
        return np.multiply.reduce(self.bound[:, ~self.spatial], axis=1)

    def points(self, slots: npt.NDArray[np.bool_]) -> Floats:
        """Return the iterations of each dimension in some slots (mappings x dimensions).

        ``slots`` says which: for all mappings, or for each (mappings x slots).
        """
        if slots.ndim == 1:
            more, hot = self.bound[:, slots] - 1, self._one_hot[:, slots]
        else:
            more, hot = (self.bound - 1) * slots, self._one_hot
        return np.multiply.reduce(1 + more[..., None] * hot, axis=1)

    @cached_property
    def _one_hot(self) -> npt.NDArray[np.bool_]:
        """Whether a slot's loop is over a dimension (mappings x slots x dimensions)."""
        result = np.empty((*self.dimension.shape, len(self.dimensions)), np.bool_, order="F")
        for index in range(len(self.dimensions)):
            np.equal(self.dimension, index, out=result[..., index])
        return result

    def steps_of(self, tensor: Tensor, slots: npt.NDArray[Any]) -> Floats:
        """Return how far iterations of some slots move in a tensor's ranks (mappings x slots x ranks)."""
        return _along(tensor, self.dimensions, self.stride[:, slots, None] * self._one_hot[:, slots])

    def relevant(self, tensor: Tensor) -> npt.NDArray[np.bool_]:
        """Return the slots whose loops change a tensor's coordinates (mappings x slots)."""
        found = self._relevant.get(tensor.name)
        if found is None:
            used = np.any(tensor.coefficients(self.dimensions) != 0, axis=0)
            found = self._relevant[tensor.name] = np.take(used, self.dimension) & (self.bound > 1)
        return found

    @cached_property
    def _relevant(self) -> dict[str, npt.NDArray[np.bool_]]:
        return {}


def extents(tensor: Tensor, dimensions: tuple[str, ...], points: Floats) -> Floats:
    """Return a tensor's extents (mappings x any x ranks) over boxes of so many points (... x dimensions).

    They count words, not coordinates: of a stride of two every other coordinate is one.
    """
    spans = _along(tensor, dimensions, points - 1)
    return 1 + (spans // grids(tensor, dimensions, points) if tensor.strided else spans)


def _along(tensor: Tensor, dimensions: tuple[str, ...], ways: Floats) -> Floats:
    """Return how far ways in each dimension (mappings x any x dimensions) go in a tensor's ranks."""
    result: Floats = ways[..., [dimensions.index(index[0][0]) for index in tensor.ranks]]
    for rank, ((_, coefficient), *others) in enumerate(tensor.ranks):
        if coefficient != 1:
            result[..., rank] *= coefficient
        for name, coefficient in others:
            result[..., rank] += ways[..., dimensions.index(name)] * coefficient
    return result


def grids(tensor: Tensor, dimensions: tuple[str, ...], points: Floats) -> Integers:
    """Return in each rank (... x ranks) how far the words of a box lie apart."""
    used = np.where((points > 1)[..., None, :], tensor.coefficients(dimensions), 0)
    return np.maximum(np.gcd.reduce(used, axis=-1), 1)


def nest_of(workload: Workload, architecture: Architecture, mapping: Mapping, where: str = "mapping") -> Nest:
    """Return the nest of one mapping, its trivial loops left out.

    Raises UserError, which names the field, where a level, tensor or dimension is not there, where the loops
    do not make up a dimension, or where a level's fan-out is exceeded.
    """
    names = [level.name for level in architecture.levels]
    given = [loops.level for loops in mapping.levels]
    if given != names:
        raise UserError(f"{where}: its levels are {', '.join(given)}, the architecture's {', '.join(names)}")
    slots: list[tuple[int, int, bool, int]] = []
    keep: dict[str, list[int]] = {tensor.name: [] for tensor in workload.tensors}
    covered = dict.fromkeys(workload.dimensions, 1)
    for index, loops in enumerate(mapping.levels):
        place = f"{where}.{loops.level}"
        for tensor in keep if loops.keep is None else loops.keep:
            workload.tensor(tensor, f"{place}.keep")
            keep[tensor].append(index)
        for spatial, group in ((False, loops.temporal), (True, loops.spatial)):
            for name, bound in group:
                _known(name, workload, f"{place}.{'spatial' if spatial else 'loops'}")
                covered[name] *= bound
                if bound > 1:
                    slots.append((workload.dimensions.index(name), bound, spatial, index))
        fanout, used = architecture.levels[index].fanout, int(np.prod([b for _, b in loops.spatial] or [1]))
        if fanout is not None and used > fanout:
            raise UserError(f"{place}.spatial: {used} instances below, {used - fanout} more than its fanout")
    for name, count in covered.items():
        if count != workload.sizes[name]:
            raise UserError(
                f"{where}: {name}: its loops make {count}, the workload has {workload.sizes[name]}"
            )
    for tensor, levels in keep.items():
        if levels[:1] != [0]:
            raise UserError(f"{where}.{names[0]}.keep: {tensor} is missing; the outermost level keeps all")
    table = np.array(slots or [(0, 1, False, 0)], np.int64)
    return Nest(
        dimension=table[None, :, 0],
        bound=table[None, :, 1].astype(np.float64),
        spatial=table[:, 2].astype(bool),
        level=table[:, 3],
        dimensions=workload.dimensions,
        keep={tensor: tuple(levels) for tensor, levels in keep.items()},
        depth=len(names),
    )


def _known(name: str, workload: Workload, where: str) -> None:
    if name not in workload.sizes:
        near = did_you_mean(name, workload.dimensions, "dimensions")
        raise UserError(f"{where}: no dimension {name}{near}")
