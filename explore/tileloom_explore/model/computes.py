"""The second step for the compute units: which points of the Einsum are computed, gated or skipped.

Every combination of operands that are zero or not is weighed by its probability, operands being independent.
A compute is gone where a feature has removed the access to one of its operands, or where packing leaves only
non-zeros. Of the rest it depends on what reaches the unit. (Sparseloop, MICRO 2022, section 5.3.4.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .architecture import Architecture
from .formats import Format
from .leaders import deciding, law_of, leader_empty
from .mapping import Floats, Nest, extents
from .traffic import Transfer
from .workload import Tensor, Workload


@dataclass(frozen=True, eq=False)
class Computes:
    """Shares of all points of the Einsum (arrays over mappings).

    Attributes
    ----------
    actual:
        Computed.
    gated, skipped:
        That the compute unit gates or skips.
    idle:
        Gated because the access to an operand was.
    packed:
        That packing leaves.
    packing:
        Steps in time over those of the dense mapping, where non-zeros are packed into lanes; else 1.
    """

    actual: Floats
    gated: Floats
    skipped: Floats
    idle: Floats
    packed: Floats
    packing: Floats


def filter_computes(
    nest: Nest, workload: Workload, architecture: Architecture, dense: Mapping[str, Sequence[Transfer]]
) -> Computes:
    """Return what becomes of the computes of the mappings of a nest."""
    operands = [tensor for tensor in workload.tensors if not tensor.written]
    share = {tensor.name: law_of(workload, tensor.name).share for tensor in operands}
    hidden = _hidden(architecture, dense, share)
    packs, packing = _packing(nest, workload, architecture)
    triggers = {
        action: {
            tensor.name: _triggers(nest, workload, architecture, tensor, dense[tensor.name], action, share)
            for tensor in operands
        }
        for action in ("skip", "gate")
    }
    actual, gated, skipped, idle = (np.zeros(nest.bound.shape[0]) for _ in range(4))
    packed = 0.0
    for values in itertools.product((True, False), repeat=len(operands)):
        there = dict(zip(share, values, strict=True))
        weight = float(np.prod([share[name] if there[name] else 1 - share[name] for name in there]))
        terms = [term for term in workload.terms if all(there[name] for name in term if name in packs)]
        if not weight or not terms:
            continue
        packed += weight
        unskipped = [_kept(term, triggers["skip"], there) for term in terms]
        ungated = [_kept(term, triggers["gate"], there) for term in terms]
        reached = 1 - _every(1 - one for one in unskipped)
        left = 1 - _every(1 - one * other for one, other in zip(unskipped, ungated, strict=True))
        idle += weight * (reached - left)
        absent = [hidden[name] and not there[name] for name in there]
        if (
            any(all(there[name] for name in term) for term in terms)
            or architecture.compute.zeros == "compute"
        ):
            actual += weight * left * (not all(absent))
        elif all(absent):
            continue
        elif architecture.compute.zeros == "skip" and any(absent):
            skipped += weight * left
        else:
            gated += weight * left
    return Computes(actual, gated, skipped, idle, np.full_like(actual, packed), packing)


def _every(shares: Iterable[Floats]) -> Floats:
    return np.prod(list(shares), axis=0)


def _hidden(
    architecture: Architecture, dense: Mapping[str, Sequence[Transfer]], share: Mapping[str, float]
) -> dict[str, bool]:
    """Return of each operand whether its zeros never reach the compute units, being compressed away."""
    result = {}
    for name in share:
        level = architecture.levels[dense[name][-1].level].name
        result[name] = architecture.formats.get((level, name), Format(())).compressed
    return result


def _triggers(
    nest: Nest,
    workload: Workload,
    architecture: Architecture,
    tensor: Tensor,
    transfers: Sequence[Transfer],
    action: str,
    share: Mapping[str, float],
) -> dict[str, Floats]:
    """Return for each leader how likely it is that its word being zero removes the compute."""
    result: dict[str, Floats] = {}
    for transfer in transfers:
        for feature in deciding(architecture, tensor, transfer, action):
            for leader in feature.by:
                zero = 1 - share.get(leader, 1.0)
                if zero > 0:
                    # An empty tile implies a zero word, so the tile is empty for this part of zero words.
                    found = np.minimum(leader_empty(nest, workload, tensor, transfer, leader) / zero, 1.0)
                    result[leader] = np.maximum(result.get(leader, 0.0), found)
    return result


def _kept(
    term: Sequence[str], triggers: Mapping[str, Mapping[str, Floats]], there: Mapping[str, bool]
) -> Floats:
    """Return the probability that no access of a product's operands is removed."""
    chances = [1 - chance for name in term for leader, chance in triggers[name].items() if not there[leader]]
    return np.prod(chances or [np.ones(1)], axis=0)


def _packing(nest: Nest, workload: Workload, architecture: Architecture) -> tuple[set[str], Floats]:
    """Return the tensors whose non-zeros are packed, and the share of the steps in time that is left."""
    names = [level.name for level in architecture.levels]
    packs, left = set(), np.ones(nest.bound.shape[0])
    for feature in architecture.features:
        if feature.action != "pack":
            continue
        packs.add(feature.target)
        tensor = workload.tensor(feature.target, "target")
        here = nest.relevant(tensor) & (nest.level >= names.index(feature.level))
        tile = extents(tensor, nest.dimensions, nest.points(here))
        lanes = np.multiply.reduce(np.where(here & nest.spatial, nest.bound, 1), axis=1)
        steps = np.multiply.reduce(np.where(here & ~nest.spatial, nest.bound, 1), axis=1)
        left = left * law_of(workload, feature.target).packed(tile, lanes) / steps
    return packs, left
