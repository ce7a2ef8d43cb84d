"""The three steps one after the other: dense traffic, sparse filtering, micro-architecture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

from .architecture import Architecture
from .computes import Computes, filter_computes
from .mapping import Mapping, Nest, nest_of
from .microarchitecture import Costs, costs
from .sparse import LevelActions, filter_tensor
from .traffic import dense_traffic
from .workload import Workload


@dataclass(frozen=True, eq=False)
class Estimate:
    """What the mappings of a nest do and cost; everything is an array over mappings.

    Attributes
    ----------
    workload, architecture, nest:
        What was estimated.
    actions:
        Of each level and tensor that it keeps, in words of one instance, the tensors in the Einsum's order.
    computes:
        Shares of the computes.
    costs:
        Room, cycles, energy.
    """

    workload: Workload
    architecture: Architecture
    nest: Nest
    actions: tuple[LevelActions, ...]
    computes: Computes
    costs: Costs

    def at(self, level: str, tensor: str) -> LevelActions:
        """Return what a level does for a tensor."""
        names = [each.name for each in self.architecture.levels]
        for found in self.actions:
            if names[found.transfer.level] == level and found.tensor == tensor:
                return found
        raise KeyError(f"{level} does not keep {tensor}")

    @cached_property
    def fits(self) -> npt.NDArray[np.bool_]:
        """Whether every tile fits its level, a truth value for each mapping."""
        over = [level.excess + level.metadata_excess for level in self.costs.levels]
        return np.sum(over, axis=0) == 0


def evaluate_nest(workload: Workload, architecture: Architecture, nest: Nest) -> Estimate:
    """Return the estimate of all mappings of a nest, those that do not fit among them."""
    dense = {tensor.name: tuple(dense_traffic(nest, architecture, tensor)) for tensor in workload.tensors}
    actions = tuple(
        found
        for tensor in workload.tensors
        for found in filter_tensor(nest, workload, architecture, tensor, dense[tensor.name])
    )
    computes = filter_computes(nest, workload, architecture, dense)
    return Estimate(
        workload, architecture, nest, actions, computes, costs(nest, architecture, actions, computes)
    )


def evaluate(workload: Workload, architecture: Architecture, mapping: Mapping) -> Estimate:
    """Return the estimate of one mapping.

    Raises UserError where the mapping is none of this workload on this architecture, and where a tile does
    not fit: the line names the level and says how many words are over.
    """
    found = evaluate_nest(workload, architecture, nest_of(workload, architecture, mapping))
    for level, cost in zip(architecture.levels, found.costs.levels, strict=True):
        if cost.excess[0]:
            held = ", ".join(
                f"{each.tensor} {each.words[0]:,.0f}"
                for each in found.actions
                if architecture.levels[each.transfer.level] is level
            )
            raise UserError(
                f"mapping.{level.name}: the tiles take {cost.words[0]:,.0f} words ({held}), "
                f"{cost.excess[0]:,.0f} over its {(level.size or 0) // level.buffers:,}"
            )
        if cost.metadata_excess[0]:
            raise UserError(
                f"mapping.{level.name}: the metadata takes {cost.metadata_bits[0]:,.0f} bits, "
                f"{cost.metadata_excess[0]:,.0f} over its "
                f"{(level.metadata.size or 0) * level.metadata.width:,}"
            )
    return found
