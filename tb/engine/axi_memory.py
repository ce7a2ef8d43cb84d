"""An AXI4 memory in Amaranth's simulator: random waits, errors where asked for, and the protocol checked."""

from collections import deque
from typing import Any

import numpy as np
from amaranth.sim import SimulatorContext

from support.streams import Bench


class AxiMemory:
    """Answers one master.

    Attributes
    ----------
    data:
        The bytes, from address 0.
    reads, writes:
        Bursts (address, beats) in order.
    """

    def __init__(
        self, data: bytearray, width: int, rng: np.random.Generator, idle: float, *, bad: range = range(0)
    ) -> None:
        self.data = data
        self.width = width  # bytes
        self.rng = rng
        self.idle = idle
        self.bad = bad
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []

    def _stalls(self) -> bool:
        return self.rng.random() < self.idle

    def _burst(self, payload: Any) -> tuple[int, int]:
        address, beats = payload.addr, payload.len + 1
        assert address % self.width == 0
        assert address // 4096 == (address + beats * self.width - 1) // 4096, "burst crosses 4 KiB"
        assert address >= 0 and address + beats * self.width <= len(self.data), "burst outside the memory"
        return address, beats

    def _response(self, address: int) -> int:
        return 2 if address in self.bad else 0

    async def _accept(self, ctx: SimulatorContext, port: Any) -> Any:
        """Return the payload of the next transfer; an offer must be held."""
        held = None
        while True:
            ctx.set(port.ready, not self._stalls())
            _, _, valid, ready, payload = await ctx.tick().sample(port.valid, port.ready, port.payload)
            assert held is None or (valid and payload == held), "an offer was not held"
            if valid and ready:
                ctx.set(port.ready, 0)
                return payload
            held = payload if valid else None

    async def _send(self, ctx: SimulatorContext, port: Any, payload: Any) -> None:
        while self._stalls():
            await ctx.tick()
        ctx.set(port.valid, 1)
        ctx.set(port.payload, payload)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(port.ready)
        ctx.set(port.valid, 0)

    def benches(self, dut: Any) -> list[Bench]:
        """Return what serves the master's channels."""
        wanted: deque[tuple[int, int]] = deque()
        written: deque[tuple[int, int]] = deque()
        answers: deque[int] = deque()

        async def ar(ctx: SimulatorContext) -> None:
            while True:
                burst = self._burst(await self._accept(ctx, dut.ar))
                self.reads.append(burst)
                wanted.append(burst)

        async def r(ctx: SimulatorContext) -> None:
            while True:
                if not wanted:
                    await ctx.tick()
                    continue
                address, beats = wanted.popleft()
                for beat in range(beats):
                    at = address + beat * self.width
                    word = int.from_bytes(self.data[at : at + self.width], "little")
                    payload = {"data": word, "resp": self._response(at), "last": beat == beats - 1}
                    await self._send(ctx, dut.r, payload)

        async def aw(ctx: SimulatorContext) -> None:
            while True:
                burst = self._burst(await self._accept(ctx, dut.aw))
                self.writes.append(burst)
                written.append(burst)

        async def w(ctx: SimulatorContext) -> None:
            while True:
                if not written:
                    await ctx.tick()
                    continue
                address, beats = written.popleft()
                response = 0
                for beat in range(beats):
                    payload = await self._accept(ctx, dut.w)
                    assert payload.last == (beat == beats - 1), "last at the wrong place"
                    at = address + beat * self.width
                    response |= self._response(at)
                    for byte in range(self.width):
                        if payload.strb >> byte & 1:
                            self.data[at + byte] = payload.data >> 8 * byte & 255
                answers.append(response)

        async def b(ctx: SimulatorContext) -> None:
            while True:
                if answers:
                    await self._send(ctx, dut.b, answers.popleft())
                else:
                    await ctx.tick()

        return [ar, r, aw, w, b]
