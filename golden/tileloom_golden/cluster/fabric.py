"""The fabric of a cluster, cycle by cycle: what it grants, answers and asks of the memories."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from .dma import Dma, LaneEnd
from .events import EventUnit

L2_ON_THE_WAY = 2
"""Accesses of a core to L2 that are not answered."""


@dataclass(frozen=True)
class Access:
    """What a core asks for: byte address, and of a write the bytes of a word and data."""

    address: int
    write: bool = False
    lanes: int = 15
    data: int = 0


@dataclass(frozen=True)
class BankAccess:
    """What a bank is asked for; ``read`` is the word that it will answer."""

    row: int
    access: Access
    read: int


@dataclass
class Outputs:
    """Of one cycle.

    Attributes
    ----------
    granted:
        Cores whose request is taken.
    answers:
        By core: data (None: of a write) and error.
    banks:
        By bank, what it is asked for.
    l2:
        Core, and what it asks of L2, granted or not.
    lanes:
        What each lane asks of L2: byte address, whether it writes, data.
    """

    granted: set[int] = field(default_factory=set)
    answers: dict[int, tuple[int | None, bool]] = field(default_factory=dict)
    banks: dict[int, BankAccess] = field(default_factory=dict)
    l2: tuple[int, Access] | None = None
    lanes: list[tuple[int, bool, int] | None] = field(default_factory=list)


class Fabric:
    """A fabric and its L1.

    Parameters
    ----------
    cores, banks, l1_bytes, lanes, lane_words:
        As configured; ``lane_words`` is what the queue of a DMA lane holds.

    Attributes
    ----------
    l1:
        Its words.
    dma, events:
        The engine and the event unit.
    """

    def __init__(self, *, cores: int, banks: int, l1_bytes: int, lanes: int, lane_words: int) -> None:
        self.cores, self.banks = cores, banks
        self.l1 = [0] * (l1_bytes // 4)
        self.dma, self.events = Dma(lanes, lane_words), EventUnit(cores)
        self._next_of_bank = [0] * banks
        self._next_of_dma = self._next_of_l2 = 0
        self._standing: int | None = None
        self._owners: deque[tuple[int, bool]] = deque()
        self._waiting = [0] * cores
        self._answers: dict[int, tuple[int | None, bool]] = {}

    def step(
        self,
        requests: Sequence[Access | None],
        *,
        l2_ready: bool,
        l2_answer: tuple[int, bool] | None,
        lanes_ready: Sequence[bool],
        lane_answers: Sequence[int | None],
    ) -> Outputs:
        """Do one cycle.

        Parameters
        ----------
        requests:
            Of each core, which stand until they are granted.
        l2_ready, lanes_ready:
            Whether L2 takes what is asked there.
        l2_answer, lane_answers:
            What L2 answers in this cycle: data and error; data of each lane.
        """
        out = Outputs(answers=self._answers)
        self._answers = {}
        near: list[tuple[int, Access]] = []
        far: list[int] = []
        for core, request in enumerate(requests):
            if request is None:
                continue
            if request.address >> 28 not in (2, 3):
                if self._waiting[core] < L2_ON_THE_WAY:
                    far.append(core)
            elif self._waiting[core] == 0:
                near.append((core, request))
        if l2_answer is not None:
            core, write = self._owners.popleft()
            out.answers[core] = (None if write else l2_answer[0], l2_answer[1])
            self._waiting[core] -= 1
        self._near(out, near)
        self._to_l2(out, requests, far, l2_ready)
        self._lanes_and_banks(out, near, lanes_ready, lane_answers)
        return out

    def _near(self, out: Outputs, near: list[tuple[int, Access]]) -> None:
        """Do accesses to registers, and to where nothing is."""
        control: dict[int, Access] = {}
        dma: dict[int, Access] = {}
        for core, request in near:
            region, page = request.address >> 28, request.address >> 12 & 0xFFFF
            if region == 3 and page == 0:
                control[core] = request
            elif region == 3 and page == 1:
                dma[core] = request
            elif region == 3 or request.address & 0x0FFFFFFF >= 4 * len(self.l1):
                self._answer(out, core, request, 0, error=True)
        if control:
            reads = {core: each.address & 0xFFC for core, each in control.items() if not each.write}
            granted = self.events.granted(reads)
            for core, request in control.items():
                if request.write or core in granted:
                    at = request.address & 0xFFC
                    self._answer(
                        out, core, request, self.events.access(core, at, request.write, request.data)
                    )
        if dma:
            core = min(dma, key=lambda each: (each - self._next_of_dma) % self.cores)
            self._next_of_dma = (core + 1) % self.cores
            request = dma[core]
            value = self.dma.access(request.address & 0xFFC, request.write, request.data)
            self._answer(out, core, request, value)

    def _answer(self, out: Outputs, core: int, request: Access, value: int, error: bool = False) -> None:
        out.granted.add(core)
        self._answers[core] = (None if request.write and not error else value, error)

    def _to_l2(self, out: Outputs, requests: Sequence[Access | None], far: list[int], l2_ready: bool) -> None:
        if not far:
            return
        if self._standing is None:
            self._standing = min(far, key=lambda each: (each - self._next_of_l2) % self.cores)
        core = self._standing
        request = requests[core]
        assert request is not None
        out.l2 = core, request
        if l2_ready:
            self._standing = None
            self._next_of_l2 = (core + 1) % self.cores
            self._owners.append((core, request.write))
            self._waiting[core] += 1
            out.granted.add(core)

    def _lanes_and_banks(
        self,
        out: Outputs,
        near: list[tuple[int, Access]],
        lanes_ready: Sequence[bool],
        lane_answers: Sequence[int | None],
    ) -> None:
        asked: dict[int, list[tuple[int, Access]]] = {}
        for core, request in near:
            if request.address >> 28 == 2 and request.address & 0x0FFFFFFF < 4 * len(self.l1):
                asked.setdefault(request.address // 4 % self.banks, []).append((core, request))
        lanes = self.dma.lanes
        for number, lane in enumerate(lanes):
            out.lanes.append(lane.l2)
            if (wanted := lane.l1) is not None:
                address, write, data = wanted
                place = asked.setdefault(address // 4 % self.banks, [])
                place.append((self.cores + number, Access(address, write, 15, data)))
        masters = self.cores + len(lanes)
        ended = [LaneEnd(l2_answer=answer) for answer in lane_answers]
        for bank, requests in asked.items():
            first = self._next_of_bank[bank]
            master, access = min(requests, key=lambda each: (each[0] - first) % masters)
            self._next_of_bank[bank] = (master + 1) % masters
            word = access.address // 4 % len(self.l1)
            read = self.l1[word]
            out.banks[bank] = BankAccess(word // self.banks, access, read)
            if access.write:
                self.l1[word] = merged(read, access)
            if master < self.cores:
                self._answer(out, master, access, read)
            else:
                ended[master - self.cores].grant(access.write)
                ended[master - self.cores].l1_word = read
        for what, wanted, ready in zip(ended, out.lanes, lanes_ready, strict=True):
            if wanted is not None and ready:
                what.grant(wanted[1])
        completed = self.dma.completed
        self.dma.end(ended, completed)
        self.events.end(completed)


def merged(word: int, access: Access) -> int:
    """Return a word of memory after a write."""
    mask = _MASKS[access.lanes]
    return word & ~mask | access.data & mask


_MASKS = [sum(0xFF << 8 * byte for byte in range(4) if lanes >> byte & 1) for lanes in range(16)]
