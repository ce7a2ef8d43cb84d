"""How often zeros of one tensor, the leader, make an access to another, the follower, needless.

An access of the follower goes where the leader's tile that belongs to it is empty. That tile has all of the
leader that is needed until the follower's own tile changes: the loops inside the innermost one, in time, that
changes the follower, and those in space over which it is the same. (Sparseloop, MICRO 2022, section 5.3.3.)
"""

from __future__ import annotations

import numpy as np

from .architecture import Architecture, Feature
from .density import DENSE, Density
from .mapping import Floats, Nest, extents
from .traffic import Transfer
from .workload import Tensor, Workload


def law_of(workload: Workload, tensor: str) -> Density:
    """Return the law of a tensor's non-zeros."""
    return workload.density.get(tensor, DENSE)


def deciding(architecture: Architecture, tensor: Tensor, transfer: Transfer, action: str) -> list[Feature]:
    """Return the features of an action that decide over what a level sends of a tensor.

    A level that the tensor passes by may decide for the one above, which sends it.
    """
    names = [level.name for level in architecture.levels]
    return [
        feature
        for feature in architecture.features
        if feature.action == action
        and feature.target == tensor.name
        and transfer.level <= names.index(feature.level) < transfer.below
    ]


def leader_empty(nest: Nest, workload: Workload, follower: Tensor, transfer: Transfer, leader: str) -> Floats:
    """Return the probability that the leader's tile is empty that belongs to an access (mappings,)."""
    relevant, slots = nest.relevant(follower), np.arange(nest.bound.shape[1])
    start = nest.start(transfer.below)
    turning = relevant & ~nest.spatial & (slots < start)
    if transfer.below == nest.depth:
        last = np.full(len(relevant), slots.size)  # every compute reads: nothing is kept over time
    else:
        last = np.where(turning.any(axis=1), slots.size - 1 - np.argmax(turning[:, ::-1], axis=1), -1)
    still = ~nest.spatial & (slots > last[:, None])
    same = nest.spatial & ~relevant
    inside = (slots >= start) | ((still | same) & (nest.level >= transfer.level))
    return law_of(workload, leader).empty(
        extents(workload.tensor(leader, "by"), nest.dimensions, nest.points(inside))
    )
