"""The INT8 core in Amaranth's simulator: tiles of any number of steps, the pipeline stopped at random."""

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator, SimulatorContext

from tileloom.blocksparse.dot_product import DotProduct

SIZES = [(4, 8, 8), (1, 1, 1), (2, 3, 5), (3, 7, 1), (1, 16, 4), (1, 8, 1)]
ENDS = np.array([-128, -127, -1, 0, 1, 127], np.int8)


def packed(values: np.ndarray, bits: int) -> int:
    """Return the values side by side, the first lowest."""
    word = 0
    for index, value in enumerate(values.ravel().tolist()):
        word |= (value & (1 << bits) - 1) << index * bits
    return word


def operands(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return INT8 values: anything, the ends of the range only, or its one extreme everywhere."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return np.full(shape, -128, np.int8)
    return rng.choice(ENDS, shape) if kind == 1 else rng.integers(-128, 128, shape, np.int8)


@pytest.mark.parametrize("product_register", [False, True], ids=["", "registered"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_tiles(size: tuple[int, int, int], product_register: bool, rng: np.random.Generator) -> None:
    m, k, n = size
    dut = DotProduct(m, k, n, product_register=product_register)
    steps, expected = [], []
    for _ in range(40):
        count = int(rng.integers(1, 6))
        start = rng.integers(-(2**31), 2**31, (m, n), np.int64)
        if rng.integers(0, 2):
            start[:] = 0
        total = start
        for step in range(count):
            a, b = operands(rng, (m, k)), operands(rng, (k, n))
            total = total + a.astype(np.int64) @ b.astype(np.int64)
            steps.append((packed(a, 8), packed(b, 8), packed(start, 32), step == 0, step == count - 1))
        # As INT32 wraps.
        expected.append(packed(total, 32))
    received = []

    async def drive(ctx: SimulatorContext) -> None:
        starts = []  # of the steps on their way, oldest first
        waiting = list(reversed(steps))
        for _ in range(20 * len(steps)):
            if len(received) == len(expected):
                break
            ctx.set(dut.enable, int(rng.random() < 0.8))
            step = waiting[-1] if waiting and rng.random() < 0.8 else None
            ctx.set(dut.valid, step is not None)
            # What is not valid is noise.
            a, b, start, first, last = step or (*map(int, rng.integers(0, 256, 3)), 1, 1)
            ctx.set(Value.cast(dut.a), a)
            ctx.set(Value.cast(dut.b), b)
            ctx.set(dut.first, first)
            ctx.set(dut.last, last)
            moved = [*starts, start]
            ctx.set(Value.cast(dut.start), moved[-dut.latency] if len(moved) >= dut.latency else 0)
            _, _, enable, done, result = await ctx.tick().sample(dut.enable, dut.done, Value.cast(dut.result))
            if enable:
                starts = moved
                if step:
                    waiting.pop()
                if done:
                    received.append(result)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    assert received == expected
