"""Cores that play programs on the golden fabric, with an L2: every port in every cycle.

What comes of it, ``Trace``, is played on hardware: inputs set, outputs compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tileloom.cluster.config import ClusterConfig
from tileloom.errors import CheckError
from tileloom_golden.cluster.fabric import Access, Fabric, Outputs, merged

from .programs import WAIT, Kind, Step

INPUTS = (
    *("core_req", "core_addr", "core_we", "core_be", "core_wdata", "bank_rdata"),
    *("l2_gnt", "l2_rvalid", "l2_rdata", "l2_err", "dma_gnt", "dma_rvalid", "dma_rdata"),
)
OUTPUTS = (
    *("core_gnt", "core_rvalid", "core_rdata", "core_err"),
    *("bank_req", "bank_we", "bank_addr", "bank_be", "bank_wdata"),
    *("l2_req", "l2_addr", "l2_we", "l2_be", "l2_wdata", "dma_req", "dma_addr", "dma_we", "dma_wdata"),
)

LIMIT = 100_000
"""Cycles after which programs have come to a stand."""


@dataclass(frozen=True)
class Cycle:
    """Of one cycle, in the order of INPUTS and OUTPUTS: what to set, to expect, and which bits count."""

    inputs: Sequence[int]
    expected: Sequence[int]
    masks: Sequence[int]


class _Core:
    """Plays a program; up to ``most`` accesses are on their way."""

    def __init__(self, steps: Sequence[Step], most: int) -> None:
        self.steps, self.most = deque(steps), most
        self.idle = steps[0].idle if steps else 0
        self.waiting = 0
        self.number = 0
        self.asking: Access | None = None
        self.looking: Kind | None = None
        self.waits = False

    @property
    def done(self) -> bool:
        return not self.steps and not self.waiting

    def request(self) -> Access | None:
        """Return what it asks for in this cycle."""
        if self.asking is None and self.steps:
            step = self.steps[0]
            loop = step.kind is not Kind.ACCESS
            if self.idle > 0:
                self.idle -= 1
            elif self.waiting < self.most and not (self.waiting and loop):
                self.asking = Access(WAIT) if loop and self.waits else step.access
        return self.asking

    def granted(self) -> None:
        """Go on, as what it asks for is taken."""
        kind = self.steps[0].kind
        self.asking = None
        self.waiting += 1
        if kind is Kind.ACCESS:
            self._next()
        else:
            self.looking = kind

    def answered(self, data: int | None) -> None:
        """Take an answer; a loop ends with the right one."""
        self.waiting -= 1
        kind, self.looking = self.looking, None
        if kind is None:
            return
        assert data is not None
        if kind is Kind.CLAIM:
            self.number = data & 0xFFFF
            over = data != 0
        else:
            over = not self.waits and (data - self.number) & 0xFFFF < 0x8000
            self.waits = not self.waits and not over
        if over:
            self._next()

    def _next(self) -> None:
        self.steps.popleft()
        if self.steps:
            self.idle = self.steps[0].idle


class _L2Port:
    """One port of L2: answers in order, after ``latency`` cycles and up to ``extra`` more."""

    def __init__(self, words: dict[int, int], random: Random, latency: int) -> None:
        self.words, self.random, self.latency = words, random, latency
        self.willing, self.extra = random.choice((1.0, 1.0, 0.5, 0.1)), random.choice((0, 0, 3, 20))
        self.answers: deque[tuple[int, int, bool]] = deque()

    def ready(self) -> bool:
        return self.willing == 1.0 or self.random.random() < self.willing

    def take(self, cycle: int, access: Access, error: bool) -> None:
        at = access.address & ~3
        word = self.words.get(at, at * 0x9E3779B1 >> 5 & 0xFFFFFFFF)
        if access.write:
            self.words[at] = merged(word, access)
        due = cycle + self.latency + (self.random.randint(0, self.extra) if self.extra else 0)
        if self.answers:
            due = max(due, self.answers[-1][0] + 1)
        self.answers.append((due, word, error))

    def answer(self, cycle: int) -> tuple[int, bool] | None:
        if not self.answers or self.answers[0][0] != cycle:
            return None
        _, word, error = self.answers.popleft()
        return word, error


def play(
    config: ClusterConfig, programs: Iterable[Sequence[Sequence[Step]]], random: Random
) -> Iterator[Cycle]:
    """Return the cycles of programs, each a sequence of steps for each core, one after the other.

    The second begins when all cores are done with the first, in the same fabric and L2. Raises CheckError
    where a program does not end within LIMIT cycles.
    """
    fabric = Fabric(
        cores=config.cores,
        banks=config.banks,
        l1_bytes=config.l1_bytes,
        lanes=config.dma_lanes,
        lane_words=config.lane_words,
    )
    words: dict[int, int] = {}
    ports = [
        _L2Port(words, random, random.choice((1, config.l2_latency))) for _ in range(1 + config.dma_lanes)
    ]
    cycle, bank_rdata = 0, 0
    for program in programs:
        cores = [_Core(steps, random.randint(1, 3)) for steps in program]
        began = cycle
        while not all(core.done for core in cores):
            if cycle - began > LIMIT:
                raise CheckError(f"a program of {config.cores} cores stands still after {LIMIT} cycles")
            requests = [core.request() for core in cores]
            ready = [port.ready() for port in ports]
            answers = [port.answer(cycle) for port in ports]
            out = fabric.step(
                requests,
                l2_ready=ready[0],
                l2_answer=answers[0],
                lanes_ready=ready[1:],
                lane_answers=[None if answer is None else answer[0] for answer in answers[1:]],
            )
            yield Cycle(_inputs(requests, ready, answers, bank_rdata, random), *_expected(out, config))
            bank_rdata = 0
            for bank, access in out.banks.items():
                bank_rdata |= access.read << 32 * bank
            for core in out.granted:
                cores[core].granted()
            for core, (data, _) in out.answers.items():
                cores[core].answered(data)
            if out.l2 is not None and ready[0]:
                ports[0].take(cycle, out.l2[1], random.random() < 0.1)
            for port, wanted, taken in zip(ports[1:], out.lanes, ready[1:], strict=True):
                if wanted is not None and taken:
                    port.take(cycle, Access(wanted[0], wanted[1], 15, wanted[2]), False)
            cycle += 1


def _inputs(
    requests: Sequence[Access | None],
    ready: Sequence[bool],
    answers: Sequence[tuple[int, bool] | None],
    bank_rdata: int,
    random: Random,
) -> list[int]:
    """Return what to set; where nothing is asked or answered there is anything."""
    req = addr = we = be = wdata = 0
    for core, request in enumerate(requests):
        if request is not None:
            req |= 1 << core
            addr |= request.address << 32 * core
            we |= request.write << core
            be |= request.lanes << 4 * core
            wdata |= request.data << 32 * core
        else:
            addr |= 0x20000000 << 32 * core
            we |= (core & 1) << core
    l2, *lanes = answers
    rvalid = rdata = gnt = 0
    for lane, answer in enumerate(lanes):
        gnt |= ready[1 + lane] << lane
        if answer is not None:
            rvalid |= 1 << lane
            rdata |= answer[0] << 32 * lane
        else:
            rdata |= 0xDEADBEEF << 32 * lane
    l2_data, l2_error = (0xDEADBEEF, True) if l2 is None else l2
    l2_valid = int(l2 is not None)
    return [
        *(req, addr, we, be, wdata, bank_rdata),
        *(ready[0], l2_valid, l2_data, l2_error, gnt, rvalid, rdata),
    ]


def _expected(out: Outputs, config: ClusterConfig) -> tuple[list[int], list[int]]:
    """Return what to expect of each output, and which bits of it count."""
    cores, banks = (1 << config.cores) - 1, (1 << config.banks) - 1
    gnt = rvalid = rdata = rdata_bits = err = 0
    for core in out.granted:
        gnt |= 1 << core
    for core, (data, error) in out.answers.items():
        rvalid |= 1 << core
        err |= error << core
        if data is not None:
            rdata |= data << 32 * core
            rdata_bits |= 0xFFFFFFFF << 32 * core
    row_bits = (config.bank_words - 1).bit_length()
    req = we = addr = addr_bits = be = be_bits = wdata = wdata_bits = 0
    for bank, each in out.banks.items():
        access = each.access
        req |= 1 << bank
        we |= access.write << bank
        addr |= each.row << row_bits * bank
        addr_bits |= (1 << row_bits) - 1 << row_bits * bank
        if access.write:
            be |= access.lanes << 4 * bank
            be_bits |= 15 << 4 * bank
            wdata |= access.data << 32 * bank
            wdata_bits |= 0xFFFFFFFF << 32 * bank
    expected = [gnt, rvalid, rdata, err, req, we, addr, be, wdata]
    masks = [cores, cores, rdata_bits, rvalid, banks, req, addr_bits, be_bits, wdata_bits]
    if out.l2 is None:
        expected += [0, 0, 0, 0, 0]
        masks += [1, 0, 0, 0, 0]
    else:
        access = out.l2[1]
        expected += [1, access.address, access.write, access.lanes, access.data]
        masks += [1, 0xFFFFFFFC, 1, 15 * access.write, 0xFFFFFFFF * access.write]
    req = addr = addr_bits = we = wdata = wdata_bits = 0
    for lane, wanted in enumerate(out.lanes):
        if wanted is None:
            continue
        address, write, data = wanted
        req |= 1 << lane
        addr |= address << 32 * lane
        addr_bits |= 0xFFFFFFFF << 32 * lane
        we |= write << lane
        if write:
            wdata |= data << 32 * lane
            wdata_bits |= 0xFFFFFFFF << 32 * lane
    expected += [req, addr, we, wdata]
    masks += [(1 << config.dma_lanes) - 1, addr_bits, req, wdata_bits]
    return expected, masks
