"""The xDecimate components and the unit in Amaranth's own simulator, against the golden model."""

import itertools

import numpy as np
import pytest
from amaranth.lib import wiring
from amaranth.sim import Simulator, SimulatorContext

from tileloom.xfu.config import GROUP_SIZES, XfuConfig
from tileloom.xfu.decode import Decode
from tileloom.xfu.execute import Execute
from tileloom.xfu.instruction import FUNCT2, encode_counter, encode_decimate
from tileloom.xfu.write_back import WriteBack
from tileloom_golden.xfu import xdecimate as golden

from .unit_bench import check_unit

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
