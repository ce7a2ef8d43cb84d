"""A layer scattered over an engine's address space, so that addresses and pitches have bits everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tileloom_golden.engine.memory_map import ALIGNMENT, MemoryMap

from .places import Lines, Places

PITCH_BITS = 32
"""Of a descriptor."""


def scattered(where: MemoryMap, address_bits: int, rng: np.random.Generator) -> Places:
    """Return places for a layer: every row, index, part of the weights and the descriptors somewhere.

    Rows are as far apart as it comes, also backwards where a descriptor's 32 bits can turn an address back.
    Two things may have the same place, or one reach beyond the end: ``memory_image`` raises ValueError then.
    """
    of_result = where.program.size.n * where.result_bytes
    of_beat = where.program.size.bus // 8

    def place(alignment: int = ALIGNMENT) -> int:
        return int(rng.integers(1 << address_bits - alignment.bit_length() + 1)) * alignment

    def pitch(unit: int) -> int:
        largest = min(address_bits, PITCH_BITS) - unit.bit_length() + 1
        count = int(2 ** rng.uniform(0, largest))
        back = address_bits <= PITCH_BITS and rng.integers(2)
        return unit * (-count if back else count)

    def lines(unit: int) -> Lines:
        return Lines(place(unit), pitch(unit), pitch(unit))

    parts = {
        key: replace(part, index=place(of_beat), weights=place(of_beat)) for key, part in where.parts.items()
    }
    return Places(lines(where.unit), lines(of_result), parts, place(), address_bits)
