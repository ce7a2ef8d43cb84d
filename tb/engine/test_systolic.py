"""Engines whose core is a systolic array: SASP's tile skipping, word for word and to the cycle."""

import numpy as np
import pytest

from support.long import but
from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.design import generate
from tileloom.formats import FP32, INT8, Rounding, SignMagnitude
from tileloom_golden.engine.convolution import im2col, unrolled
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.engine.streams import result_units
from tileloom_golden.systolic.gemm import tile_result
from tileloom_sim.engine.layers import engine_size, layer_streams
from tileloom_sim.systolic.reference import arithmetic
from tileloom_sim.systolic.stimulus import float_words, integer_words

from .layers import FLOWING, Case, compare_cycles, mask_of, random_layer, run_cases

COMMON = {"m": 1, "core": Core.SYSTOLIC, "acc_tiles": 64, "a_words": 512}
CONFIGS = {
    "FP32 x INT8": EngineConfig(k=4, n=4, bus=128, weight=INT8, **COMMON),
    "FP32 x INT4": EngineConfig(k=4, n=4, bus=64, weight=SignMagnitude(4), **COMMON),
    "FP32 x INT3": EngineConfig(k=5, n=2, bus=192, weight=SignMagnitude(3), **COMMON),
    "FP32 x FP32": EngineConfig(k=3, n=4, bus=128, weight=FP32, rounding=Rounding.NEAREST_EVEN, **COMMON),
}


def float_case(config: EngineConfig, rng: np.random.Generator, *, stalled: bool) -> Case:
    """Return a random layer; its sums are those of the dense layer, so that skipping must change no bit."""
    array = config.systolic
    program = compile_layer(random_layer(rng, 9, 20), engine_size(config), relu=bool(rng.integers(2)))
    layer = program.layer
    pattern = str(rng.choice(["random", "dense", "empty", "one block", "empty columns"]))
    mask = mask_of(pattern, (-(-layer.channels // config.k), -(-layer.outputs // config.n)), rng)
    x = words(array.activation, (layer.height, layer.width, layer.channels), rng)
    dense = words(array.weight, (layer.outputs, *layer.kernel, layer.channels), rng)
    dense *= mask.repeat(config.k, 0).repeat(config.n, 1)[: layer.channels, : layer.outputs].T[:, None, None]
    bias = words(array.accumulator, (layer.outputs,), rng)
    columns = im2col(x, layer.kernel, config.k, layer.stride, layer.pads)
    psum = np.broadcast_to(bias, (len(columns), layer.outputs))
    sums = tile_result(columns, unrolled(dense, config.k), psum, **arithmetic(array))
    if program.groups[0].write.relu:
        sums = np.where(sums >> np.uint64(31), 0, sums)
    units, last = result_units(program, sums.astype("<u4").reshape(*layer.output, layer.outputs))
    weights = from_convolution(
        dense.astype(np.min_scalar_type((1 << config.weight_bits) - 1)), (config.k, config.n), mask
    )
    waits = tuple(float(rng.choice([0, 0.3, 0.8])) for _ in range(5)) if stalled else FLOWING
    streams = layer_streams(program, x, weights, bias, waits=waits, seed=int(rng.integers(2**32)))
    return Case(program, x, weights, streams, np.ascontiguousarray(units).view(np.int8), last)


def words(number_format: object, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return words of a format, their whole range."""
    if isinstance(number_format, SignMagnitude):
        return integer_words(rng, number_format.bits, shape)
    return float_words(rng, number_format, shape)


@pytest.mark.parametrize("config", but(CONFIGS, "FP32 x INT3", "FP32 x INT4"))
def test_random_layers(config: EngineConfig, rng: np.random.Generator) -> None:
    design = generate(config)
    run_cases(design, [float_case(config, rng, stalled=True) for _ in range(40)])
    cases = [float_case(config, rng, stalled=False) for _ in range(40)]
    # The estimator knows an array's way of taking weights less well than the dot product's.
    assert compare_cycles(cases, run_cases(design, cases), share=0.08, slack=16) >= 20
