"""What a program on the RISC-V system works on: words behind it that say what to do, and their data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tileloom.errors import UserError

from .run import Conditions
from .system import MEMORY_BASE

MAX_BYTES = (1 << 32) - MEMORY_BASE
"""Memory that the system's addresses leave room for."""

MAX_CYCLES = (1 << 32) - 1
"""What the 32-bit counters that programs read can tell."""

STEP = 1 << 16
"""Bytes that the size of a memory is a multiple of."""


class JobMemory:
    """Memory from an address on that is filled from its beginning.

    Parameters
    ----------
    base:
        That address, a multiple of 4: ``Program.free``.
    words:
        How many say what to do; ``say`` sets them.
    alignment:
        Of what is placed.

    Attributes
    ----------
    content:
        What there is, the words first.
    """

    def __init__(self, base: int, words: int, alignment: int) -> None:
        self.base, self.words, self.alignment = base, words, alignment
        self.content = bytearray(4 * words)

    @property
    def end(self) -> int:
        """Address behind what is there."""
        return self.base + len(self.content)

    def place(self, data: bytes = b"", room: int = 0, *, alignment: int | None = None) -> int:
        """Add bytes, with zeros behind them up to ``room``; return their address."""
        self.content += bytes(-self.end % (alignment or self.alignment))
        address = self.end
        self.content += data + bytes(max(room - len(data), 0))
        return address

    def say(self, words: Sequence[int]) -> None:
        """Set the first words, 32 bits each, signed or not."""
        assert len(words) == self.words
        self.content[: 4 * self.words] = np.array(words, np.int64).astype("<u4").tobytes()


def memory_bytes(end: int) -> int:
    """Return the size of a memory that reaches up to an address at least."""
    return -(-(end - MEMORY_BASE) // STEP) * STEP


def conditions_for(end: int, conditions: Conditions | None, what: str) -> Conditions:
    """Return conditions with memory up to an address, and no more cycles than ``MAX_CYCLES``.

    Raises UserError that begins with ``what`` where there are no addresses for it.
    """
    size = memory_bytes(end)
    if size > MAX_BYTES:
        raise UserError(f"{what} {size} bytes of memory, more than the {MAX_BYTES} of the system")
    conditions = conditions or Conditions()
    return replace(conditions, memory_bytes=size, limit=min(conditions.limit, MAX_CYCLES))
