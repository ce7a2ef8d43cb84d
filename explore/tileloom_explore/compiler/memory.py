"""Allocation of the memory tiles: an address space that all columns share, first fit."""

from __future__ import annotations

from .work import ceil

ALIGNMENT = 64
"""Of addresses, in bytes."""


class Memory:
    """Addresses 0 to ``size`` - 1, handed out in pieces."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pieces: dict[int, int] = {}

    def copy(self) -> Memory:
        """Return another one with the same pieces."""
        other = Memory(self.size)
        other.pieces = dict(self.pieces)
        return other

    def take(self, size: int) -> int | None:
        """Return the address of so many bytes, or None where there is no gap of that size."""
        size = max(rounded(size), ALIGNMENT)
        begin = 0
        for address, taken in [*sorted(self.pieces.items()), (self.size, 0)]:
            if address - begin >= size:
                self.pieces[begin] = size
                return begin
            begin = address + taken
        return None

    def give(self, address: int) -> None:
        """Take a piece back. Raises KeyError where none begins at the address."""
        del self.pieces[address]


def rounded(size: int) -> int:
    """Return the bytes that a piece takes."""
    return ceil(size, ALIGNMENT) * ALIGNMENT
