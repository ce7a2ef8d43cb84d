"""A bus whose other end is a block with registers, in Amaranth's simulator; of an engine with its memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.sim import Simulator, SimulatorContext

from engine.axi_memory import AxiMemory
from support.streams import Bench
from tileloom.driver.bus import BusError
from tileloom.engine.axi.control import ControlledEngine
from tileloom.engine.config import EngineConfig

REGISTERS = 1 << 20
"""Where the registers begin; the memory is at 0."""


class SimulatedBlock:
    """Time goes on while registers are accessed, and by ``pass_time``; ``benches`` serve the other ports."""

    def __init__(self, dut: Any, benches: Sequence[Bench]) -> None:
        self.dut = dut
        self._cycles = 0
        self._access: list[Any] = []
        self._answer: list[tuple[int, int]] = []
        self._simulator = Simulator(dut)
        self._simulator.add_clock(1)
        for bench in (self._host, *benches):
            self._simulator.add_testbench(bench, background=True)

    def read(self, address: int, size: int) -> bytes:
        """Return bytes of registers."""
        assert address % 4 == 0 and size % 4 == 0, "whole words"
        return b"".join(
            self._carry_out("ar", address + offset, 0).to_bytes(4, "little") for offset in range(0, size, 4)
        )

    def write(self, address: int, content: bytes) -> None:
        """Write bytes to registers."""
        assert address % 4 == 0 and len(content) % 4 == 0, "whole words"
        for offset in range(0, len(content), 4):
            word = int.from_bytes(content[offset : offset + 4], "little")
            self._carry_out("aw", address + offset, word)

    def pass_time(self, cycles: int) -> None:
        """Let cycles pass."""
        self._cycles += cycles
        self._simulator.run_until(self._cycles)

    def _carry_out(self, channel: str, address: int, word: int) -> int:
        self._access.append((channel, address - REGISTERS, word))
        while not self._answer:
            self.pass_time(1)
        word, response = self._answer.pop()
        if response:
            raise BusError(f"{address:#x}: answered with {response}")
        return word

    async def _host(self, ctx: SimulatorContext) -> None:
        dut = self.dut
        while True:
            if not self._access:
                await ctx.tick()
                continue
            channel, address, word = self._access.pop()
            asked, answer = [(dut.control_ar, address)], dut.control_r
            if channel == "aw":
                asked = [(dut.control_aw, address), (dut.control_w, {"data": word, "strb": 15})]
                answer = dut.control_b
            for port, payload in asked:
                ctx.set(port.payload, payload)
                ctx.set(port.valid, 1)
            await ctx.tick().until(asked[0][0].ready)
            for port, _ in asked:
                ctx.set(port.valid, 0)
            ctx.set(answer.ready, 1)
            *_, payload = await ctx.tick().sample(answer.payload).until(answer.valid)
            ctx.set(answer.ready, 0)
            self._answer.append((payload.data, payload.resp) if channel == "ar" else (0, payload))


class SimulatedEngine(SimulatedBlock):
    """An engine; its memory is there at once."""

    def __init__(self, config: EngineConfig, rng: np.random.Generator, *, idle: float = 0.2) -> None:
        self.memory = AxiMemory(bytearray(rng.bytes(1 << 15)), config.bus // 8, rng, idle)
        dut = ControlledEngine(config)
        super().__init__(dut, self.memory.benches(dut))

    def read(self, address: int, size: int) -> bytes:
        """Return bytes of the memory, or of registers."""
        if address >= REGISTERS:
            return super().read(address, size)
        assert address % 4 == 0 and size % 4 == 0, "whole words"
        return bytes(self.memory.data[address : address + size])

    def write(self, address: int, content: bytes) -> None:
        """Write bytes to the memory, or to registers."""
        if address >= REGISTERS:
            super().write(address, content)
            return
        assert address % 4 == 0 and len(content) % 4 == 0, "whole words"
        self.memory.data[address : address + len(content)] = content
