"""Requantisation of single lanes against exact rational arithmetic, at every end of every range."""

from fractions import Fraction

import numpy as np
import pytest
from amaranth.sim import Simulator, SimulatorContext

from tileloom.engine.config import RequantiseRounding
from tileloom.engine.requantise import LATENCY, Requantise


def expected(
    result: int, bias: int, scale: int, shift: int, zero: int, relu: bool, rounding: RequantiseRounding
) -> int:
    """Return what the specification says, with nothing rounded but once."""
    exact = Fraction((result + bias) * scale, 1 << shift)
    away = int(abs(exact) + Fraction(1, 2))  # truncates, and so takes a half up
    rounded = away if exact >= 0 else -away
    if rounding is RequantiseRounding.HALF_EVEN:
        rounded = round(exact)
    q = max(-128, min(127, rounded + zero))
    return max(q, zero) if relu else q


def cases(rng: np.random.Generator, count: int, zero_point: bool) -> list[tuple[int, int, int, int, int]]:
    """Return results, biases, scales, shifts, zero points: half with q in range, many of these halves."""
    drawn = []
    ends = [-(2**31), 2**31 - 1, 0, 1, -1]
    reach = 260 if zero_point else 131
    for _ in range(count):
        kind = rng.integers(0, 4)
        result, bias = (int(value) for value in rng.integers(-(2**31), 2**31, 2))
        scale, shift = int(rng.integers(0, 1 << 16)), int(rng.integers(0, 64))
        if kind == 0:
            result, bias = (ends[rng.integers(len(ends))] for _ in range(2))
            scale = [0, 1, 1 << 15, (1 << 16) - 1][rng.integers(4)]
        elif kind == 1:
            # A half, or one next to it, near -128 to 127 and what a zero point brings there.
            shift, scale = int(rng.integers(1, 24)), 1
            total = (int(rng.integers(-reach, reach)) << shift) + (1 << shift - 1) + int(rng.integers(-1, 2))
            bias = int(rng.integers(-1000, 1000))
            result = total - bias
        elif kind == 2:
            scale |= 1 << 15
            magnitude = max(1, abs(result + bias) * scale)
            shift = min(63, max(0, magnitude.bit_length() - int(rng.integers(5, 10))))
        zero = int(rng.choice([-128, 127, rng.integers(-128, 128)])) if zero_point else 0
        drawn.append((result, bias, scale, shift, zero))
    return drawn


@pytest.mark.parametrize("zero_point", [False, True], ids=["", "zero point"])
@pytest.mark.parametrize("rounding", RequantiseRounding, ids=lambda each: each.value)
@pytest.mark.parametrize("relu", [False, True], ids=["", "relu"])
def test_lane(relu: bool, rounding: RequantiseRounding, zero_point: bool, rng: np.random.Generator) -> None:
    dut = Requantise(rounding, zero_point=zero_point)
    inputs = cases(rng, 3000, zero_point)
    received = []

    async def drive(ctx: SimulatorContext) -> None:
        ctx.set(dut.relu, relu)
        fed = 0
        moves = 0
        while len(received) < len(inputs):
            enable = rng.random() < 0.9
            ctx.set(dut.enable, enable)
            result, bias, scale, shift, zero = inputs[min(fed, len(inputs) - 1)]
            ctx.set(dut.result, result)
            numbers = {"bias": bias, "scale": scale, "shift": shift} | ({"zero": zero} if zero_point else {})
            ctx.set(dut.parameters, numbers)
            await ctx.tick()
            if enable:
                fed, moves = fed + 1, moves + 1
                if moves >= LATENCY:
                    received.append(ctx.get(dut.q))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    wanted = [expected(*case, relu, rounding) for case in inputs]
    wrong = [
        (case, got, want) for case, got, want in zip(inputs, received, wanted, strict=True) if got != want
    ]
    assert wrong == []
    # Both ends and what lies between were seen.
    assert len(set(wanted)) > (100 if relu else 200)
