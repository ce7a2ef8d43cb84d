"""Where a layer lies in the memory of an AXI4 engine: one thing behind the other, or each somewhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tileloom_golden.engine.memory_map import MemoryMap, Weights


@dataclass(frozen=True)
class Lines:
    """Where the rows of activations or results are: y of a block at ``first + block * plane + y * line``.

    Blocks are of channels. In bytes; pitches may be negative, and addresses are meant modulo the number of
    those that there are.
    """

    first: int
    plane: int
    line: int


@dataclass(frozen=True)
class Places:
    """Where a layer lies in memory.

    Attributes
    ----------
    activations, results:
        Their rows. Of results the channel block is the column.
    parts:
        Index and weights of each CONV, by ``key_of``.
    descriptors:
        The first of them.
    address_bits:
        Addresses are modulo 2 to the power of it.
    """

    activations: Lines
    results: Lines
    parts: Mapping[tuple[int, ...], Weights]
    descriptors: int
    address_bits: int = 64

    def runs(self, lines: Lines, blocks: int, rows: int, size: int) -> list[tuple[int, int]]:
        """Return first address and bytes of rows of ``size``; one run if they follow one another."""
        if lines.line == size and lines.plane == rows * size:
            return [(lines.first, blocks * rows * size)]
        number = 1 << self.address_bits
        return [
            ((lines.first + block * lines.plane + row * lines.line) % number, size)
            for block in range(blocks)
            for row in range(rows)
        ]


def close_together(where: MemoryMap) -> Places:
    """Return the places of a memory map: one thing behind the other."""
    height, width = where.program.layer.output
    line = width * where.program.size.n * where.result_bytes
    return Places(
        Lines(where.activations, where.plane, where.line),
        Lines(where.results, height * line, line),
        where.parts,
        where.descriptors,
    )
