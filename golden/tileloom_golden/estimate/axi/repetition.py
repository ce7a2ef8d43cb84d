"""Groups that one set of descriptors repeats: once they have settled, the rest are left out and multiplied.

All that happens in a group is a sum or a maximum of what happened in it and in the few before it that can
still be under way, so that as many in a row that pass as those before them did make all others pass so too.
"""

from collections.abc import Iterator
from math import gcd

from ...engine.program import Group

IN_FLIGHT = 6
"""Groups that may be under way at once: a client cuts one, holds four and takes one apart."""


class Repetition:
    """As many of the groups as it takes to know them all.

    Parameters
    ----------
    groups:
        Equal ones, at equal distances in memory.
    step:
        Bytes from the activations of one to those of the next.
    piece:
        Bytes at whose multiples bursts end: they are cut alike in groups that are a multiple of it apart.
    settles:
        Whether groups can be left out; not where each of them has its own tiles of zeros.
    """

    def __init__(self, groups: list[Group], *, step: int, piece: int, settles: bool) -> None:
        self.groups = groups
        self.skipped = 0
        self._period = piece // gcd(piece, step)
        self._settles = settles
        self._count = len(groups)
        self._begun = 0
        self._passed: list[tuple[int, ...]] = []
        self._ends: list[int] = []

    def each(self) -> Iterator[Group]:
        """Yield the groups that are walked through."""
        index = 0
        while index < self._count:
            self._begun = max(self._begun, index + 1)
            yield self.groups[index]
            index += 1

    def note(self, end: int, times: list[int]) -> None:
        """Note that a group was at its end, and when what is in it happened; maybe leave out others."""
        self._passed.append(tuple(time - end for time in times))
        self._ends.append(end)
        before = len(self._passed) - self._period
        if not self._settles or before < IN_FLIGHT or self._passed[-IN_FLIGHT:] != self._before(before):
            return
        periods = (self._count - self._begun) // self._period
        self._count -= periods * self._period
        self.skipped += periods * (end - self._ends[before - 1])

    def _before(self, end: int) -> list[tuple[int, ...]]:
        return self._passed[end - IN_FLIGHT : end]
