"""Processes that tell each other when things happen: sums and maxima of cycles, in whatever order they come.

It is a network as in G. Kahn, "The semantics of a simple language for parallel programming" (IFIP 1974),
whose values are times: what a process finds does not depend on which of them is advanced first. A queue with
room for a few is a list of the times from which its places are free, and begins with a 0 for each of them.
"""

from collections.abc import Generator

Times = list[int]
"""Cycles in which the first, the second, ... of some event happened."""

Process = Generator[tuple[Times, int], int, None]
"""Appends to lists of its own; yields a list and an index, and is sent what is there, once it is."""


class Network:
    """Processes that are advanced together."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Process, Times, int]] = []

    @property
    def done(self) -> bool:
        """Every process is at its end."""
        return not self._waiting

    def add(self, process: Process) -> None:
        """Add a process, and let it come to the first event that it waits for."""
        for times, index in process:
            self._waiting.append((process, times, index))
            break

    def advance(self) -> None:
        """Let every process come as far as it can."""
        moved = True
        while moved:
            moved, waiting = False, self._waiting
            self._waiting = []
            for process, times, index in waiting:
                try:
                    while index < len(times):
                        moved = True
                        times, index = process.send(times[index])
                except StopIteration:
                    continue
                self._waiting.append((process, times, index))
