"""The INT8 core in Amaranth's simulator: tiles at random times, blocks taken as soon as they may be."""

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import SimulatorContext

from support.streams import packed, simulate, source
from tileloom.engine.config import EngineConfig
from tileloom.engine.dot_product import DotProduct

SIZES = {
    "4x8x8": {},
    "registered": {"product_register": True},
    "1x1x1": {"m": 1, "k": 1, "n": 1, "bus": 64},
    "2x3x5": {"m": 2, "k": 3, "n": 5, "bus": 64},
    "1x16x4": {"m": 1, "k": 16, "n": 4, "bus": 64},
    "2x4x8, one beat": {"m": 2, "k": 4, "n": 8, "bus": 256},
}
ENDS = np.array([-128, -127, -1, 0, 1, 127], np.int8)


def operands(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return INT8 values: anything, the ends of the range only, or its one extreme everywhere."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return np.full(shape, -128, np.int8)
    return rng.choice(ENDS, shape) if kind == 1 else rng.integers(-128, 128, shape, np.int8)


def beats(block: np.ndarray, config: EngineConfig, rng: np.random.Generator) -> list[int]:
    """Return the beats of a block, filled up with noise."""
    word = packed(block, 8)
    word |= int.from_bytes(rng.bytes(config.bus // 8)) << block.size * 8
    return [word >> place * config.bus & (1 << config.bus) - 1 for place in range(config.block_beats)]


@pytest.mark.parametrize("starved", [0.0, 0.5], ids=["flowing", "starved"])
@pytest.mark.parametrize("settings", SIZES.values(), ids=SIZES)
def test_core(settings: dict, starved: float, rng: np.random.Generator) -> None:
    config = EngineConfig(**settings)
    dut = DotProduct(config)
    timing = dut.timing
    blocks = [operands(rng, (config.k, config.n)) for _ in range(20)]
    weights = [beat for block in blocks for beat in beats(block, config, rng)]
    compared = 0
    taken: list[int] = []

    async def drive(ctx: SimulatorContext) -> None:
        nonlocal compared
        tiles: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by cycle
        current, left = -1, 0
        for cycle in range(100 * len(blocks)):
            ready = bool(ctx.get(dut.block_ready))
            take = valid = False
            if left == 0 and ready and current < len(blocks) - 1:
                take = valid = True
                current, left = current + 1, int(rng.integers(1, 4))
                taken.append(cycle)
            elif left:
                valid = rng.random() < 0.8
            a = operands(rng, (config.m, config.k))
            ctx.set(dut.take, take)
            ctx.set(dut.valid, valid)
            ctx.set(Value.cast(dut.activations), packed(a, 8))
            if valid:
                psum = rng.integers(-(2**31), 2**31, (config.m, config.n))
                tiles[cycle] = (psum, psum + a.astype(int) @ blocks[current].astype(int))
                left -= 1
            now = tiles.get(cycle - timing.psum_delay)
            noise = rng.integers(-(2**31), 2**31, (config.m, config.n))
            ctx.set(Value.cast(dut.psum), packed(now[0] if now else noise, 32))
            done = tiles.pop(cycle - timing.latency, None)
            if done:
                # As INT32 wraps.
                assert ctx.get(Value.cast(dut.results)) == packed(done[1], 32)
                compared += 1
            elif current == len(blocks) - 1 and not left and not tiles:
                break
            await ctx.tick()

    simulate(dut, drive, source(dut.weights, weights, rng, starved))
    assert len(taken) == len(blocks)
    assert compared >= len(blocks)
    if not starved:
        assert min(np.diff(taken)) == timing.block_interval
