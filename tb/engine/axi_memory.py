"""An AXI4 memory in Amaranth's simulator: random waits, errors where asked for, and the protocol checked."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.sim import SimulatorContext

from support.streams import Bench

SLVERR, DECERR = 2, 3
PATIENCE = 400
"""Cycles for which a late answer waits for its worst moment."""


@dataclass(frozen=True)
class Fault:
    """Bytes that answer with an error.

    Attributes
    ----------
    where:
        Their addresses.
    response:
        The error.
    garbage:
        What a beat that is read has instead of what is there: "ones", or "random" bits.
    ends:
        The program ends with it: after a beat of these bytes was read, nothing more may be written.
    late:
        The answer waits for a bad moment, for ``PATIENCE`` cycles at most.
    after:
        Beats of these bytes that are read well before.
    """

    where: range
    response: int = SLVERR
    garbage: str = "random"
    ends: bool = False
    late: bool = False
    after: int = 0


class AxiMemory:
    """Answers one master.

    Attributes
    ----------
    data:
        The bytes, from address 0.
    reads, writes:
        Bursts (address, beats) in order.
    under_way:
        Bursts that were asked for and are not answered.
    ended:
        A beat was read of a fault that ends the program.
    faults:
        May be changed between programs, and ``ended`` taken back.
    slow_answers:
        Cycles before each response to a write.
    errors:
        Those that the master took, in order: whether on B, the response, an address in the burst.
    blank:
        Beats that were written without strobes.
    """

    def __init__(
        self,
        data: bytearray,
        width: int,
        rng: np.random.Generator,
        idle: float,
        *,
        faults: Sequence[Fault] = (),
        slow_answers: int = 0,
    ) -> None:
        self.data = data
        self.width = width  # bytes
        self.rng = rng
        self.idle = idle
        self.faults = faults
        self.slow_answers = slow_answers
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []
        self.under_way = 0
        self.ended = False
        self.errors: list[tuple[bool, int, int]] = []
        self.blank = 0
        self._to_write = 0
        self._answering = False
        self._values: dict[int, Any] = {}
        self._failing: Fault | None = None
        self._passed: Counter[Fault] = Counter()

    def _stalls(self) -> bool:
        return self.rng.random() < self.idle

    def _burst(self, payload: Any) -> tuple[int, int]:
        address, beats = payload.addr, payload.len + 1
        assert address % self.width == 0
        assert address // 4096 == (address + beats * self.width - 1) // 4096, "burst crosses 4 KiB"
        assert address >= 0 and address + beats * self.width <= len(self.data), "burst outside the memory"
        return address, beats

    def _fault(self, address: int) -> Fault | None:
        """Return what is wrong with the beat at an address."""
        beat = range(address, address + self.width)
        hit = (fault for fault in self.faults if fault.where.start in beat or address in fault.where)
        return next(hit, None)

    def _set(self, ctx: SimulatorContext, signal: Any, value: Any) -> None:
        """Set a signal if it has another value: every setting has the whole design evaluated."""
        key = id(signal)
        if self._values.get(key) != value:
            self._values[key] = value
            ctx.set(signal, value)

    async def _accept(self, ctx: SimulatorContext, port: Any) -> Any:
        """Return the payload of the next transfer; ``ready`` stays as it is."""
        while True:
            self._set(ctx, port.ready, int(not self._stalls()))
            _, _, valid, ready, payload = await ctx.tick().sample(port.valid, port.ready, port.payload)
            if valid and ready:
                return payload

    async def _send(self, ctx: SimulatorContext, port: Any, payload: Any) -> None:
        """Offer a payload until it is taken; ``valid`` stays high."""
        while self._stalls():
            await self._pause(ctx, port.valid)
        self._set(ctx, port.valid, 1)
        self._set(ctx, port.payload, payload)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(port.ready)

    async def _pause(self, ctx: SimulatorContext, signal: Any) -> None:
        """Let a cycle pass with a channel's ``valid`` or ``ready`` low."""
        self._set(ctx, signal, 0)
        await ctx.tick()

    async def _read(self, ctx: SimulatorContext, dut: Any, address: int, last: bool) -> None:
        """Answer with a beat."""
        word = int.from_bytes(self.data[address : address + self.width], "little")
        fault = self._fault(address)
        if fault and self._passed[fault] < fault.after:
            self._passed[fault] += 1
            fault = None
        if fault:
            ones = (1 << 8 * self.width) - 1
            noise = int.from_bytes(self.rng.bytes(self.width), "little")
            word = ones if fault.garbage == "ones" else noise
            if fault.late:
                await self._wait(ctx, dut.r.valid)
            self._failing = fault
        response = fault.response if fault else 0
        await self._send(ctx, dut.r, {"data": word, "resp": response, "last": last})

    async def _wait(self, ctx: SimulatorContext, valid: Any) -> None:
        """Wait for a bad moment: bursts are open, of which data is to come, or one of them is being answered.

        An answer makes room for the next burst, which must not be begun any more.
        """
        answering = self.rng.random() < 0.7
        for _ in range(PATIENCE):
            if self._answering if answering else self._to_write:
                break
            await self._pause(ctx, valid)
        for _ in range(int(self.rng.integers(2 if answering else 4))):
            await self._pause(ctx, valid)

    def benches(self, dut: Any) -> list[Bench]:
        """Return what serves the master's channels."""
        written: deque[tuple[int, int]] = deque()
        wanted: deque[tuple[int, int]] = deque()
        answers: deque[int] = deque()

        def addresses(port: Any, log: list[tuple[int, int]], bursts: deque[tuple[int, int]]) -> Bench:
            async def bench(ctx: SimulatorContext) -> None:
                while True:
                    burst = self._burst(await self._accept(ctx, port))
                    log.append(burst)
                    bursts.append(burst)
                    self.under_way += 1
                    self._to_write += log is self.writes

            return bench

        async def r(ctx: SimulatorContext) -> None:
            while True:
                if not wanted:
                    await self._pause(ctx, dut.r.valid)
                    continue
                address, beats = wanted.popleft()
                for beat in range(beats):
                    await self._read(ctx, dut, address + beat * self.width, beat == beats - 1)
                self.under_way -= 1

        async def w(ctx: SimulatorContext) -> None:
            while True:
                if not written:
                    await self._pause(ctx, dut.w.ready)
                    continue
                address, beats = written.popleft()
                response = 0
                for beat in range(beats):
                    payload = await self._accept(ctx, dut.w)
                    self.blank += not payload.strb
                    assert payload.last == (beat == beats - 1), "last at the wrong place"
                    at = address + beat * self.width
                    fault = self._fault(at)
                    if fault:
                        response = fault.response
                    for byte in range(self.width):
                        if payload.strb >> byte & 1:
                            self.data[at + byte] = payload.data >> 8 * byte & 255
                self._to_write -= 1
                answers.append(response)

        async def b(ctx: SimulatorContext) -> None:
            while True:
                if not answers:
                    await self._pause(ctx, dut.b.valid)
                    continue
                for _ in range(self.slow_answers):
                    await self._pause(ctx, dut.b.valid)
                self._answering = self._to_write > 1
                await self._send(ctx, dut.b, answers.popleft())
                self._answering = False
                self.under_way -= 1

        return [
            addresses(dut.ar, self.reads, wanted),
            addresses(dut.aw, self.writes, written),
            r,
            w,
            b,
            *(self._watch(port) for port in (dut.ar, dut.aw, dut.w)),
            self._watch_end(dut),
        ]

    def _watch(self, port: Any) -> Bench:
        async def bench(ctx: SimulatorContext) -> None:
            held = None
            async for _, _, valid, ready, payload in ctx.tick().sample(port.valid, port.ready, port.payload):
                assert held is None or (valid and payload == held), "an offer was not held"
                held = payload if valid and not ready else None

        return bench

    def _watch_end(self, dut: Any) -> Bench:
        """Note errors as they are taken. Once one ends the program, nothing new is to be offered to write."""

        async def bench(ctx: SimulatorContext) -> None:
            ports = (dut.r, dut.aw, dut.w, dut.b)
            signals = [signal for port in ports for signal in (port.valid, port.ready, port.payload)]
            aw_held = w_held = False
            answered = 0
            async for _, _, *values in ctx.tick().sample(*signals):
                r, aw, w, b = (values[3 * index : 3 * index + 3] for index in range(4))
                if self.ended:
                    assert not aw[0] or aw_held, "a burst after the end"
                    assert not w[0] or w_held or not w[2].strb, "data after the end"
                aw_held, w_held = aw[0] and not aw[1], w[0] and not w[1]
                if r[0] and r[1] and r[2].resp and self._failing:
                    self.errors.append((False, r[2].resp, self._failing.where.start))
                    self.ended |= self._failing.ends
                if b[0] and b[1]:
                    if b[2]:
                        self.errors.append((True, b[2], self.writes[answered][0]))
                    answered += 1

        return bench
