"""Holds the core-agnostic unit to a golden hart, in Amaranth's own simulator."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.sim import Simulator, SimulatorContext

from tileloom.xfu.config import GROUP_SIZES, XfuConfig
from tileloom.xfu.instruction import FUNCT2
from tileloom.xfu.unit import Unit
from tileloom_golden.xfu import xdecimate as golden


def check_unit(
    rng: np.random.Generator,
    unit: type[Unit] = Unit,
    sizes: tuple[int, ...] = GROUP_SIZES,
    idle: float = 0.5,
) -> None:
    """Hold a unit to the golden hart for 150 instructions."""
    dut = unit(XfuConfig(group_sizes=sizes), tag_bits=4, fault_bits=1)
    core = Core(dut, rng, idle, count=150)
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(core.run)
    simulator.run()
    assert core.completed == 150
    assert core.killed > 10
    assert core.faults > 3


@dataclass(eq=False)
class Flying:
    """An instruction inside the unit."""

    tag: int
    instruction: golden.Instruction
    committed: bool = False


class Core:
    """Issues, commits and kills instructions, answers their loads, and holds the unit to a golden hart."""

    def __init__(self, dut: Unit, rng: np.random.Generator, idle: float, count: int) -> None:
        self.dut, self.config, self.rng, self.idle, self.count = dut, dut.config, rng, idle, count
        self.hart = golden.Hart(self.load, registers=[0, *map(int, rng.integers(0, 1 << 32, 31))])
        self.flying: deque[Flying] = deque()
        self.tag = self.completed = self.killed = self.faults = 0
        self.failing = False
        self.asked: int | None = None

    def load(self, address: int) -> int:
        """Return the byte at an address, or fail where this load is to."""
        if self.failing:
            raise golden.LoadError(address)
        return address * 0x9E3779B1 >> 9 & 0xFF

    def choose(self) -> golden.Instruction:
        """Return an instruction on a few registers; the base and the offsets are no results in flight."""
        written = {flying.instruction.rd for flying in self.flying} - {0}
        rd = int(self.rng.integers(0, 6))
        rs1, rs2 = self.rng.choice([number for number in range(8) if number not in written], 2)
        if self.rng.random() < 0.15:
            return golden.SwapCounter(rd, int(rs1))
        return golden.Decimate(int(self.rng.choice(self.config.group_sizes)), rd, int(rs1), int(rs2))

    def chance(self) -> bool:
        """Return whether something that may happen in any cycle happens in this one."""
        return self.rng.random() >= self.idle

    async def run(self, ctx: SimulatorContext) -> None:
        """Drive every port once a cycle, until all instructions are done."""
        dut = self.dut
        for _ in range(200 * self.count):
            if self.completed == self.count:
                return
            offered = self.choose()
            # A tag may come again at once if those before are committed.
            again = all(flying.committed for flying in self.flying) and self.rng.random() < 0.3
            tag = self.tag if again else (self.tag + int(self.rng.integers(1, 3))) % 16
            new = Flying(tag, offered, committed=bool(self.rng.random() < 0.1))
            ctx.set(dut.instructions.valid, self.chance())
            ctx.set(
                dut.instructions.payload, {**self.payload(offered), "tag": tag, "committed": new.committed}
            )

            # Any tag that is here, the one that is offered, or the one behind it.
            by_age = [*self.flying, new]
            tags = [*(flying.tag for flying in by_age), (tag + 1) % 16]
            deciding, kill = bool(self.rng.random() < 0.3), bool(self.rng.random() < 0.3)
            decided = int(self.rng.choice(tags))
            ctx.set(dut.commit_valid, deciding)
            ctx.set(dut.commit_tag, decided)
            ctx.set(dut.commit_kill, kill)

            answering = self.asked is not None and self.chance()
            ctx.set(dut.loaded_valid, answering)
            if answering:
                self.failing = self.rng.random() < 0.1
                ctx.set(dut.loaded_fault, self.failing)
                ctx.set(dut.loaded_byte, 0 if self.failing else self.load(self.asked))
                self.asked = None
            ctx.set(dut.loads.ready, self.chance())
            ctx.set(dut.results.ready, self.chance())

            _, _, enters, loads, load, done, result = await ctx.tick().sample(
                dut.instructions.valid & dut.instructions.ready,
                dut.loads.valid & dut.loads.ready,
                dut.loads.payload,
                dut.results.valid & dut.results.ready,
                dut.results.payload,
            )
            if done:
                self.complete(result, ctx)
            if loads:
                assert self.flying
                head = self.flying[0]
                assert head.committed and load.tag == head.tag
                self.asked = load.address
            killed = []
            if deciding:
                place = max(index for index, name in enumerate(tags) if name == decided)
                if kill:
                    killed = [flying for flying in by_age[place:] if not flying.committed]
                else:
                    for flying in by_age[: place + 1]:
                        flying.committed = True
            if enters:
                self.flying.append(new)
                self.tag = tag
            for flying in killed:
                if flying in self.flying:
                    self.flying.remove(flying)
                    self.killed += 1

    def payload(self, instruction: golden.Instruction) -> dict[str, int]:
        """Return what the unit is given; rs3 may be out of date by the results in flight."""
        registers = self.hart.registers
        values = {"rd": instruction.rd, "rs1": registers[instruction.rs1]}
        if isinstance(instruction, golden.SwapCounter):
            return {**values, "swap": 1, "rs3": 0}
        size = {"funct2": FUNCT2[instruction.m]} if len(self.config.group_sizes) > 1 else {}
        return {
            **values,
            **size,
            "swap": 0,
            "rs2": registers[instruction.rs2],
            "rs3": registers[instruction.rd],
        }

    def complete(self, result: Any, ctx: SimulatorContext) -> None:
        """Check a result; the register file and the golden hart's are the same from then on."""
        flying = self.flying.popleft()
        assert flying.committed and (result.tag, result.rd) == (flying.tag, flying.instruction.rd)
        before = self.hart.registers[result.rd]
        try:
            self.hart.execute(flying.instruction)
            assert not result.fault
        except golden.LoadError:
            self.faults += 1
            assert result.fault and (result.data == before or result.rd == 0)
        if result.rd:
            assert result.data == self.hart.registers[result.rd]
        assert ctx.get(self.dut.counter) == self.hart.counter
        self.failing = False
        self.completed += 1
