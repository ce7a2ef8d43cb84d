"""The engine with a systolic array as its core, in Verilator: SASP's tile skipping, word for word."""

from dataclasses import dataclass

import numpy as np
import pytest
from layers import PATTERNS, mask_of, random_layer

from tileloom.blocksparse.config import Core, EngineConfig
from tileloom.blocksparse.generate import generate_engine
from tileloom.formats import BF16, FP32, INT8, Rounding
from tileloom_golden.block_convolution import im2col, unrolled
from tileloom_golden.block_sparse import from_convolution
from tileloom_golden.engine_cut import compile_layer
from tileloom_golden.engine_cycles import estimate
from tileloom_golden.engine_program import Layer, Program
from tileloom_golden.gemm import tile_result
from tileloom_sim.engine_harness import LayerStreams, run_layers
from tileloom_sim.engine_layers import engine_size, layer_streams, outputs
from tileloom_sim.reference import arithmetic

CONFIGS = {
    "FP32 x INT8": {"weight": INT8, "k": 5, "n": 8, "bus": 64},
    "FP32 x FP32": {"weight": FP32, "k": 4, "n": 4, "bus": 128, "rounding": Rounding.NEAREST_EVEN},
    "FP32 x BF16, deep": {"weight": BF16, "k": 3, "n": 4, "bus": 64, "add_stages": 2, "multiply_stages": 2},
}


@dataclass
class Case:
    """A layer with its streams, and the words that must come out."""

    program: Program
    streams: LayerStreams
    expected: np.ndarray
    estimated: int


def words(rng: np.random.Generator, config: EngineConfig, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return words whose exponents are near each other, so that sums cancel; of integers any."""
    kind = getattr(config, name)
    if kind is INT8:
        return rng.integers(0, 256, shape, np.uint64)
    exponents = kind.bias + rng.integers(-4, 5, shape)
    fractions = rng.integers(0, 4, shape) << kind.fraction_bits - 2
    signs = rng.integers(0, 2, shape) << kind.width - 1
    return (signs | exponents << kind.fraction_bits | fractions).astype(np.uint64)


def make(
    config: EngineConfig, layer: Layer, mask: np.ndarray, rng: np.random.Generator, *, skip: bool = True
) -> Case:
    """Return a layer whose blocks are zero where ``mask`` is not; ``skip`` leaves them out of B."""
    relu = bool(rng.integers(2))
    program = compile_layer(layer, engine_size(config), relu=relu)
    layer = program.layer
    x = words(rng, config, "activation", (layer.height, layer.width, layer.channels))
    kept = np.repeat(np.repeat(mask, config.k, 0), config.n, 1)[: layer.channels, : layer.outputs]
    w = words(rng, config, "weight", (layer.outputs, *layer.kernel, layer.channels)) * kept.T[:, None, None]
    bias = words(rng, config, "accumulator", (layer.outputs,))
    columns = im2col(x, layer.kernel, config.k, layer.stride, layer.pads)
    start = np.broadcast_to(bias, (len(columns), layer.outputs))
    expected = tile_result(columns, unrolled(w, config.k), start, **arithmetic(config.systolic))
    if relu:
        expected = np.where(expected >> np.uint64(config.sum_bits - 1), 0, expected)
    blocks = from_convolution(
        w.astype(f"u{config.weight_bits // 8}"),
        (config.k, config.n),
        mask if skip else np.ones_like(mask),
    )
    a, b, c, d, e = (float(share) for share in rng.choice([0, 0, 0.3, 0.8], 5))
    streams = layer_streams(
        program, x, blocks, bias, waits=(a, b, c, d, e) if skip else (0.0,) * 5, seed=int(rng.integers(2**32))
    )
    return Case(program, streams, expected, estimate(program, blocks).cycles)


@pytest.mark.parametrize("settings", CONFIGS.values(), ids=CONFIGS)
def test_layers(settings: dict, rng: np.random.Generator) -> None:
    config = EngineConfig(m=1, core=Core.SYSTOLIC, requantise=False, a_words=256, acc_tiles=32, **settings)
    cases = []
    for _ in range(60):
        layer = random_layer(rng, 6, 3 * config.k)
        shape = (-(-layer.channels // config.k), -(-layer.outputs // config.n))
        cases.append(make(config, layer, mask_of(str(rng.choice(PATTERNS)), shape, rng), rng))
    # The same layer, its zero blocks left out and not: the same words, and fewer cycles.
    mask = rng.random((5, 4)) < 0.4
    state = rng.bit_generator.state
    pair = []
    for skip in (True, False):
        rng.bit_generator.state = state
        pair.append(make(config, Layer.product(30, 5 * config.k, 4 * config.n), mask, rng, skip=skip))
    cases += pair
    runs = run_layers(generate_engine(config), [case.streams for case in cases])
    for number, (case, run) in enumerate(zip(cases, runs, strict=True)):
        found = outputs(case.program, run, 32).astype(np.uint64)
        np.testing.assert_array_equal(
            found.reshape(case.expected.shape), case.expected, f"layer {number}: {case.program.layer}"
        )
        assert run.fault == 0
    np.testing.assert_array_equal(runs[-2].results, runs[-1].results)
    assert abs(runs[-1].cycles - pair[1].estimated) <= 0.01 * runs[-1].cycles
    assert sum(run.results.size for run in runs) > 10_000
