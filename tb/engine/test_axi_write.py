"""The AXI4 engine's write client alone: stopped in every cycle of a job, and then given another."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from support.streams import simulate
from tileloom.engine.axi import write
from tileloom.engine.axi.signals import result_job
from tileloom.engine.config import EngineConfig, EnginePort

UNIT = 4
"""Bytes of a unit; a beat has two."""

CONFIG = EngineConfig(m=2, k=4, n=4, bus=64, port=EnginePort.AXI4)


class Slave:
    """Serves the three channels cycle by cycle, and holds the client to the protocol."""

    def __init__(self, dut: write.WriteClient, rng: np.random.Generator, idle: float) -> None:
        self.dut, self.rng, self.idle = dut, rng, idle
        self.memory: dict[int, int] = {}
        self.bursts: list[tuple[int, int]] = []
        self.written = self.answered = self.beats = self.units = 0
        self.stopped = False
        self.held = {"aw": None, "w": None}

    async def cycle(self, ctx: SimulatorContext, stop: bool) -> bool:
        """Let a cycle pass; return whether the client was idle in it."""
        dut = self.dut
        aw_ready, w_ready, unit, answer = (self.rng.random(4) >= self.idle).tolist()
        answer = answer and self.answered < self.written
        ctx.set(dut.stop, stop)
        ctx.set(dut.aw.ready, aw_ready)
        # Data is taken only for bursts that are known.
        w_ready = w_ready and self.written < len(self.bursts)
        ctx.set(dut.w.ready, w_ready)
        ctx.set(dut.units.valid, unit)
        ctx.set(dut.units.payload, self.units)
        ctx.set(dut.b.valid, answer)
        _, _, aw, burst, w, beat, b_ready, units_ready, idle = await ctx.tick().sample(
            dut.aw.valid,
            dut.aw.payload,
            dut.w.valid,
            dut.w.payload,
            dut.b.ready,
            dut.units.ready,
            dut.idle,
        )
        for name, valid, payload in (("aw", aw, burst), ("w", w, beat)):
            held = self.held[name]
            assert held is None or (valid and payload == held), "an offer was not held"
            assert not self.stopped or held is not None or not valid or name == "w", "a burst after the end"
        assert not self.stopped or self.held["w"] is not None or not w or not beat.strb, "data after the end"
        if w and w_ready:
            address, beats = self.bursts[self.written]
            assert beat.last == (self.beats == beats - 1)
            for byte in range(8):
                if beat.strb >> byte & 1:
                    self.memory[address + 8 * self.beats + byte] = beat.data >> 8 * byte & 255
            self.beats = 0 if beat.last else self.beats + 1
            self.written += beat.last
        if aw and aw_ready:
            self.bursts.append((burst.addr, burst.len + 1))
        if answer:
            assert b_ready
            self.answered += 1
        self.units += unit and units_ready
        self.held = {"aw": None if aw_ready or not aw else burst, "w": None if w_ready or not w else beat}
        self.stopped = stop
        return bool(idle)


@pytest.mark.parametrize("burst_beats", [1, 2, 16])
@pytest.mark.parametrize("idle", [0.0, 0.3], ids=["flowing", "stalled"])
def test_stopped_in_every_cycle(burst_beats: int, idle: float, rng: np.random.Generator) -> None:
    config = replace(CONFIG, burst_beats=burst_beats)
    dut = write.WriteClient(config, 8 * UNIT, result_job(config))

    async def drive(ctx: SimulatorContext) -> None:
        slave = Slave(dut, rng, idle)

        async def job(address: int, runs: int) -> None:
            ctx.set(dut.jobs.valid, 1)
            fields = {"address": address, "iterations": 1, "planes": 1, "lines": runs, "line": 64, "run": 36}
            ctx.set(dut.jobs.payload, fields)
            await slave.cycle(ctx, False)
            ctx.set(dut.jobs.valid, 0)

        async def end(stop: bool) -> None:
            for cycle in range(500):
                if await slave.cycle(ctx, stop) and cycle:
                    break
            else:
                pytest.fail("it does not end")
            assert len(slave.bursts) == slave.written == slave.answered and not slave.beats
            assert slave.held == {"aw": None, "w": None}

        for stop_at in range(45):
            await job(4, 3)
            for _ in range(stop_at):
                await slave.cycle(ctx, False)
            await end(True)
            await slave.cycle(ctx, False)
            # The next one is whole.
            slave.memory.clear()
            begin = slave.units
            await job(132, 1)
            await end(False)
            words = b"".join((begin + unit).to_bytes(UNIT, "little") for unit in range(9))
            assert slave.memory == dict(enumerate(words, 132))
            assert slave.units == begin + 9

    simulate(dut, drive)
