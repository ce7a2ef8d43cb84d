"""The golden fabric by itself: what docs/cluster.md says of cycles and of memory."""

from collections.abc import Iterator

import numpy as np
import pytest

from tileloom_golden.cluster.fabric import Access, Fabric, Outputs

L1, L2 = 0x20000000, 0x80000000
BARRIER, BARRIER_MASK, TRIGGER, WAIT, EVENTS = (0x30000000 + at for at in (0x30, 0x20, 0x14, 0x10, 0x0C))
CLAIM, FIELDS, START, DONE = 0x30001000, range(0x30001004, 0x3000101C, 4), 0x3000101C, 0x30001020


class Cluster:
    """A fabric with an L2 of so many cycles."""

    def __init__(self, *, cores: int = 2, lanes: int = 2, latency: int = 5) -> None:
        self.fabric = Fabric(cores=cores, banks=4, l1_bytes=4096, lanes=lanes, lane_words=latency + 2)
        self.latency, self.lanes, self.cores, self.cycle = latency, lanes, cores, 0
        self.words: dict[int, int] = {}
        self.due: list[dict[int, int]] = [{} for _ in range(1 + lanes)]
        self.said = Outputs()

    def step(self, *requests: Access | None) -> Outputs:
        """Do a cycle with requests of the first cores, and L2's part of it."""
        answers = [due.get(self.cycle) for due in self.due]
        out = self.fabric.step(
            [*requests, *[None] * (self.cores - len(requests))],
            l2_ready=True,
            l2_answer=None if answers[0] is None else (answers[0], False),
            lanes_ready=[True] * self.lanes,
            lane_answers=answers[1:],
        )
        asked = [
            None if out.l2 is None else out.l2[1],
            *(w and Access(w[0], w[1], 15, w[2]) for w in out.lanes),
        ]
        for due, access in zip(self.due, asked, strict=True):
            if access is not None:
                due[self.cycle + self.latency] = self.words.get(access.address, 0)
                if access.write:
                    self.words[access.address] = access.data
        self.cycle += 1
        return out

    def access(self, access: Access, core: int = 0) -> int:
        """Do an access of one core alone; return what it reads."""
        requests = [access if each == core else None for each in range(self.cores)]
        while core not in self.step(*requests).granted:
            pass
        while core not in (out := self.step()).answers:
            pass
        return out.answers[core][0] or 0

    def transfer(self, *fields: int, to_l2: bool) -> int:
        """Run a transfer to its end; return the cycles from its grant to its end by the page's account."""
        number = self.access(Access(CLAIM)) & 0xFFFF
        for register, value in zip(FIELDS, fields, strict=True):
            self.access(Access(register, True, 15, value))
        assert self.step(Access(START, True, 15, to_l2)).granted == {0}
        began = self.cycle
        while not self.fabric.dma.completed:
            self.step()
        took = self.cycle - began
        self.step()
        assert self.access(Access(DONE)) == number
        return took


def addresses(first: int, stride: int, words: int, rows: int) -> Iterator[int]:
    for row in range(rows):
        yield from range(first + row * stride, first + row * stride + 4 * words, 4)


@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize(("words", "rows"), [(8, 1), (5, 3), (1, 7), (0, 3), (3, 0), (16, 4)])
def test_a_transfer_there_and_back(words: int, rows: int, lanes: int) -> None:
    cluster = Cluster(lanes=lanes)
    rng = np.random.default_rng(words)
    there = list(addresses(L2, 0x100, words, rows))
    cluster.words = {at: int(rng.integers(1 << 32)) for at in there}
    took = cluster.transfer(L2, L1 + 0x40, 4 * words, rows, 0x100, 4 * words + 8, to_l2=False)
    l1 = [at // 4 for at in addresses(0x40, 4 * words + 8, words, rows)]
    assert [cluster.fabric.l1[at] for at in l1] == [cluster.words[at] for at in there]
    assert sum(map(bool, cluster.fabric.l1)) == len(l1)
    steps = rows * -(-words // lanes)
    if steps and (words == 1 or words % lanes == 0):  # else lanes meet in a bank
        # From START: a cycle to the queue, one to the lanes; then words, latency, and one to the end.
        assert took == 1 + steps + cluster.latency + 1
    back = L2 + 0x10000
    cluster.transfer(back, 0x40, 4 * words, rows, 4 * words, 4 * words + 8, to_l2=True)
    assert [cluster.words[at] for at in addresses(back, 4 * words, words, rows)] == [
        cluster.words[at] for at in there
    ]


def test_transfers_in_a_queue_take_what_the_page_says() -> None:
    """With the lanes' queues full of what is on its way, L2's latency is paid once for each transfer."""
    cluster = Cluster()
    beginnings = []
    for number in range(3):
        assert cluster.access(Access(CLAIM)) == 1 << 31 | number + 1
        for register, value in zip(FIELDS, (L2, L1, 160, 3, 160, 160), strict=True):
            cluster.access(Access(register, True, 15, value))
        cluster.access(Access(START, True))
    busy = True  # the first one has begun before
    while cluster.fabric.dma.done < 3:
        reads = bool(cluster.fabric.dma.lanes[0].sources)
        if reads and not busy:
            beginnings.append(cluster.cycle)
        busy = reads
        cluster.step()
    assert np.diff(beginnings).tolist() == [3 * 20 + 5 + 3]


def test_masters_of_a_bank_take_turns() -> None:
    cluster = Cluster()
    both = Access(L1), Access(L1 + 16)
    assert [cluster.step(*both).granted for _ in range(4)] == [{0}, {1}, {0}, {1}]
    assert cluster.step(Access(L1), Access(L1 + 4)).granted == {0, 1}


def test_a_barrier_lets_all_go_in_the_cycle_of_the_last() -> None:
    cluster = Cluster(cores=3)
    cluster.access(Access(BARRIER_MASK, True, 15, 0b101))
    ask = Access(BARRIER)
    assert cluster.step(ask).granted == set()
    assert cluster.step(ask, ask).granted == {1}  # it is not of the mask
    out = cluster.step(ask, None, ask)
    assert out.granted == {0, 2}
    assert out.answers == {1: (0, False)}
    assert cluster.step().answers == {0: (1, False), 2: (1, False)}


def test_an_event_that_came_before_is_not_missed() -> None:
    cluster = Cluster()
    cluster.access(Access(TRIGGER, True, 15, 0b10), core=0)
    assert cluster.access(Access(WAIT), core=1) == 2
    assert cluster.step(None, Access(WAIT)).granted == set()
    assert cluster.step(Access(TRIGGER, True, 15, 0b10), Access(WAIT)).granted == {0}
    assert cluster.step(None, Access(WAIT)).granted == {1}


def test_answers_of_l2_come_before_those_of_l1() -> None:
    cluster = Cluster()
    assert cluster.step(Access(L2)).granted == {0}
    assert cluster.step(Access(L2 + 4)).granted == {0}
    assert cluster.step(Access(L2 + 8)).granted == set()
    waited = 0
    while not cluster.step(Access(L1)).granted:
        waited += 1
    assert waited == 4  # the second answer comes in the fourth of them


def test_where_nothing_is_an_error_answers() -> None:
    cluster = Cluster()
    for address in (L1 + 4096, 0x30002000, 0x2FFFFFFC):
        assert cluster.step(Access(address)).granted == {0}
        assert cluster.step().answers == {0: (0, True)}
