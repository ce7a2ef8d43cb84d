"""What no mapping can do better than, from its loops alone: a search leaves out what a bound rules out."""

from __future__ import annotations

import math
from collections.abc import Set

import numpy as np

from .architecture import Architecture, Level
from .leaders import law_of
from .mapping import Floats, Nest
from .microarchitecture import level_cost
from .sparse import filter_tensor
from .traffic import dense_traffic
from .workload import Tensor, Workload


def least_cycles(workload: Workload, architecture: Architecture, nest: Nest) -> Floats:
    """Return cycles that no mapping of a nest undercuts: the computes of one unit that nothing removes."""
    leaders = {name for feature in architecture.features for name in feature.by}
    packed = {feature.target for feature in architecture.features if feature.action == "pack"}
    compressed = {tensor for (_, tensor), form in architecture.formats.items() if form.compressed}
    left = _share(workload, leaders | packed | compressed)
    return np.maximum(np.ceil(nest.steps * left - 1e-6), 1.0)


def least_energy(workload: Workload, architecture: Architecture, nest: Nest) -> Floats:
    """Return pJ that no mapping of a nest undercuts: what the outermost level takes, and the least inside.

    The outermost level's energy is the estimate's own. Inside, each compute that has an effect is done, with
    its operands from their innermost levels, at best one access for all units below.
    """
    levels = architecture.levels
    useful = workload.computes * _effect(workload, architecture)
    least = useful * architecture.compute.energy
    outermost = []
    for tensor in workload.tensors:
        dense = next(dense_traffic(nest, architecture, tensor))
        outermost.append(next(filter_tensor(nest, workload, architecture, tensor, [dense])))
        keepers = nest.keep[tensor.name]
        below = [level.fanout for level in levels[keepers[-1] :]]
        if len(keepers) > 1 and None not in below:
            inner = levels[keepers[-1]]
            least += useful / math.prod(below) / inner.block * _price(inner, tensor)  # type: ignore[arg-type]
    none = np.zeros(nest.bound.shape[0])
    taken = level_cost(architecture, levels[0], outermost, none, none, np.ones_like(none))
    return sum(taken.energy.values(), none) + least


def _price(level: Level, tensor: Tensor) -> float:
    if not tensor.written:
        return level.read
    return level.write if level.update is None else level.update


def _effect(workload: Workload, architecture: Architecture) -> float:
    """Return the share of computes that have an effect, or 1 where zeros are computed like all others."""
    if not architecture.features and not architecture.formats and architecture.compute.zeros == "compute":
        return 1.0
    return _share(workload, {tensor.name for tensor in workload.tensors})


def _share(workload: Workload, tensors: Set[str]) -> float:
    """Return the share of computes with a product none of whose operands among ``tensors`` is zero."""
    none = 1.0
    for term in workload.terms:
        none *= 1 - math.prod(law_of(workload, name).share for name in term if name in tensors)
    return 1 - none
