"""The search for mappings: a sample of the space, drawn in chunks, each evaluated as one nest.

The same seed gives the same result on any number of cores: a chunk has a generator of its own, and ties go to
the chunk that comes first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tileloom.errors import UserError

from .bounds import least_cycles, least_energy
from .evaluate import Estimate, evaluate, evaluate_nest
from .loops import Constraint
from .mapping import Floats, Mapping
from .mapspace import Mapspace
from .specification import LayerSpecification

CHUNK = 10_000
"""Mappings that are drawn together."""

FIRST, BLOCK = 125, 1250
"""Mappings evaluated together, those with the lowest bounds first; many more do not stay in the cache."""


def _product(cycles: Floats, energy: Floats | float) -> Floats:
    return cycles * energy


def _energy(cycles: Floats, energy: Floats | float) -> Floats:
    return np.broadcast_to(np.asarray(energy, np.float64), cycles.shape)


def _cycles(cycles: Floats, energy: Floats | float) -> Floats:
    return cycles


OBJECTIVES: dict[str, Callable[[Floats, Floats | float], Floats]] = {
    "edp": _product,
    "energy": _energy,
    "cycles": _cycles,
}
"""What a search minimises, of cycles and pJ; each grows with both, so that bounds of them bound it."""


@dataclass(frozen=True)
class Candidate:
    """A mapping of a layer, and its value of the objective."""

    layer: LayerSpecification
    mapping: Mapping
    value: float

    @cached_property
    def estimate(self) -> Estimate:
        """What the mapping does and costs."""
        return evaluate(self.layer.workload, self.layer.architecture, self.mapping)


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    Attributes
    ----------
    best:
        The best mappings, in order.
    tried, fitting, evaluated:
        Mappings drawn, no two of a chunk the same; those that fan-outs and sizes have room for; those of them
        that no bound ruled out.
    """

    best: tuple[Candidate, ...]
    tried: int
    fitting: int
    evaluated: int


def search(
    layer: LayerSpecification,
    constraints: Sequence[Constraint],
    *,
    objective: str = "edp",
    count: int = 10_000,
    seed: int = 0,
    most: int = 10,
    jobs: int | None = None,
) -> Found:
    """Return the best mappings of a layer among ``count`` that are drawn at random.

    Parameters
    ----------
    layer, constraints:
        Of a specification.
    objective:
        A name in ``OBJECTIVES``.
    count, seed:
        Of the sample.
    most:
        Mappings to return.
    jobs:
        Threads; None: one for each core.

    Raises UserError where no mapping of the sample fits.
    """
    workload, architecture, value = layer.workload, layer.architecture, OBJECTIVES[objective]
    space = Mapspace.of(workload, architecture, constraints)
    sizes = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]

    def chunk(number: int) -> _Part:
        drawn = space.sample(np.random.default_rng([seed, number]), sizes[number])
        nest = space.feasible(drawn)
        part = _Part([], drawn.bound.shape[0], nest.bound.shape[0], 0)
        least = value(least_cycles(workload, architecture, nest), least_energy(workload, architecture, nest))
        order = np.argsort(least, kind="stable")
        # The first few are likely the best, and rule out most of the others.
        for rows in np.split(order, range(FIRST, len(order), BLOCK)):
            if len(part.best) == most:
                rows = rows[least[rows] <= part.best[-1][0]]
            if not rows.size:
                break
            estimate = evaluate_nest(workload, architecture, space.only(nest, rows))
            values = value(estimate.costs.cycles, estimate.costs.energy)
            new = [(float(values[row]), number, int(rows[row])) for row in np.flatnonzero(estimate.fits)]
            part.best = sorted([*part.best, *new])[:most]
            part.evaluated += len(rows)
        part.mappings = [space.mapping(nest, row) for _, _, row in part.best]
        return part

    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        parts = list(pool.map(chunk, range(len(sizes))))
    ranked = sorted(
        (pair for part in parts for pair in zip(part.best, part.mappings, strict=True)),
        key=lambda pair: pair[0],
    )
    chosen: dict[str, tuple[float, Mapping]] = {}
    for (found, _, _), mapping in ranked:
        chosen.setdefault(str(mapping), (found, mapping))
        if len(chosen) == most:
            break
    if not chosen:
        raise UserError(f"search: none of {count:,} mappings fits; give larger levels, or fewer constraints")
    best = tuple(Candidate(layer, mapping, found) for found, mapping in chosen.values())
    return Found(
        best,
        sum(part.tried for part in parts),
        sum(part.fitting for part in parts),
        sum(part.evaluated for part in parts),
    )


@dataclass
class _Part:
    """What came of one chunk; the best are value, chunk and row."""

    best: list[tuple[float, int, int]]
    tried: int
    fitting: int
    evaluated: int
    mappings: list[Mapping] = field(default_factory=list)
