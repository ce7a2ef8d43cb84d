"""The DMA engine of a cluster, cycle by cycle."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WAITING = 4
"""Transfers behind the one under way."""

FIELDS = {0x04: ~3, 0x08: ~3, 0x0C: 0x3FFFC, 0x10: 0xFFFF, 0x14: ~3, 0x18: 0x3FFFC}
"""Registers that hold what was written, and the bits that they have."""

Request = tuple[int, bool, int]
"""Of a lane: byte address, whether it writes, data."""


@dataclass(frozen=True)
class Transfer:
    """A transfer, in bytes; rows begin a stride apart on each side."""

    to_l2: bool
    l2: int
    l1: int
    row_bytes: int
    rows: int
    l2_stride: int
    l1_stride: int

    def words(self, first: int, stride: int, lane: int, lanes: int) -> list[int]:
        """Return the byte addresses of a lane's words on one side, in order."""
        columns = range(4 * lane, self.row_bytes, 4 * lanes)
        return [
            (first + row * stride + column) & 0xFFFFFFFF for row in range(self.rows) for column in columns
        ]


@dataclass
class LaneEnd:
    """What a lane saw in a cycle: its read and its write granted, the word read in L1, L2's answer."""

    read: bool = False
    write: bool = False
    l1_word: int = 0
    l2_answer: int | None = None

    def grant(self, write: bool) -> None:
        """Grant its read or its write."""
        if write:
            self.write = True
        else:
            self.read = True


class Lane:
    """A lane: ask for ``l1`` and ``l2``, then ``end`` the cycle."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.to_l2 = False
        self.sources: deque[int] = deque()
        self.targets: deque[int] = deque()
        self.queue: deque[int] = deque()
        self.held = self.unanswered = 0
        self.arriving: int | None = None

    def start(self, transfer: Transfer, lane: int, lanes: int) -> None:
        """Begin a transfer: lane ``lane`` of ``lanes``."""
        self.to_l2 = transfer.to_l2
        l1 = transfer.words(transfer.l1, transfer.l1_stride, lane, lanes)
        l2 = transfer.words(transfer.l2, transfer.l2_stride, lane, lanes)
        self.sources, self.targets = map(deque, (l1, l2) if self.to_l2 else (l2, l1))

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return not self.targets and not self.unanswered

    def _read(self) -> Request | None:
        return (self.sources[0], False, 0) if self.sources and self.held < self.depth else None

    def _write(self) -> Request | None:
        waits = not self.queue or self.unanswered == self.depth
        return None if waits else (self.targets[0], True, self.queue[0])

    @property
    def l1(self) -> Request | None:
        """What the lane asks L1 for in this cycle."""
        return self._read() if self.to_l2 else self._write()

    @property
    def l2(self) -> Request | None:
        """What the lane asks L2 for in this cycle."""
        return self._write() if self.to_l2 else self._read()

    def end(self, what: LaneEnd) -> None:
        """End the cycle."""
        if what.write:
            self.queue.popleft()
            self.targets.popleft()
            self.held -= 1
            self.unanswered += self.to_l2
        if what.l2_answer is not None:
            if self.to_l2:
                self.unanswered -= 1
            else:
                self.queue.append(what.l2_answer)
        if self.arriving is not None:
            self.queue.append(self.arriving)
        self.arriving = None
        if what.read:
            self.sources.popleft()
            self.held += 1
            if self.to_l2:
                self.arriving = what.l1_word


class Dma:
    """Registers, queue and lanes; in a cycle lanes are asked first, then ``access``, then ``end``."""

    def __init__(self, lanes: int, lane_words: int) -> None:
        self.lanes = [Lane(lane_words) for _ in range(lanes)]
        self.fields = dict.fromkeys(FIELDS, 0)
        self.queue: deque[Transfer] = deque()
        self.claimed = self.running = False
        self.started = self.done = 0
        self._incoming: Transfer | None = None

    def access(self, at: int, write: bool, data: int) -> int:
        """Return what the one granted access of this cycle reads."""
        room = len(self.queue) < WAITING
        if at == 0x00 and not write and not self.claimed and room:
            self.claimed = True
            return 1 << 31 | (self.started + 1) & 0xFFFF
        if at == 0x1C and write:
            self.claimed = False
            if room:
                l2, l1, row_bytes, rows, l2_stride, l1_stride = (self.fields[field] for field in FIELDS)
                self._incoming = Transfer(bool(data & 1), l2, l1, row_bytes, rows, l2_stride, l1_stride)
                self.started = (self.started + 1) & 0xFFFF
        if at == 0x20 and not write:
            return self.done
        if at in FIELDS and write:
            self.fields[at] = data & FIELDS[at]
        return 0 if write else self.fields.get(at, 0)

    @property
    def completed(self) -> bool:
        """Whether the transfer under way is complete in this cycle."""
        return self.running and all(lane.finished for lane in self.lanes)

    def end(self, ended: list[LaneEnd], completed: bool) -> None:
        """End the cycle: what each lane saw, and what ``completed`` was in it."""
        for lane, what in zip(self.lanes, ended, strict=True):
            lane.end(what)
        if completed:
            self.running = False
            self.done = (self.done + 1) & 0xFFFF
        elif not self.running and self.queue:
            transfer = self.queue.popleft()
            self.running = True
            for number, lane in enumerate(self.lanes):
                lane.start(transfer, number, len(self.lanes))
        if self._incoming is not None:
            self.queue.append(self._incoming)
            self._incoming = None
