"""Random programs for the cores of a cluster: accesses, DMA transfers, events and barriers.

They conflict as much as can be: cores meet in few words of few banks. All of them end if nothing is lost:
cores go through the same barriers in the same order, each claim of the DMA engine is given up again, and
whoever waits for an event has it coming.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tileloom.cluster.config import ClusterConfig
from tileloom_golden.cluster.fabric import Access

L1, EVENTS, DMA = 0x20000000, 0x30000000, 0x30001000
MASK, CLEAR, WAIT, TRIGGER, BARRIER_MASK, BARRIER = (
    EVENTS + at for at in (0x08, 0x0C, 0x10, 0x14, 0x20, 0x30)
)
CLAIM, FIELDS, START, DONE = DMA, range(DMA + 0x04, DMA + 0x1C, 4), DMA + 0x1C, DMA + 0x20


class Kind(enum.Enum):
    """Of a step: an access; CLAIM read until it is not 0; DONE and WAIT until what was claimed is done."""

    ACCESS = enum.auto()
    CLAIM = enum.auto()
    FINISH = enum.auto()


@dataclass(frozen=True)
class Step:
    """A step of a core, begun ``idle`` cycles after the one before it was granted."""

    access: Access
    kind: Kind = Kind.ACCESS
    idle: int = 0


def draw(random: Random, config: ClusterConfig) -> list[list[Step]]:
    """Return a random program for each core."""
    return _Draw(random, config).programs()


class _Draw:
    def __init__(self, random: Random, config: ClusterConfig) -> None:
        self.random, self.config = random, config
        self.everyone = (1 << config.cores) - 1
        self.group = random.getrandbits(config.cores)
        bank = 4 * random.randrange(config.banks)
        stride = 4 * config.banks
        self.hot = [L1 + (bank + stride * random.randrange(64)) % config.l1_bytes for _ in range(3)]
        self.hurry = random.random()

    def programs(self) -> list[list[Step]]:
        programs = []
        phases = [self.random.random() < 0.5 for _ in range(self.random.randint(1, 2))]
        for core in range(self.config.cores):
            steps = []
            if core == 0:
                for b, mask in ((1, self.group), (2, self.everyone & ~self.group)):
                    steps.append(self._step(Access(BARRIER_MASK + 4 * b, True, 15, mask)))
            steps.append(self._step(Access(BARRIER)))
            own = 1 if self.group >> core & 1 else 2
            for grouped in phases:
                steps += self._phase(core)
                if grouped:
                    steps.append(self._step(Access(BARRIER + 4 * own)))
                    steps += self._phase(core)
                if self.random.random() < 0.1:  # of another group: it does not wait
                    steps.append(self._step(Access(BARRIER + 4 * (3 - own))))
                steps.append(self._step(Access(BARRIER)))
            programs.append(steps)
        return programs

    def _phase(self, core: int) -> Iterator[Step]:
        for _ in range(self.random.randint(0, 4)):
            yield self._step(self._access())
        if self.random.random() < 0.25:
            yield from self._transfer()
        if self.random.random() < 0.15:
            yield self._step(Access(MASK, True, 15, self.random.choice((1, 3))))
        if self.random.random() < 0.15:
            yield self._step(Access(MASK, True, 15, 3))
            yield self._step(
                Access(TRIGGER, True, 15, 1 << core | self.random.getrandbits(self.config.cores))
            )
            yield self._step(Access(WAIT))

    def _step(self, access: Access, kind: Kind = Kind.ACCESS) -> Step:
        idle = 0 if self.random.random() < self.hurry else self.random.randint(0, 5)
        return Step(access, kind, idle)

    def _access(self) -> Access:
        random = self.random
        place = random.random()
        write, lanes, data = random.random() < 0.5, random.randrange(16), random.getrandbits(32)
        if place < 0.5:
            return Access(random.choice(self.hot), write, lanes, data)
        if place < 0.7:
            return Access(L1 + random.randrange(self.config.l1_bytes), write, lanes, data)
        if place < 0.9:
            regions = [region for region in range(16) if region not in (2, 3)]
            return Access(random.choice(regions) << 28 | random.getrandbits(5), write, lanes, data)
        if place < 0.95:
            return Access(random.choice((DMA, EVENTS)) + 4 * random.choice((1, 2, 3, 8, 9, 64)))
        if place < 0.97:
            return Access(CLEAR, True, lanes, data)
        beyond = random.choice((L1 + self.config.l1_bytes, 0x2FFFFFFC, 0x30002000, 0x3FFFFFFC))
        return Access(beyond, write, lanes, data)

    def _transfer(self) -> Iterator[Step]:
        """Yield a transfer from the claim to its end, or only to its start."""
        random = self.random
        at = random.choice(self.hot) if random.random() < 0.5 else random.getrandbits(32)
        fields = (
            random.getrandbits(32),
            at,
            random.randint(0, 40),
            random.choice((0, 1, 1, 2, 3, 5)),
            random.choice((random.getrandbits(32), 4 * random.randint(0, 12))),
            random.choice((random.getrandbits(20), 4 * random.randint(0, 12))),
        )
        yield self._step(Access(CLAIM), Kind.CLAIM)
        order = list(zip(FIELDS, fields, strict=True))
        random.shuffle(order)
        for register, value in order:
            yield self._step(Access(register, True, 15, value))
            if random.random() < 0.1:
                yield self._step(self._access())
        yield self._step(Access(START, True, 15, random.getrandbits(32)))
        for _ in range(random.randint(0, 2)):
            yield self._step(self._access())
        if random.random() < 0.7:
            yield self._step(Access(DONE), Kind.FINISH)
