"""Groups that one set of descriptors repeats: once they have settled, the rest are left out and multiplied.

All that happens in a group is a sum or a maximum of what happened in it and in the few before it that can
still be under way. So if as many in a row pass as others did before, all that follow pass as those did then.
"""

from collections import deque
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

    Attributes
    ----------
    groups:
        All of them.
    settles:
        Whether groups are left out.
    skipped:
        Cycles of those that were left out.
    """

    def __init__(self, groups: list[Group], *, step: int, piece: int, settles: bool) -> None:
        self.groups = groups
        self.skipped = 0
        self._alike = piece // gcd(piece, step)
        self.settles = settles
        self._count = len(groups)
        self._begun = self._ended = 0
        # Numbers of the ways in which groups passed, those of the last ones, and when the same were before.
        self._ways: dict[tuple[int, ...], int] = {}
        self._last: deque[int] = deque(maxlen=IN_FLIGHT)
        self._seen: dict[tuple[int, ...], tuple[int, int]] = {}

    def each(self) -> Iterator[Group]:
        """Yield the groups that are walked through."""
        index = 0
        while index < self._count:
            self._begun = max(self._begun, index + 1)
            yield self.groups[index]
            index += 1

    def note(self, end: int, times: list[int]) -> None:
        """Note that a group was at its end, and when what is in it happened; maybe leave out others."""
        self._ended += 1
        way = tuple(time - end for time in times)
        self._last.append(self._ways.setdefault(way, len(self._ways)))
        if not self.settles or len(self._last) < IN_FLIGHT:
            return
        key = (self._ended % self._alike, *self._last)
        groups, before = self._seen.setdefault(key, (self._ended, end))
        period = self._ended - groups
        if period:
            times_over = (self._count - self._begun) // period
            self._count -= times_over * period
            self.skipped += times_over * (end - before)
