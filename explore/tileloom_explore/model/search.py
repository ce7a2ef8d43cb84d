"""The search for mappings: a sample of the space, drawn in chunks, each evaluated as one nest.

The same seed gives the same result on any number of cores: a chunk has a generator of its own, and ties go to
the chunk that comes first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tileloom.errors import UserError

from .evaluate import Estimate, evaluate, evaluate_nest
from .loops import Constraint
from .mapping import Mapping
from .mapspace import Mapspace
from .specification import Layer
from .traffic import Floats

CHUNK = 1000
"""Mappings that are evaluated together: their arrays stay in the cache."""

OBJECTIVES: dict[str, Callable[[Estimate], Floats]] = {
    "edp": lambda estimate: estimate.costs.energy * estimate.costs.cycles,
    "energy": lambda estimate: estimate.costs.energy,
    "cycles": lambda estimate: estimate.costs.cycles,
}
"""What a search minimises: pJ times cycles, pJ, cycles."""


@dataclass(frozen=True)
class Candidate:
    """A mapping, what it costs, and its value of the objective."""

    mapping: Mapping
    estimate: Estimate
    value: float


@dataclass(frozen=True)
class Found:
    """The outcome of a search.

    Attributes
    ----------
    best:
        The best mappings, in order.
    tried, evaluated:
        Mappings drawn, no two of a chunk the same, and those of them that fit.
    """

    best: tuple[Candidate, ...]
    tried: int
    evaluated: int


def search(
    layer: Layer,
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
    space = Mapspace.of(layer.workload, layer.architecture, constraints)
    sizes = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]

    def chunk(number: int) -> tuple[list[tuple[float, int, Mapping]], int, int]:
        drawn = space.sample(np.random.default_rng([seed, number]), sizes[number])
        nest = space.feasible(drawn)
        total = nest.bound.shape[0]
        if not total:
            return [], drawn.bound.shape[0], 0
        estimate = evaluate_nest(layer.workload, layer.architecture, nest)
        values = np.where(estimate.fits, OBJECTIVES[objective](estimate), np.inf)
        best = [row for row in np.argsort(values, kind="stable")[:most] if np.isfinite(values[row])]
        return (
            [(float(values[row]), number, space.mapping(nest, row)) for row in best],
            drawn.bound.shape[0],
            total,
        )

    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        parts = list(pool.map(chunk, range(len(sizes))))
    ranked = sorted((each for part, _, _ in parts for each in part), key=lambda each: each[:2])
    chosen: dict[str, tuple[float, Mapping]] = {}
    for value, _, mapping in ranked:
        chosen.setdefault(str(mapping), (value, mapping))
        if len(chosen) == most:
            break
    if not chosen:
        raise UserError(f"search: none of {count:,} mappings fits; give larger levels, or fewer constraints")
    best = tuple(
        Candidate(mapping, evaluate(layer.workload, layer.architecture, mapping), value)
        for value, mapping in chosen.values()
    )
    return Found(best, sum(tried for _, tried, _ in parts), sum(fitting for _, _, fitting in parts))
