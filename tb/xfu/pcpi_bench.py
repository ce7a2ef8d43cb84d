"""Holds the unit on PCPI to a golden hart, in Amaranth's own simulator, with a hostile memory.

The host is written from PicoRV32's README ("Pico Co-Processor Interface").
"""

import numpy as np
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator, SimulatorContext

from tileloom.xfu.config import GROUP_SIZES, Host, XfuConfig
from tileloom.xfu.instruction import encode_counter, encode_decimate, encode_held, encode_offsets
from tileloom.xfu.pcpi import Pcpi
from tileloom_golden.xfu import xdecimate as golden

from .obi_memory import ObiMemory

PATIENCE = 200
"""Cycles after which an instruction counts as stuck."""


def check_pcpi(
    rng: np.random.Generator,
    unit: type[Pcpi] = Pcpi,
    sizes: tuple[int, ...] = GROUP_SIZES,
    idle: float = 0.5,
    axi: bool = False,
    count: int = 250,
) -> None:
    """Hold a unit to the golden hart for ``count`` instructions, and to the rules of its load port."""
    dut = unit(XfuConfig(host=Host.PCPI, group_sizes=sizes))
    core = Core(dut, rng, idle, axi)
    simulator = Simulator(ResetInserter(core.reset_signal)(dut))
    simulator.add_clock(1e-6)

    async def bench(ctx: SimulatorContext) -> None:
        for _ in range(count):
            await core.execute(ctx)

    simulator.add_testbench(bench)
    simulator.run()
    assert min(core.seen.values()) > 2 and core.memory.ordered > 20, core.seen


class Core:
    """Executes random instructions on the unit and on the golden hart, and answers the unit's loads."""

    def __init__(self, dut: Pcpi, rng: np.random.Generator, idle: float, axi: bool) -> None:
        self.dut, self.config, self.rng, self.idle = dut, dut.config, rng, idle
        self.reset_signal = Signal()
        registers = [0, *map(int, rng.integers(0, 1 << 32, 31))]
        self.hart = golden.Hart(self.load, registers=registers)
        self.memory = ObiMemory(rng, idle, axi=axi)
        self.seen = dict.fromkeys(("load", "fault", "swap", "offsets", "foreign", "reset"), 0)

    def load(self, address: int) -> int:
        """Return what the unit was answered, or fail where it was told of an error."""
        assert self.memory.last is not None and self.memory.last[0] == address, (
            f"{address:#x} was to be loaded"
        )
        byte = self.memory.last[1]
        if byte is None:
            raise golden.LoadError(address)
        return byte

    def chance(self) -> bool:
        """Return whether something that may happen in any cycle happens in this one."""
        return self.rng.random() >= self.idle

    def draw(self) -> tuple[golden.HeldInstruction | None, int]:
        """Return an instruction on a few registers and its word; None: none of the unit's."""
        rd, rs1 = (int(number) for number in self.rng.integers(0, 8, 2))
        kind = self.rng.random()
        if kind < 0.1:
            return golden.SwapCounter(rd, rs1), encode_counter(rd, rs1)
        if kind < 0.25:
            return golden.SwapOffsets(rd, rs1), encode_offsets(rd, rs1)
        m = int(self.rng.choice(self.config.group_sizes))
        if kind < 0.35:  # that of three operands, a size that is not built, one bit wrong, any word
            others = [size for size in GROUP_SIZES if size not in self.config.group_sizes] or [m]
            words = [
                encode_decimate(m, 1 + rd, rs1, 9),
                encode_held(int(self.rng.choice(others)), rd, rs1) ^ (others == [m]),
                encode_held(m, rd, rs1) ^ 1 << int(self.rng.choice([*range(7), *range(12, 15), 24, 27, 31])),
                int(self.rng.integers(1 << 32)) & ~0x7F | 0x33,
            ]
            return None, words[int(self.rng.integers(len(words)))]
        return golden.DecimateHeld(m, rd, rs1), encode_held(m, rd, rs1)

    async def execute(self, ctx: SimulatorContext) -> None:
        """Execute one instruction, or reset the unit in the midst of it; check all that comes of it."""
        dut, hart = self.dut, self.hart
        instruction, word = self.draw()
        self.memory.pending = int(self.rng.integers(0, 6)) if self.chance() else 0
        self.memory.failing = bool(self.rng.random() < 0.1)
        ctx.set(dut.pcpi_insn, word)
        ctx.set(dut.pcpi_rs1, hart.registers[word >> 15 & 31])
        ctx.set(dut.pcpi_rs2, hart.registers[word >> 20 & 31])
        ctx.set(dut.pcpi_valid, 1)
        if instruction is None:
            for _ in range(4):
                assert await self.cycle(ctx) is None
                assert not ctx.get(dut.pcpi_wait), f"{word:#010x} is none of the unit's"
            self.seen["foreign"] += 1
        else:
            stop = int(self.rng.integers(0, 3)) if self.rng.random() < 0.15 else PATIENCE
            done = None
            for _ in range(stop):
                done = await self.cycle(ctx)
                if done is not None:
                    break
            if done is None:
                assert stop < PATIENCE, f"{instruction} does not end"
                await self.reset(ctx)
                return
            self.complete(instruction, *done, bool(ctx.get(dut.load_error)))
        ctx.set(dut.pcpi_valid, 0)
        for signal in (dut.pcpi_insn, dut.pcpi_rs1, dut.pcpi_rs2):
            ctx.set(signal, int(self.rng.integers(1 << 32)))
        while self.rng.random() < 0.3:
            assert await self.cycle(ctx) is None

    async def reset(self, ctx: SimulatorContext) -> None:
        """Give unit and memory the state that they begin with, whatever is under way."""
        ctx.set(self.dut.pcpi_valid, 0)
        ctx.set(self.reset_signal, 1)
        await ctx.tick()
        ctx.set(self.reset_signal, 0)
        self.memory.reset()
        self.hart.counter = self.hart.offsets = 0
        self.seen["reset"] += 1

    def complete(self, instruction: golden.HeldInstruction, writes: bool, value: int, error: bool) -> None:
        """Compare what the unit writes with what the golden hart does."""
        hart = self.hart
        before = hart.registers[instruction.rd]
        try:
            hart.execute(instruction)
        except golden.LoadError:
            assert not writes and error
            assert hart.registers[instruction.rd] == before
            self.seen["fault"] += 1
            return
        assert writes
        if instruction.rd:
            assert value == hart.registers[instruction.rd], f"{instruction}: {value:#x}"
        if isinstance(instruction, golden.SwapCounter):
            assert not error
        swaps = {golden.SwapCounter: "swap", golden.SwapOffsets: "offsets"}
        self.seen[swaps.get(type(instruction), "load")] += 1

    async def cycle(self, ctx: SimulatorContext) -> tuple[bool, int] | None:
        """Pass a cycle of memory and host; return (pcpi_wr, pcpi_rd) with pcpi_ready."""
        dut = self.dut
        self.memory.drive(ctx, dut)
        self.memory.observe(ctx, dut)
        done = (bool(ctx.get(dut.pcpi_wr)), int(ctx.get(dut.pcpi_rd))) if ctx.get(dut.pcpi_ready) else None
        await ctx.tick()
        return done
