"""The AXI4 variant's read channel in time: its clients' bursts in turn, and the data of each to who asked.

A burst is asked for when its client has room for all of its beats, taken when no other client's turn is
before, and read behind the bursts that were taken before it. Times are cycles in which a transfer happens:
what a register holds can be used in the next one.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...checks import check_positive
from ...engine.memory_map import ALIGNMENT
from .processes import Process, Times

OUTSTANDING = 4
"""Bursts that may be on their way: places in the channel's queue of who asked."""

RUNS = 4
"""Runs of bytes that may wait in a client for the one before to be taken apart."""


@dataclass(frozen=True, kw_only=True)
class Bus:
    """The AXI4 variant's, and the memory behind it.

    Attributes
    ----------
    latency:
        Cycles from a read burst's address taken on AR to its first beat on R, where no burst is before it.
        Beats and bursts follow without a gap, and writes never wait. 1 is the compiled harness's memory.
    burst_beats:
        Most beats of a burst.
    base:
        Address of the layer's memory, a multiple of 64: bursts end at multiples of `burst_beats`.

    Raises
    ------
    ValueError
        `latency` is not positive, `burst_beats` no power of two, `base` no address of such memory.
    """

    latency: int = 1
    burst_beats: int = 16
    base: int = 0

    def __post_init__(self) -> None:
        check_positive(self.latency, "latency")
        check_positive(self.burst_beats, "burst_beats")
        if self.burst_beats & (self.burst_beats - 1):
            raise ValueError(f"burst_beats is {self.burst_beats}, not a power of two")
        if self.base < 0 or self.base % ALIGNMENT:
            raise ValueError(f"base is {self.base}, not a multiple of {ALIGNMENT}")


@dataclass(eq=False)
class ReadClient:
    """One that asks, with a queue for the beats that come.

    Attributes
    ----------
    depth:
        Beats that the queue has room for.
    request:
        The burst that is asked for: since when, and its beats.
    taken:
        When each burst was.
    arrivals:
        When each beat was on R.
    free:
        From when each place of the queue was free. Who takes beats away notes the cycle of each.
    ended:
        When the last unit of each run was taken; before the first run, 0.
    jobs:
        Of each iteration, how many bursts were taken by its end.
    """

    depth: int
    request: tuple[int, int] | None = None
    taken: Times = field(default_factory=list)
    arrivals: Times = field(default_factory=list)
    free: Times = field(default_factory=list)
    ended: Times = field(default_factory=lambda: [0])
    jobs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free += [0] * self.depth

    @property
    def delay(self) -> int:
        """Cycles from a beat on R to its use: a queue's, 1, or of 3 or more places, with a register, 2."""
        return 2 if self.depth > 2 else 1

    def ask(self, since: int, beats: int) -> Process:
        """Ask for a burst, and wait until it is taken."""
        self.request = since, beats
        yield self.taken, len(self.taken)

    def read(
        self, handed: Times, jobs: Iterable[Iterable[Iterable[tuple[int, int]]]], width: int, burst_beats: int
    ) -> Process:
        """Read jobs: of each its iterations, of each its runs, of each the address and bytes.

        Parameters
        ----------
        handed:
            When each job came.
        jobs:
            What they read.
        width:
            Bytes of a beat.
        burst_beats:
            Most beats of a burst; it ends at a multiple of as many.
        """
        walked = cut = asked = 0
        moved: Times = []
        for number, job in enumerate(jobs):
            # A job goes through its queue; then, or once the last run of the one before has moved, a
            # register is set that says that runs are there.
            walked = max(walked, (yield handed, number)) + 1
            for iteration in job:
                for address, count in iteration:
                    # A run moves on as the one before is cut, and into the queue of those that wait for data.
                    walked = max(walked + 1, cut)
                    if len(moved) >= RUNS:
                        place = len(moved) - RUNS
                        walked = max(walked, moved[place] + 2, (yield self.ended, place) + 1)
                    moved.append(walked)
                    cut = walked
                    beat, last = address // width, (address + count - 1) // width
                    while beat <= last:
                        beats = min(last, beat | burst_beats - 1) - beat + 1
                        asked += beats
                        room = yield self.free, asked - 1
                        yield from self.ask(max(cut, room) + 1, beats)
                        cut = self.taken[-1]
                        beat += beats
                self.jobs.append(len(self.taken))


class ReadChannel:
    """Takes requests in turn.

    Parameters
    ----------
    clients:
        In the order of their turns.
    latency:
        As in `Bus`.
    """

    def __init__(self, clients: Sequence[ReadClient], latency: int) -> None:
        self.clients = clients
        self.latency = latency
        self._served = self._taken = self._end = 0
        self._free = deque([0] * OUTSTANDING, OUTSTANDING)

    def grant(self) -> bool:
        """Take the next request; return whether there was any."""
        asking = [client.request for client in self.clients]
        since = [request[0] for request in asking if request]
        if not since:
            return False
        # Nothing is asked for earlier than what is known now: all else waits for a burst that is not taken.
        now = max(min(since), self._taken + 1, self._free[0] + 1)
        for turn in range(1, len(asking) + 1):
            chosen = (self._served + turn) % len(asking)
            request = asking[chosen]
            if request and request[0] <= now:
                self._take(chosen, now, request[1])
                break
        return True

    def _take(self, chosen: int, now: int, beats: int) -> None:
        # AR has a register; R is one burst behind the other.
        first = max(now + 1 + self.latency, self._end + 1)
        self._served, self._taken, self._end = chosen, now, first + beats - 1
        self._free.append(self._end)
        client = self.clients[chosen]
        client.request = None
        client.arrivals.extend(range(first, first + beats))
        client.taken.append(now)
