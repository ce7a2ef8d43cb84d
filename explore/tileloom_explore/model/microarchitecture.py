"""The third step: what the actions cost on this hardware, in room, cycles and energy.

Accesses move blocks of words; metadata shares its words; a level that has to move more words a cycle than its
ports do slows all down. Cycles are the largest of all. (Sparseloop, MICRO 2022, section 5.4.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .architecture import Architecture, Level
from .computes import Computes
from .formats import Format
from .mapping import Floats, Nest
from .sparse import LevelActions

_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class LevelCost:
    """What one level costs (arrays over mappings).

    Attributes
    ----------
    words, metadata_bits:
        That the tiles of all its tensors take, in one instance.
    excess, metadata_excess:
        Words, and bits of metadata, that do not fit; 0 where all do.
    slowdown:
        Cycles over those of the compute units alone that its bandwidth asks for; at least 1.
    energy:
        By tensor, of all instances, in pJ.
    leakage:
        Of all instances, in pJ.
    """

    words: Floats
    metadata_bits: Floats
    excess: Floats
    metadata_excess: Floats
    slowdown: Floats
    energy: dict[str, Floats]
    leakage: Floats


@dataclass(frozen=True, eq=False)
class Costs:
    """What mappings cost.

    Attributes
    ----------
    levels:
        The outermost first.
    compute_cycles, cycles:
        Of the compute units alone; with what bandwidth adds.
    computes:
        Of all instances: actual, gated, skipped ones.
    compute_energy, energy:
        Of the compute units and of everything, in pJ.
    """

    levels: tuple[LevelCost, ...]
    compute_cycles: Floats
    cycles: Floats
    computes: tuple[Floats, Floats, Floats]
    compute_energy: Floats
    energy: Floats


def accesses(count: Floats, block: int) -> Floats:
    """Return the accesses that move so many words, ``block`` at a time."""
    return count if block == 1 else np.ceil(count / block - _TINY)


def metadata_words(bits: int, width: int) -> float:
    """Return the words of metadata that an item of so many bits takes; several share one where they fit."""
    return 1 / (width // bits) if bits <= width else -(-bits // width)


def costs(
    nest: Nest, architecture: Architecture, actions: Sequence[LevelActions], computes: Computes
) -> Costs:
    """Return what the mappings of a nest cost."""
    compute = architecture.compute
    steps = nest.steps
    units = nest.instances(nest.depth)
    busy = computes.actual + computes.gated
    factor = np.where(computes.packed > 0, busy / np.maximum(computes.packed, _TINY), 0.0)
    compute_cycles = np.maximum(np.ceil(steps * computes.packing * factor - 1e-6), 1)
    by_level = [
        [found for found in actions if found.transfer.level == index]
        for index in range(len(architecture.levels))
    ]
    slowdowns = [
        _slowdown(architecture, level, found, compute_cycles)
        for level, found in zip(architecture.levels, by_level, strict=True)
    ]
    # The quotient by the smallest rate, not the product: it rounds as the reference does.
    rate = np.min([1 / slow for slow in slowdowns], axis=0)
    cycles = np.ceil(compute_cycles / rate)
    levels = tuple(
        level_cost(architecture, level, found, slow, cycles, nest.instances(index))
        for index, (level, found, slow) in enumerate(
            zip(architecture.levels, by_level, slowdowns, strict=True)
        )
    )
    actual, gated, skipped = (
        np.ceil(steps * share - 1e-6) * units
        for share in (computes.actual, computes.gated + computes.idle, computes.skipped)
    )
    compute_energy = actual * compute.energy + gated * compute.gated + skipped * compute.skipped
    compute_energy = compute_energy + compute.leakage * cycles * units
    energy = compute_energy + sum(sum(level.energy.values()) + level.leakage for level in levels)
    return Costs(levels, compute_cycles, cycles, (actual, gated, skipped), compute_energy, energy)


def _form(architecture: Architecture, level: Level, tensor: str) -> Format:
    return architecture.formats.get((level.name, tensor), Format(()))


def _slowdown(
    architecture: Architecture, level: Level, found: Sequence[LevelActions], cycles: Floats
) -> Floats:
    """Return how many cycles one of the compute units takes so that the level's ports can follow."""
    reads = writes = np.zeros_like(cycles)
    if level.free:
        return np.ones_like(cycles)
    for each in found:
        widths = _form(architecture, level, each.tensor).widths(level.metadata.width)
        pairs = ((each.reads, each.metadata_reads), (each.fills, each.metadata_writes))
        read, write = (
            data.actual
            + data.gated
            + sum(
                (rank.actual + rank.gated) * bits / level.word
                for rank, bits in zip(ranks, widths, strict=True)
            )
            for data, ranks in pairs
        )
        reads = reads + read
        writes = writes + write + each.updates.actual + each.updates.gated
    slow = np.ones_like(cycles)
    ports = None if level.ports is None else float(level.ports * level.block)
    for limit, words in (
        (level.read_bandwidth, reads),
        (level.write_bandwidth, writes),
        (level.bandwidth, reads + writes),
        (ports, reads + writes),
    ):
        if limit is not None:
            slow = np.maximum(slow, words / cycles / limit)
    return slow


def level_cost(
    architecture: Architecture,
    level: Level,
    found: Sequence[LevelActions],
    slowdown: Floats,
    cycles: Floats,
    instances: Floats,
) -> LevelCost:
    """Return what one level costs, where all takes so many cycles and it has so many instances in use."""
    options, metadata = architecture.options, level.metadata
    words = bits = np.zeros_like(cycles)
    energy = {}
    update = level.write if level.update is None else level.update
    for each in found:
        widths = _form(architecture, level, each.tensor).widths(metadata.width)
        words = words + each.words
        cost = accesses(each.reads.actual, level.block) * level.read
        cost = cost + accesses(each.fills.actual, level.block) * level.write
        cost = cost + accesses(each.updates.actual, level.block) * update
        for price, kind in ((level.gated_read, each.reads), (level.gated_write, each.updates)):
            if price:
                cost = cost + accesses(kind.gated + kind.skipped, level.block) * price
        if options.charge_first_fills:
            cost = cost + accesses(each.first_fills, level.block) * level.write
        for rank, width in enumerate(widths):
            bits = bits + each.metadata[rank] * width
            share = metadata_words(width, metadata.width) if metadata.width else 0.0
            read, write = each.metadata_reads[rank], each.metadata_writes[rank]
            count = read.actual + (read.skipped if options.charge_skipped_metadata else 0)
            cost = cost + np.ceil(count * share - _TINY) * metadata.read
            cost = cost + np.ceil(write.actual * share - _TINY) * metadata.write
        energy[each.tensor] = cost * instances
    room = np.inf if level.size is None else level.size // level.buffers
    meta = np.inf if metadata.size is None else metadata.size * metadata.width
    return LevelCost(
        words,
        bits,
        np.maximum(words - room, 0),
        np.maximum(bits - meta, 0),
        slowdown,
        energy,
        level.leakage * cycles * instances,
    )
