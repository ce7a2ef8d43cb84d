"""Sources and sinks for streams in cocotb: transfers at random times, and the protocol checked.

Inputs change at the falling edge of the clock and everything is read before the rising one, when it has
settled. That is the same in every simulator, and needs two triggers per cycle for any number of streams.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .interface import Stream

PATTERNS = ("flowing", "rare", "half", "mostly", "bursts")
"""How often a stream is stalled: never, in 10 %, 50 %, 85 % of cycles, and in bursts of up to 20."""


def stalls(pattern: str, rng: np.random.Generator) -> Iterator[bool]:
    """Yield for each cycle whether the stream stalls in it."""
    if pattern == "bursts":
        while True:
            stalled = bool(rng.integers(0, 2))
            yield from [stalled] * int(rng.integers(1, 21))
    share = {"flowing": 0.0, "rare": 0.1, "half": 0.5, "mostly": 0.85}[pattern]
    while True:
        yield from (rng.random(256) < share).tolist()


class MismatchError(Exception):
    """The design did something other than it should; the message says what, and where."""


class Side:
    """What sources and sinks share: the signals, and counts of what happened in the cycles.

    ``seen`` counts cycles by kind: ``transfer``, ``back to back`` (a transfer right after one), ``waits``
    (valid, not ready), ``starves`` (ready, not valid), ``rests`` (neither). ``moved`` is the beat that moves
    at the coming edge, or None.
    """

    def __init__(self, dut: Any, stream: Stream, pattern: Iterator[bool]) -> None:
        self.stream = stream
        self.data, self.valid, self.ready = (
            getattr(dut, name) for name in (stream.data, stream.valid, stream.ready)
        )
        self.last = getattr(dut, stream.last) if stream.last else None
        self.pattern = pattern
        self.seen: Counter[str] = Counter()
        self.moved: tuple[int, int] | None = None
        self._transferred = False

    def drive(self) -> None:
        """Set the inputs of this cycle."""
        raise NotImplementedError

    def sample(self) -> None:
        """Look at what the coming edge will do."""
        raise NotImplementedError

    def observe(self, valid: bool, ready: bool) -> bool:
        """Count a cycle; return whether it was a transfer."""
        transfer = valid and ready
        if transfer and self._transferred:
            self.seen["back to back"] += 1
        self.seen[{3: "transfer", 2: "waits", 1: "starves", 0: "rests"}[2 * valid + ready]] += 1
        self._transferred = transfer
        return transfer


class StreamSource(Side):
    """Offers beats one after the other, stalling before a beat as its pattern says; holds what it offers."""

    def __init__(
        self, dut: Any, stream: Stream, pattern: Iterator[bool], beats: Sequence[tuple[int, int]]
    ) -> None:
        super().__init__(dut, stream, pattern)
        self.beats = beats
        self.sent = 0
        self._offering = False
        # While nothing is valid the data is noise, so that nobody gets away with reading it.
        self._noise = (1 << len(self.data)) - 1
        self.valid.value = 0

    def drive(self) -> None:
        """Set the inputs of this cycle."""
        if self._offering:
            return
        if self.sent < len(self.beats) and not next(self.pattern):
            data, last = self.beats[self.sent]
            self._set(data, last, valid=1)
            self._offering = True
        elif self._transferred:
            self._set(self._noise, 1, valid=0)

    def sample(self) -> None:
        """Look at what the coming edge will do."""
        self.moved = None
        if self.observe(self._offering, bool(int(self.ready.value))):
            self.moved = self.beats[self.sent]
            self.sent += 1
            self._offering = False

    def _set(self, data: int, last: int, valid: int) -> None:
        self.data.value = data
        self.valid.value = valid
        if self.last is not None:
            self.last.value = last


class StreamSink(Side):
    """Takes beats into ``received``, stalling as its pattern says; checks that what is offered is held.

    One that ``waits`` is ready only once a beat was on offer, as a stream's rules allow: who offers may not
    wait for it.
    """

    def __init__(self, dut: Any, stream: Stream, pattern: Iterator[bool], *, waits: bool = False) -> None:
        super().__init__(dut, stream, pattern)
        self._waits = waits
        self.received: list[tuple[int, int]] = []
        self._held: tuple[int, int] | None = None
        self._stalled = True
        self.ready.value = 0

    def drive(self) -> None:
        """Set the inputs of this cycle."""
        stalled = next(self.pattern) or (self._waits and self._held is None)
        if stalled != self._stalled or not self.seen:
            self.ready.value = int(not stalled)
        self._stalled = stalled

    def sample(self) -> None:
        """Look at what the coming edge will do.

        Raises MismatchError where a beat that was offered is taken back or changed.
        """
        valid = bool(int(self.valid.value))
        beat = None
        if valid:
            beat = int(self.data.value), 0 if self.last is None else int(self.last.value)
        if self._held is not None and beat != self._held:
            raise MismatchError(f"{self.stream.name}: a beat changed before it was taken")
        transfer = self.observe(valid, not self._stalled)
        self.moved, self._held = (beat, None) if transfer else (None, beat)
        if self.moved is not None:
            self.received.append(self.moved)

    @property
    def waiting(self) -> bool:
        """Whether a beat is on offer that the coming edge does not take."""
        return self._held is not None
