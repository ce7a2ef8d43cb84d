"""A host and the golden model for an array behind registers: it starts jobs, and does all that it may not.

The host makes accesses at any time of a job and goes through the golden model of the registers cycle by
cycle. Every word read, every response and the interrupt are compared with it; what the streams do is held
against the job that the model has.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tileloom.systolic.config import SystolicConfig
from tileloom_golden import registers as common
from tileloom_golden.systolic import registers as golden

from .register_jobs import Job, built, special
from .stream_bench import PATTERNS, MismatchError, Side, StreamSink, stalls

CHANNELS = ("aw", "w", "b", "ar", "r")
ADDRESSES = range(0, 0x80, 4)
EVENTS = common.DONE | common.FAULTY | common.REFUSED
WRITTEN = (golden.VECTORS, golden.TILES, golden.JOB)


@dataclass(frozen=True)
class Access:
    """A read, or with ``data`` a write; a ``prompt`` one waits for nothing."""

    address: int
    data: int | None = None
    strobe: int = 15
    prompt: bool = False


Script = Generator[Access | None, int, None]
"""Accesses one after the other, each of which gives the word that was read; None is a cycle without one."""


def model(config: SystolicConfig) -> golden.ArrayRegisters:
    """Return the golden model of an array's registers after reset."""
    return golden.ArrayRegisters(built(config), rows=config.rows, step_interval=config.step_interval)


class RegisterHost:
    """Drives AXI4-Lite: jobs one after the other; ``abandon_after`` says when to give up, if at all."""

    def __init__(
        self,
        dut: Any,
        config: SystolicConfig,
        registers: golden.ArrayRegisters,
        sides: Mapping[str, Side],
        jobs: Sequence[Job],
        rng: np.random.Generator,
        abandon_after: int | None,
    ) -> None:
        self.dut, self.config, self.model, self.sides, self.rng = dut, config, registers, sides, rng
        self.finished = False
        self._cycles, self._abandon_after = 0, abandon_after
        self._script = self._jobs(jobs)
        self._access: Access | None = None
        self._expected = (0, 0)  # word and response
        self._offered = dict.fromkeys(("aw", "w", "ar"), False)
        self._taken = dict(self._offered)
        self._held: dict[str, tuple[int, ...]] = {}
        self._stalls = {
            name: stalls(PATTERNS[int(rng.integers(3))], rng)  # the others take long
            for name in CHANNELS
        }
        self._next(0)

    def _pin(self, name: str) -> Any:
        return getattr(self.dut, f"s_axi_{name}")

    def _next(self, word: int) -> None:
        self._offered = dict.fromkeys(self._offered, False)
        self._taken = dict(self._offered)
        try:
            self._access = self._script.send(word) if self._cycles else next(self._script)
        except StopIteration:
            self._access, self.finished = None, True

    def drive(self) -> None:
        """Set the inputs of this cycle."""
        access, prompt = self._access, bool(self._access and self._access.prompt)
        used = () if access is None else ("ar",) if access.data is None else ("aw", "w")
        for name in self._offered:
            wanted = name in used and not self._taken[name]
            stalled = next(self._stalls[name]) and not prompt
            self._offered[name] = wanted and (self._offered[name] or not stalled)
            self._pin(f"{name}valid").value = int(self._offered[name])
        noise = int(self.rng.integers(1 << 32))
        for name in ("aw", "ar"):
            shown = access.address if access and self._offered[name] else noise & 127
            self._pin(f"{name}addr").value = shown
        write = access if access and self._offered["w"] else Access(0, noise, noise & 15)
        self._pin("wdata").value, self._pin("wstrb").value = write.data, write.strobe
        for name in ("b", "r"):
            self._pin(f"{name}ready").value = int(prompt or not next(self._stalls[name]))

    def sample(self) -> None:
        """Look at what the coming edge will do; the streams' sides have done so.

        Raises MismatchError where it is not what the golden model does.
        """
        pins = {
            f"{name}{role}": bool(int(self._pin(f"{name}{role}").value))
            for name in CHANNELS
            for role in ("valid", "ready")
        }
        if bool(int(self.dut.irq.value)) != self.model.irq:
            raise MismatchError(f"irq is {int(self.dut.irq.value)}")
        moves = {name: pins[f"{name}valid"] and pins[f"{name}ready"] for name in CHANNELS}
        access = self._access
        if moves["aw"] != moves["w"]:
            raise MismatchError("AW and W are not taken together")
        write = None
        if moves["aw"] and access and access.data is not None:
            write = access.address, access.data, access.strobe
        if moves["ar"] and access:
            self._expected = self.model.read(access.address)
        try:
            response = self.model.cycle(self._moved(), write)
        except ValueError as error:
            raise MismatchError(str(error)) from None
        if response is not None:
            self._expected = 0, response
        for name in ("aw", "w", "ar"):
            self._taken[name] |= moves[name]
        self._cycles += 1
        answer = self._answer("b", ("bresp",), pins) or self._answer("r", ("rdata", "rresp"), pins)
        if answer is not None:
            self._check(answer)
            self._next(answer[0])
        elif access is None and not self.finished:
            self._next(0)

    def _answer(self, name: str, fields: Sequence[str], pins: Mapping[str, bool]) -> tuple[int, int] | None:
        """Return word and response of B or R, if it is taken; check that it is held until then."""
        shown = tuple(int(self._pin(field).value) for field in fields) if pins[f"{name}valid"] else ()
        if self._held.get(name, shown) != shown:
            raise MismatchError(f"{name.upper()} changed before it was taken")
        self._held.pop(name, None)
        if not shown:
            return None
        if not pins[f"{name}ready"]:
            self._held[name] = shown
            return None
        return (0, *shown)[-2], shown[-1]

    def _check(self, answer: tuple[int, int]) -> None:
        if answer != self._expected:
            what = "nothing was asked"
            if self._access is not None:
                kind = "read" if self._access.data is None else "write"
                what = f"{kind} at {self._access.address:#04x}"
            (word, response), (right, answered) = answer, self._expected
            raise MismatchError(
                f"{what}: {word:#x}, response {response}; golden model {right:#x}, {answered}"
            )

    def _moved(self) -> golden.Moved:
        """Return what the streams do in this cycle."""
        config = self.config
        row, vector, psum, result = (
            self.sides[name].moved for name in ("weights", "activations", "psum_in", "results")
        )
        sink = self.sides["results"]
        assert isinstance(sink, StreamSink)
        return golden.Moved(
            row=row is not None,
            vector=vector is not None,
            psum=psum is not None,
            result=result is not None,
            waits=sink.waiting,
            last=vector is not None and bool(vector[1]),
            not_finite=vector is not None and special(vector[0], config.rows, config.activation),
            row_not_finite=row is not None and special(row[0], config.columns, config.weight),
            result_last=result is not None and bool(result[1]),
            infinite=result is not None and special(result[0], config.columns, config.accumulator),
        )

    def _jobs(self, jobs: Sequence[Job]) -> Script:
        """Do the jobs; between and in them accesses that change nothing of them."""
        rng = self.rng
        for job in jobs:
            yield from self._set_up(job)
            # A second start is there at once, so that it finds a job of some length busy.
            longer = job.vectors * len(job.tiles) >= 8
            for _ in range(1 + int(longer and rng.random() < 0.3)):
                yield Access(common.CONTROL, common.START | int(rng.integers(1 << 30)) << 2, prompt=True)
            while (yield Access(common.STATUS)):
                if self._abandon_after and self._cycles >= self._abandon_after:
                    if rng.random() < 0.5:
                        yield from self._wait_for_last()
                    yield from self._give_up()
                    return
                for _ in range(int(rng.integers(6))):
                    yield None
                yield from self._strange()
            yield Access(common.INTERRUPT_STATUS, EVENTS, int(rng.integers(16)))
        for address in ADDRESSES:
            yield Access(address)

    def _set_up(self, job: Job) -> Script:
        rng = self.rng
        if rng.random() < 0.3:  # a job of nothing is refused
            yield Access(rng.choice([golden.VECTORS, golden.TILES]).item(), 0)
            yield Access(common.CONTROL, common.START)
        for _ in range(int(rng.integers(3))):
            yield from self._strange()
        words = {
            golden.VECTORS: job.vectors,
            golden.TILES: len(job.tiles) | int(rng.integers(1 << 16)) << 16,
            golden.JOB: job.psum_in * golden.PSUM_IN | job.keep * golden.KEEP_WEIGHTS,
            common.INTERRUPT_ENABLE: int(rng.integers(8)),
        }
        for address in rng.permutation(list(words)).tolist():
            # In two writes: each has noise where it has no strobe.
            strobe, noise = int(rng.integers(16)), int(rng.integers(1 << 32))
            for bytes_ in (strobe, ~strobe & 15):
                mask = sum(0xFF << 8 * byte for byte in range(4) if bytes_ >> byte & 1)
                yield Access(address, words[address] & mask | noise & ~mask, bytes_)

    def _strange(self) -> Script:
        """Make an access that a driver would not make."""
        rng = self.rng
        address = int(rng.integers(128))
        if address & ~3 == common.CONTROL or rng.random() < 0.5:
            yield Access(address)
        else:
            if rng.random() < 0.5:
                address = int(rng.choice(WRITTEN))
            yield Access(address, int(rng.integers(1 << 32)), int(rng.integers(16)))

    def _wait_for_last(self) -> Script:
        """Wait until the job's last result is on offer, and waits; or was taken."""
        sink = self.sides["results"]
        assert isinstance(sink, StreamSink)
        while self.model.results_due > 1 or (self.model.results_due and not sink.waiting):
            yield None

    def _give_up(self) -> Script:
        for _ in range(int(self.rng.integers(1, 4))):
            start = int(self.rng.integers(2)) * common.START
            yield Access(common.CONTROL, common.SOFT_RESET | start, prompt=True)
        while (yield Access(common.STATUS)):
            pass
        for address in ADDRESSES:
            yield Access(address)
