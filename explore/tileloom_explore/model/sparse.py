"""The second step: what zeros leave of the dense traffic, by format and by feature.

An access is *actual*, *gated* (its cycle passes, nothing moves) or *skipped* (no cycle either). Zeros of a
compressed tensor are not there at all and count as none of them. An access that a feature of an outer level
has removed does not reach the inner ones. (Sparseloop, MICRO 2022, section 5.3.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .architecture import Architecture, Feature
from .density import Density
from .formats import Format, Kind, items
from .leaders import deciding, law_of, leader_empty
from .mapping import Floats, Integers, Nest, extents
from .traffic import Transfer
from .workload import Tensor, Workload

_TINY = 1e-9
"""What is taken for a rounding error of a whole number."""


@dataclass(frozen=True, eq=False)
class Actions:
    """Accesses of one instance: the dense mapping's, and what became of them (arrays over mappings)."""

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
class _Removal:
    """Shares of a level's accesses: those that reach it, and of all what its features gate and skip."""

    reaching: Floats
    gating: Floats
    skipping: Floats

    def split(self, count: Floats, *, dense: Floats | None = None, up: bool = False) -> Actions:
        """Return a count by what becomes of it: what is removed is rounded down (``up``: up)."""
        there = np.ceil(count * self.reaching - _TINY) + 0.0  # no -0
        dense = count if dense is None else dense
        if self.gating is self.skipping:
            return Actions(dense, there, self.gating, self.gating)  # nothing is removed
        removed = count * self.gating, count * self.skipping
        gated, skipped = (np.ceil(part - _TINY) + 0.0 if up else np.floor(part + _TINY) for part in removed)
        actual = np.maximum(there - gated - skipped, 0)
        return Actions(dense, actual, gated, skipped)


def filter_tensor(
    nest: Nest, workload: Workload, architecture: Architecture, tensor: Tensor, dense: Sequence[Transfer]
) -> Iterator[LevelActions]:
    """Yield what each level that keeps a tensor does for it, the outermost first."""
    gone = none = np.zeros(nest.bound.shape[0])
    for transfer in dense:
        received = _Removal(1 - gone, none, none)
        features = {action: deciding(architecture, tensor, transfer, action) for action in ("skip", "gate")}
        if not any(features.values()):
            yield _level(nest, workload, architecture, tensor, transfer, received, received)
            continue
        skip, gate = (_removed(nest, workload, tensor, transfer, features[action]) for action in features)
        after = np.maximum(gone, 1 - (1 - skip) * (1 - gate))
        skipping = np.maximum(np.minimum(after, skip) - gone, 0)
        sent = _Removal(1 - gone, after - gone - skipping, skipping)
        yield _level(nest, workload, architecture, tensor, transfer, sent, received)
        gone = after


def _level(
    nest: Nest,
    workload: Workload,
    architecture: Architecture,
    tensor: Tensor,
    transfer: Transfer,
    sent: _Removal,
    received: _Removal,
) -> LevelActions:
    law = law_of(workload, tensor.name)
    name = architecture.levels[transfer.level].name
    form = architecture.formats.get((name, tensor.name), Format(()))
    share = law.share if form.compressed else 1.0
    volume = np.multiply.reduce(transfer.tile, axis=1, dtype=np.float64)
    words = volume
    if form.compressed:
        words = np.minimum(volume, law.most(transfer.tile, architecture.options.confidence))
    stored = _items(nest, tensor, form, transfer, law)
    writes = transfer.fills + transfer.updates
    rates = [rank / volume for rank in stored]
    return LevelActions(
        tensor.name,
        transfer,
        reads=sent.split(transfer.reads * share, dense=transfer.reads, up=tensor.written),
        fills=received.split(transfer.fills * share, dense=transfer.fills),
        updates=sent.split(transfer.updates * share, dense=transfer.updates),
        first_fills=np.ceil(transfer.first_fills * share * received.reaching - _TINY),
        metadata_reads=tuple(sent.split(transfer.reads * rate) for rate in rates),
        metadata_writes=tuple(received.split(writes * rate) for rate in rates),
        words=words,
        # Coordinates and run lengths are as many as the words; what the other ranks keep does not vary.
        metadata=tuple(
            words if rank.kind in (Kind.CP, Kind.RLE) and rank is form.ranks[-1] else count
            for rank, count in zip(form.ranks, stored, strict=True)
        ),
    )


def _removed(
    nest: Nest, workload: Workload, tensor: Tensor, transfer: Transfer, features: Sequence[Feature]
) -> Floats:
    """Return the probability that features remove an access to a tensor at a level."""
    kept = np.ones(nest.bound.shape[0])
    for feature in features:
        for leader in feature.by:
            kept = kept * (1 - leader_empty(nest, workload, tensor, transfer, leader))
    return 1 - kept


def _items(nest: Nest, tensor: Tensor, form: Format, transfer: Transfer, law: Density) -> list[Floats]:
    """Return the items of a level's tile, of each rank of its format (mappings,)."""
    if not form.ranks:
        return []
    relevant = nest.relevant(tensor) & (nest.level >= transfer.level)
    rank_of = _assigned(nest, form, relevant)
    tiles = [nest.points(relevant & (rank_of >= depth)) for depth in range(len(form.ranks))]
    tiles.append(np.ones_like(tiles[0]))
    found = items(form, extents(tensor, nest.dimensions, np.stack(tiles, axis=1)), law)
    return [found[:, rank] for rank in range(found.shape[1])]


def _assigned(nest: Nest, form: Format, relevant: npt.NDArray[np.bool_]) -> Integers:
    """Return the rank of each slot: from the inside a rank takes its own dimensions, else one loop."""
    count = len(form.ranks)
    if not any(rank.dimensions for rank in form.ranks):
        position = np.cumsum(relevant[:, ::-1], axis=1)[:, ::-1]
        return np.maximum(count - position, 0)
    # Whether a rank takes one more loop of a dimension, or of any: by rank, then dimension.
    own = np.array([[name in rank.dimensions for name in nest.dimensions] for rank in form.ranks])
    result = np.zeros(relevant.shape, np.int64)
    current, taken = np.full(len(relevant), count - 1), np.zeros(len(relevant), bool)
    for slot in reversed(range(relevant.shape[1])):
        here, dimension = relevant[:, slot], nest.dimension[:, slot]
        for rank in range(count - 1, 0, -1):
            refuses = ~own[rank, dimension] if form.ranks[rank].dimensions else taken
            moved = here & (current == rank) & refuses
            current, taken = current - moved, taken & ~moved
        result[:, slot] = np.where(here, current, 0)
        taken = taken | here
    return result
