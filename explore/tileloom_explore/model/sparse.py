"""The second step: what zeros leave of the dense traffic, by format and by feature.

An access is *actual*, *gated* (its cycle passes, nothing moves) or *skipped* (no cycle either). Zeros of a
compressed tensor are not there at all and count as none of them. An access that a feature of an outer level
has removed does not reach the inner ones. (Sparseloop, MICRO 2022, section 5.3.)
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .architecture import Architecture, Feature
from .density import DENSE, Density
from .formats import Format, items
from .mapping import Integers, Nest
from .traffic import Floats, Transfer
from .workload import Tensor, Workload

_TINY = 1e-9
"""What is taken for a rounding error of a whole number."""


@dataclass(frozen=True, eq=False)
class Actions:
    """Accesses of one instance: those of the dense mapping, and what became of them (arrays over mappings)."""

    dense: Floats
    actual: Floats
    gated: Floats
    skipped: Floats


@dataclass(frozen=True, eq=False)
class LevelActions:
    """What one level does for one tensor.

    Attributes
    ----------
    tensor, transfer:
        Whose, and the dense traffic.
    reads, fills, updates:
        Of words of data.
    first_fills:
        Writes of zeros before first updates, which only some models charge.
    metadata_reads, metadata_writes:
        Of items, one for each rank of the format, the outermost first.
    words, metadata:
        Largest occupancy of a tile at the confidence asked for: words of data, items of each rank.
    """

    tensor: str
    transfer: Transfer
    reads: Actions
    fills: Actions
    updates: Actions
    first_fills: Floats
    metadata_reads: tuple[Actions, ...]
    metadata_writes: tuple[Actions, ...]
    words: Floats
    metadata: tuple[Floats, ...]


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
    packing:
        Steps in time over those of the dense mapping, where non-zeros are packed into lanes; else 1.
    packed:
        Share of all points that packing leaves.
    """

    actual: Floats
    gated: Floats
    skipped: Floats
    idle: Floats
    packing: Floats
    packed: Floats


def law_of(workload: Workload, tensor: str) -> Density:
    """Return the law of a tensor's non-zeros."""
    return workload.density.get(tensor, DENSE)


def filter_tensor(
    nest: Nest, workload: Workload, architecture: Architecture, tensor: Tensor, dense: Sequence[Transfer]
) -> list[LevelActions]:
    """Return what each level that keeps a tensor does for it, the outermost first."""
    law = law_of(workload, tensor.name)
    gone = np.zeros(nest.bound.shape[0])
    result = []
    for transfer in dense:
        name = architecture.levels[transfer.level].name
        form = architecture.formats.get((name, tensor.name), Format(()))
        share = law.share if form.compressed else 1.0
        skip = _removed(nest, workload, architecture, tensor, transfer, "skip")
        gate = _removed(nest, workload, architecture, tensor, transfer, "gate")
        after = np.maximum(gone, 1 - (1 - skip) * (1 - gate))
        local = after - gone
        skipping = np.where(skip > 0, np.minimum(local, np.maximum(skip - gone, 0)), 0.0)
        gating = local - skipping
        volume = np.prod(transfer.tile, axis=1, dtype=np.float64)
        stored = _items(nest, tensor, form, transfer, law) if form.ranks else np.zeros((len(gone), 0))
        most = law.most(transfer.tile, architecture.options.confidence) if form.compressed else volume
        left = 1 - gone

        def act(count: Floats, gating: Floats = gating, skipping: Floats = skipping, up: bool = False) -> Actions:
            return _split(count * share, left, gating, skipping, dense=count, up=up)

        none = np.zeros_like(gone)
        ranks = [stored[:, rank] / volume for rank in range(stored.shape[1])]
        writes = transfer.fills + transfer.updates
        result.append(
            LevelActions(
                tensor.name,
                transfer,
                reads=act(transfer.reads, up=tensor.written),
                fills=act(transfer.fills, none, none),
                updates=act(transfer.updates),
                first_fills=np.ceil(transfer.first_fills * share * left - _TINY),
                metadata_reads=tuple(
                    _split(transfer.reads * rank, left, gating, skipping, dense=transfer.reads * rank)
                    for rank in ranks
                ),
                metadata_writes=tuple(
                    _split(writes * rank, left, none, none, dense=writes * rank) for rank in ranks
                ),
                words=np.minimum(most, volume),
                metadata=tuple(
                    np.minimum(stored[:, rank] * (most / np.maximum(law.share * volume, _TINY)), most)
                    if rank == stored.shape[1] - 1 and form.ranks[rank].kind.value in ("CP", "RLE")
                    else stored[:, rank]
                    for rank in range(stored.shape[1])
                ),
            )
        )
        gone = after
    return result


def _split(
    count: Floats, left: Floats, gating: Floats, skipping: Floats, *, dense: Floats, up: bool = False
) -> Actions:
    """Return a count by what becomes of it: removed ones down (``up``: up), the rest is actual."""
    there = np.ceil(count * left - _TINY)
    round_ = (lambda x: np.ceil(x - _TINY)) if up else (lambda x: np.floor(x + _TINY))
    gated, skipped = round_(count * gating), round_(count * skipping)
    return Actions(dense, np.maximum(there - gated - skipped, 0), gated, skipped)


def _applies(feature: Feature, architecture: Architecture, transfer: Transfer, tensor: str) -> bool:
    """Return whether a feature decides over what this level sends; a level that is passed by decides too."""
    names = [level.name for level in architecture.levels]
    return feature.target == tensor and transfer.level <= names.index(feature.level) < transfer.below


def _removed(
    nest: Nest,
    workload: Workload,
    architecture: Architecture,
    tensor: Tensor,
    transfer: Transfer,
    action: str,
) -> Floats:
    """Return the probability that an access to a tensor is removed at a level: a leader's tile is empty."""
    kept = np.ones(nest.bound.shape[0])
    for feature in architecture.features:
        if feature.action == action and _applies(feature, architecture, transfer, tensor.name):
            for leader in feature.by:
                kept = kept * (1 - _leader_empty(nest, workload, tensor, transfer, leader))
    return 1 - kept


def _leader_empty(
    nest: Nest, workload: Workload, tensor: Tensor, transfer: Transfer, leader: str
) -> Floats:
    """Return how often the leader's tile is empty that goes with one tile of the follower.

    It has all of the leader that is needed until the follower's tile changes: the loops inside the innermost
    one, in time, that changes it, and those in space over which the follower is the same.
    """
    other = workload.tensor(leader, "by")
    own = [nest.dimensions.index(name) for rank in tensor.ranks for name, _ in rank]
    relevant = np.isin(nest.dimension, own) & (nest.bound > 1)
    slots = np.arange(nest.bound.shape[1])
    start = nest.start(transfer.below)
    turning = relevant & ~nest.spatial & (slots < start)
    if transfer.below == nest.depth:
        last = np.full(len(relevant), slots.size)  # every compute reads: nothing is kept over time
    else:
        last = np.where(turning.any(axis=1), slots.size - 1 - np.argmax(turning[:, ::-1], axis=1), -1)
    here = nest.level >= transfer.level
    still = ~nest.spatial & (slots > last[:, None])
    same = nest.spatial & ~relevant
    inside = (slots >= start) | ((still | same) & here)
    points = np.prod(np.where(inside[..., None], nest.bounds, 1), axis=1)
    return law_of(workload, leader).empty(nest.extents(other, points))


def _items(nest: Nest, tensor: Tensor, form: Format, transfer: Transfer, law: Density) -> Floats:
    """Return the items of a level's tile, by rank of its format (mappings x ranks)."""
    count = len(form.ranks)
    own = [nest.dimensions.index(name) for rank in tensor.ranks for name, _ in rank]
    relevant = np.isin(nest.dimension, own) & (nest.bound > 1) & (nest.level >= transfer.level)
    if any(rank.dimensions for rank in form.ranks):
        rank_of = _assigned(nest, form, relevant)
    else:
        position = np.cumsum(relevant[:, ::-1], axis=1)[:, ::-1]
        rank_of = np.maximum(count - position, 0)
    tiles = np.stack(
        [
            np.prod(np.where((relevant & (rank_of >= depth))[..., None], nest.bounds, 1), axis=1)
            for depth in range(count)
        ]
        + [np.ones((len(relevant), len(nest.dimensions)), np.int64)],
        axis=1,
    )
    return items(form, nest.extents(tensor, tiles), law)


def _assigned(nest: Nest, form: Format, relevant: npt.NDArray[np.bool_]) -> Integers:
    """Return the rank of each slot: from the inside a rank takes its own dimensions, else one loop."""
    result = np.zeros(relevant.shape, np.int64)
    named = [{nest.dimensions.index(name) for name in rank.dimensions} for rank in form.ranks]
    for mapping in range(relevant.shape[0]):
        current, taken = len(named) - 1, False
        for slot in np.flatnonzero(relevant[mapping])[::-1]:
            while current > 0 and (
                nest.dimension[mapping, slot] not in named[current] if named[current] else taken
            ):
                current, taken = current - 1, False
            result[mapping, slot], taken = current, True
    return result


def filter_computes(
    nest: Nest, workload: Workload, architecture: Architecture, dense: dict[str, list[Transfer]]
) -> Computes:
    """Return what becomes of the computes: every combination of operands that are zero or not is weighed."""
    operands = [tensor for tensor in workload.tensors if not tensor.written]
    shape = nest.bound.shape[0]
    share = {tensor.name: law_of(workload, tensor.name).share for tensor in operands}
    zeros = _missing(architecture, dense, share)
    packs, packing = _packing(nest, workload, architecture, dense)
    triggers = {
        (action, tensor.name): _triggers(nest, workload, architecture, tensor, dense[tensor.name], action, share)
        for tensor in operands
        for action in ("skip", "gate")
    }
    actual, gated, skipped, idle, packed = (np.zeros(shape) for _ in range(5))
    for values in itertools.product((True, False), repeat=len(operands)):
        there = dict(zip(share, values, strict=True))
        weight = float(np.prod([share[name] if there[name] else 1 - share[name] for name in there]))
        if weight == 0:
            continue
        removed, by_gate = np.ones(shape), np.zeros(shape)
        for term in workload.terms:
            kept_skip = _kept([triggers["skip", name] for name in term], there, shape)
            kept_gate = _kept([triggers["gate", name] for name in term], there, shape)
            unpacked = float(all(there[name] for name in term if name in packs))
            removed = removed * (1 - kept_skip * kept_gate * unpacked)
            by_gate = np.maximum(by_gate, kept_skip * (1 - kept_gate) * unpacked)
        packed += weight * float(any(all(there[n] for n in term if n in packs) for term in workload.terms))
        left = weight * (1 - removed)
        idle += weight * np.minimum(by_gate, removed)
        absent = [not there[name] and zeros[name] for name in there]
        if any(all(there[name] for name in term) for term in workload.terms):
            actual += left
        elif all(absent):
            continue
        elif architecture.compute.zeros == "compute":
            actual += left
        elif architecture.compute.zeros == "skip" and any(absent):
            skipped += left
        else:
            gated += left
    return Computes(actual, gated, skipped, idle, packing, packed)


def _missing(
    architecture: Architecture, dense: dict[str, list[Transfer]], share: dict[str, float]
) -> dict[str, bool]:
    """Return of each operand whether its zeros never reach the compute units."""
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
    share: dict[str, float],
) -> dict[str, Floats]:
    """Return of each leader how likely its word being zero removes the compute."""
    result: dict[str, Floats] = {}
    for transfer, feature in itertools.product(transfers, architecture.features):
        if feature.action != action or not _applies(feature, architecture, transfer, tensor.name):
            continue
        for leader in feature.by:
            zero = 1 - share.get(leader, 1.0)
            if zero > 0:
                found = _leader_empty(nest, workload, tensor, transfer, leader) / zero
                result[leader] = np.maximum(result.get(leader, 0.0), np.minimum(found, 1.0))
    return result


def _kept(triggers: Sequence[dict[str, Floats]], there: dict[str, bool], shape: int) -> Floats:
    kept = np.ones(shape)
    for leaders in triggers:
        for leader, chance in leaders.items():
            if not there[leader]:
                kept = kept * (1 - chance)
    return kept


def _packing(
    nest: Nest, workload: Workload, architecture: Architecture, dense: dict[str, list[Transfer]]
) -> tuple[set[str], Floats]:
    """Return the tensors whose non-zeros are packed, and the steps in time that are left of the dense ones."""
    names = [level.name for level in architecture.levels]
    packs, left = set(), np.ones(nest.bound.shape[0])
    for feature in architecture.features:
        if feature.action != "pack":
            continue
        packs.add(feature.target)
        tensor = workload.tensor(feature.target, "target")
        own = [nest.dimensions.index(name) for rank in tensor.ranks for name, _ in rank]
        here = (nest.level >= names.index(feature.level)) & np.isin(nest.dimension, own)
        points = np.prod(np.where(here[..., None], nest.bounds, 1), axis=1)
        tile = nest.extents(tensor, points)
        lanes = np.prod(np.where(here & nest.spatial, nest.bound, 1), axis=1)
        steps = np.prod(np.where(here & ~nest.spatial, nest.bound, 1), axis=1)
        left = left * law_of(workload, feature.target).packed(tile, lanes) / steps
    return packs, left
