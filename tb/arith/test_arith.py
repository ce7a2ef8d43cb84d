"""Multiply, hybrid multiply and add in Amaranth's own simulator, bit for bit against the golden model."""

from collections.abc import Callable

import numpy as np
import pytest
from amaranth.hdl import Signal
from amaranth.lib.wiring import Component
from amaranth.sim import Simulator, SimulatorContext

from support.products import PRODUCTS, names
from tileloom.arith.add import Add
from tileloom.arith.multiply import FloatMultiply, HybridMultiply
from tileloom.formats import (
    BF16,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    FloatFormat,
    Format,
    Rounding,
    SignMagnitude,
)
from tileloom_golden import arithmetic as golden
from tileloom_sim.systolic.reference import operand_format
from tileloom_sim.systolic.stimulus import adder_pairs, multiplier_pairs

PAIRS = 600

SUMS = [FP32, BF16, FP16, FP8_E4M3, FP8_E5M2, FloatFormat(2, 10), FloatFormat(11, 4), FloatFormat(8, 1)]


DEPTHS = [(1, False), (2, False), (3, False), (2, True)]
"""Stages of a multiplier, and whether it keeps its rows."""


def pipelined(dut: Component, a: Signal, b: Signal, result: Signal, stages: int) -> Callable:
    """Return a function that streams pairs through ``dut``, with its enable dropped now and then."""

    def run(words_a: np.ndarray, words_b: np.ndarray) -> np.ndarray:
        results = []
        stall = np.random.default_rng(0).random(2 * len(words_a) + 64) < 0.2

        async def testbench(ctx: SimulatorContext) -> None:
            cycles = iter(stall)
            pairs = [*zip(words_a, words_b, strict=True), *[(0, 0)] * stages]
            for first, second in pairs:
                while next(cycles):
                    # What comes in while the pipeline stands still must leave no trace.
                    ctx.set(dut.enable, 0)
                    ctx.set(a, ~int(first) & (1 << len(a)) - 1)
                    await ctx.tick()
                ctx.set(dut.enable, 1)
                ctx.set(a, int(first))
                ctx.set(b, int(second))
                await ctx.tick()
                results.append(ctx.get(result))

        simulator = Simulator(dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(testbench)
        simulator.run()
        return np.array(results[stages - 1 : -1], dtype=np.uint64)

    return run


def assert_equal(got: np.ndarray, expected: np.ndarray, *operands: np.ndarray) -> None:
    assert got.size == expected.size >= PAIRS
    wrong = np.flatnonzero(got != expected)
    cases = [
        " ".join(f"{int(words[index]):#x}" for words in (*operands, got, expected)) for index in wrong[:4]
    ]
    assert not cases, f"{wrong.size} of {got.size} differ; a, b, got, expected: {cases}"


@pytest.mark.parametrize("rounding", Rounding, ids=lambda rounding: rounding.value)
@pytest.mark.parametrize(
    ("formats", "stages", "carry_save"), [(f, *DEPTHS[i % 4]) for i, f in enumerate(PRODUCTS)], ids=names
)
def test_multiply(
    formats: tuple[FloatFormat, Format, FloatFormat],
    stages: int,
    carry_save: bool,
    rounding: Rounding,
    rng: np.random.Generator,
) -> None:
    a_format, b_format, result = formats
    a, b = multiplier_pairs(rng, a_format, b_format, result, PAIRS)
    kind = HybridMultiply if isinstance(b_format, SignMagnitude) else FloatMultiply
    dut = kind(a_format, b_format, result, rounding, stages=stages, carry_save=carry_save)
    got = pipelined(dut, dut.a, dut.b, dut.product, stages)(a, b)
    expected = golden.multiply(a, b, *map(operand_format, formats), rounding.value)
    assert_equal(got, expected, a, b)


@pytest.mark.parametrize("rounding", Rounding, ids=lambda rounding: rounding.value)
@pytest.mark.parametrize(("float_format", "stages"), [(f, 1 + i % 5) for i, f in enumerate(SUMS)], ids=str)
def test_add(float_format: FloatFormat, stages: int, rounding: Rounding, rng: np.random.Generator) -> None:
    # Infinity among them: what an adder gets from an overflow above it.
    a, b = adder_pairs(rng, float_format, PAIRS, infinity=True)
    dut = Add(float_format, rounding, stages=stages)
    got = pipelined(dut, dut.a, dut.b, dut.sum, stages)(a, b)
    assert_equal(got, golden.add(a, b, operand_format(float_format), rounding.value), a, b)
