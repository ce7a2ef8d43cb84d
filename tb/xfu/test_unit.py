"""The xDecimate components and the unit in Amaranth's own simulator, against the golden model."""

import itertools
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.lib import wiring
from amaranth.sim import Simulator, SimulatorContext

from tileloom.config import ConfigError
from tileloom.xfu.config import GROUP_SIZES, XfuConfig
from tileloom.xfu.decode import Decode
from tileloom.xfu.execute import Execute
from tileloom.xfu.instruction import FUNCT2, encode_counter, encode_decimate, intrinsics_header
from tileloom.xfu.unit import Unit
from tileloom.xfu.write_back import WriteBack
from tileloom_golden import xdecimate as golden

BUILDS = [sizes for count in (1, 2, 3) for sizes in itertools.combinations(GROUP_SIZES, count)]
builds = pytest.mark.parametrize("sizes", BUILDS, ids=lambda sizes: "_".join(map(str, sizes)))


def evaluate(component: wiring.Component, inputs: list[dict[str, int]], output: str) -> list[int]:
    """Return what a combinational component's output is for each of the inputs."""
    outputs = []

    async def bench(ctx: SimulatorContext) -> None:
        for values in inputs:
            for name, value in values.items():
                ctx.set(getattr(component, name), value)
            await ctx.delay(1e-9)
            outputs.append(ctx.get(getattr(component, output)))

    simulator = Simulator(component)
    simulator.add_testbench(bench)
    simulator.run()
    return outputs


def fields(word: int) -> dict[str, int]:
    return {
        "funct2": word >> 25 & 3,
        "rd": word >> 7 & 31,
        "rs1": word >> 15 & 31,
        "rs2": word >> 20 & 31,
        "rs3": word >> 27,
    }


@builds
def test_decode_takes_exactly_the_instructions_that_are_built(
    sizes: tuple[int, ...], rng: np.random.Generator
) -> None:
    words = []
    for _ in range(400):
        rd, rs1, rs2 = map(int, rng.integers(0, 32, 3))
        words += [encode_decimate(size, rd, rs1, rs2) for size in GROUP_SIZES] + [encode_counter(rd, rs1)]
    # Every word one bit away from an instruction, and words of any kind with our opcode or another.
    words += [word ^ 1 << int(rng.integers(32)) for word in words]
    words += [int(word) & ~0x707F | 0x602B for word in rng.integers(0, 1 << 32, 500)]
    words += [int(word) for word in rng.integers(0, 1 << 32, 200)]
    config = XfuConfig(group_sizes=sizes)
    got = list(
        zip(
            evaluate(Decode(config), [{"word": word} for word in words], "decimate"),
            evaluate(Decode(config), [{"word": word} for word in words], "swap"),
            strict=True,
        )
    )
    expected = []
    for word in words:
        ours = word & 0x707F == 0x602B
        instruction = golden.decode(**fields(word), built=sizes) if ours else None
        expected.append(
            (isinstance(instruction, golden.Decimate), isinstance(instruction, golden.SwapCounter))
        )
    assert got == expected
    assert {(1, 0), (0, 1), (0, 0)} <= set(got)


@builds
def test_execute_gives_displacement_and_lane(sizes: tuple[int, ...], rng: np.random.Generator) -> None:
    edges = [0, 1, 7, 8, 15, 16, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF]
    inputs, displacements, lanes = [], [], []
    for size in sizes:
        for counter in [*edges, *map(int, rng.integers(0, 1 << 16, 100))]:
            offsets = int(rng.integers(1 << 32))
            inputs.append({"funct2": FUNCT2[size], "counter": counter, "offsets": offsets})
            displacements.append(golden.address(size, 0, offsets, counter))
            lanes.append((counter >> 1) % 4)
    config = XfuConfig(group_sizes=sizes)
    assert evaluate(Execute(config), inputs, "displacement") == displacements
    assert evaluate(Execute(config), inputs, "lane") == lanes


def test_write_back_replaces_one_byte(rng: np.random.Generator) -> None:
    inputs = [
        {"rd": int(rng.integers(1 << 32)), "loaded": int(rng.integers(256)), "lane": lane}
        for lane in range(4)
        for _ in range(20)
    ]
    expected = [golden.merge(values["rd"], values["loaded"], values["lane"] * 2) for values in inputs]
    assert evaluate(WriteBack(), inputs, "result") == expected


@builds
@pytest.mark.parametrize("idle", [0, 0.5], ids=["flowing", "stalled"])
def test_unit_matches_the_golden_hart(sizes: tuple[int, ...], idle: float, rng: np.random.Generator) -> None:
    """Random instructions on few registers, some killed, some loads failing, every port stalled at random."""
    check_unit(rng, sizes=sizes, idle=idle)


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


@dataclass
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
            tag = self.tag if again else (self.tag + 1) % 8
            issuing = self.chance()
            ctx.set(dut.instructions.valid, issuing)
            ctx.set(dut.instructions.payload, {**self.payload(offered), "tag": tag})

            open_ones = [flying for flying in self.flying if not flying.committed]
            decided = open_ones[0] if open_ones and self.chance() else None
            kill = decided is not None and self.rng.random() < 0.2
            ctx.set(dut.commit_valid, decided is not None or self.chance())
            # Where nothing is decided, once more what is decided already, or what the unit has not.
            stray = [flying.tag for flying in self.flying if flying.committed and not open_ones] or [8]
            ctx.set(dut.commit_tag, decided.tag if decided else stray[-1])
            ctx.set(dut.commit_kill, kill or decided is None)

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
            if decided is not None:
                decided.committed = True
                if kill:
                    self.flying.remove(decided)
                    self.killed += 1
            if loads:
                assert self.flying
                head = self.flying[0]
                assert head.committed and load.tag == head.tag
                self.asked = load.address
            if enters:
                self.flying.append(Flying(tag, offered))
                self.tag = tag

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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"group_sizes": (4, 5)}, "group_sizes: must be some of 4, 8 and 16, not 5"),
        ({"group_sizes": ()}, "group_sizes: must name at least one"),
        ({"group_sizes": (8, 8)}, "group_sizes: names one twice: 8, 8"),
        ({"group_sizes": "8"}, "group_sizes: must be a list"),
        ({"id_width": 1}, "id_width: must be from 2 to 8, not 1"),
        ({"id_width": True}, "id_width: must be int, not True"),
    ],
)
def test_bad_configurations_name_the_field(values: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        XfuConfig(**values)


def test_encoding_refuses_what_there_is_not() -> None:
    with pytest.raises(ValueError, match="group_size: must be 4, 8 or 16, not 5"):
        encode_decimate(5, 1, 2, 3)
    with pytest.raises(ValueError, match="rs2: must be a register from 0 to 31, not 32"):
        encode_decimate(4, 1, 2, 32)


PROGRAM = """
#include "xdecimate.h"
uint32_t all(uint32_t rd, const int8_t *base, uint32_t offsets) {
    xdecimate_clear();
    rd = xdecimate_4(rd, base, offsets);
    rd = xdecimate_8(rd, base, offsets);
    rd = xdecimate_16(rd, base, offsets);
    return rd + xdecimate_counter(5);
}
"""


def test_intrinsics_compile_to_the_encoding(tmp_path: Path) -> None:
    """Clang for RISC-V takes the header, and the words that it makes decode as what was asked for."""
    (tmp_path / "xdecimate.h").write_text(intrinsics_header())
    (tmp_path / "all.c").write_text(PROGRAM)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "riscv32-freestanding-none"]
    command += ["-mcpu=generic_rv32+m", "-O2", "-Wall", "-Wextra", "-Werror", "-std=c11"]
    subprocess.run(
        [*command, "-Wno-unused-command-line-argument", "-c", "all.c", "-o", "all.o"],
        cwd=tmp_path,
        check=True,
        timeout=300,
    )
    image = (tmp_path / "all.o").read_bytes()
    words = [int.from_bytes(image[at : at + 4], "little") for at in range(0, len(image) - 3, 2)]
    found = [golden.decode(**fields(word)) for word in words if word & 0x707F == 0x602B]
    assert [type(item) for item in found] == [golden.SwapCounter, *[golden.Decimate] * 3, golden.SwapCounter]
    assert found[0] == golden.SwapCounter(0, 0)
    assert [item.m for item in found if isinstance(item, golden.Decimate)] == [4, 8, 16]


def test_header_of_a_unit_for_one_size_has_its_intrinsics_alone() -> None:
    header = intrinsics_header(XfuConfig(group_sizes=(8,)))
    assert "xdecimate_8(" in header and "xdecimate_counter(" in header
    assert "xdecimate_4(" not in header and "xdecimate_16(" not in header
