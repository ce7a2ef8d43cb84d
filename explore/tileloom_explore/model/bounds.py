"""What no mapping can do better than, from its loops alone: a search leaves out what a bound rules out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .architecture import Architecture, Level
from .formats import Format
from .leaders import law_of
from .mapping import Nest
from .traffic import Floats
from .workload import Tensor, Workload


def least_cycles(workload: Workload, architecture: Architecture, nest: Nest) -> Floats:
    """Return cycles that no mapping of a nest undercuts: the computes of one unit that have an effect."""
    return np.maximum(nest.steps * _effect(workload, architecture), 1.0)


def least_energy(workload: Workload, architecture: Architecture, keep: Mapping[str, Sequence[int]]) -> float:
    """Return pJ that no mapping undercuts which keeps tensors at these levels.

    Each compute that has an effect is done, with its operands from their innermost levels, at best one access
    for all units below; and what no feature can remove passes the outermost level once.
    """
    levels = architecture.levels
    useful = workload.computes * _effect(workload, architecture)
    energy = useful * architecture.compute.energy
    for tensor in workload.tensors:
        inner = levels[keep[tensor.name][-1]]
        below = [level.fanout for level in levels[keep[tensor.name][-1] :]]
        if None not in below:
            energy += useful / math.prod(below) / inner.block * _price(inner, tensor)  # type: ignore[arg-type]
        if inner is levels[0] or any(feature.target == tensor.name for feature in architecture.features):
            continue
        shape, grid = tensor.shape(workload.sizes), tensor.grid(workload.sizes)
        words = float(math.prod((size - 1) // step + 1 for size, step in zip(shape, grid, strict=True)))
        if architecture.formats.get((levels[0].name, tensor.name), Format(())).compressed:
            words *= law_of(workload, tensor.name).share
        energy += words / levels[0].block * _price(levels[0], tensor)
    return energy


def _price(level: Level, tensor: Tensor) -> float:
    if not tensor.written:
        return level.read
    return level.write if level.update is None else level.update


def _effect(workload: Workload, architecture: Architecture) -> float:
    """Return the share of computes that have an effect, or 1 where zeros are computed like all others."""
    if not architecture.features and not architecture.formats and architecture.compute.zeros == "compute":
        return 1.0
    none = 1.0
    for term in workload.terms:
        none *= 1 - float(np.prod([law_of(workload, name).share for name in term]))
    return 1 - none
