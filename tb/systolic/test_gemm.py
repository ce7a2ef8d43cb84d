"""GEMMs on the compiled harness: tails, skipped tiles, cycles; every word against the golden model."""

from functools import cache

import numpy as np
import pytest

from tileloom.design import Design
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_sim.systolic.gemm import golden_gemm, simulate_gemm
from tileloom_sim.systolic.interface import Interface
from tileloom_sim.systolic.stimulus import gemm_words

ARRAYS = {
    "stream": "stream-8x8-int8 rows=5 columns=3",
    "stream, axi, fp32": "stream-8x8-fp32 rows=3 columns=4 axi4_stream_names=true rounding=nearest-even",
    "registers": "stream-8x8-int8 rows=3 columns=4 wrapper=axi4",
    "word": "sasp-4x4-int8 rows=3",
    "word, fp32": "sasp-4x4-fp32 columns=5 double_buffer=true",
}


@cache
def design(name: str) -> Design:
    source, *overrides = ARRAYS[name].split()
    return generate(load(source, **dict(text.split("=") for text in overrides)))


def operands(config, shape, rng, zeros=0.0):
    """Return x and w for a GEMM, that share of w's tiles zero (with either sign, where there is one)."""
    x, w, _ = gemm_words(rng, shape, config.activation, config.weight, config.accumulator)
    for k in range(0, shape[1], config.rows):
        for n in range(0, shape[2], config.columns):
            if rng.random() < zeros:
                tile = w[k : k + config.rows, n : n + config.columns]
                tile[:] = rng.integers(0, 2, tile.shape, np.uint64) << np.uint64(config.weight.width - 1)
    return x, w


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 13, 7), (40, 16, 9), (9, 15, 12)], ids=str)
def test_every_word(rng, name, shape):
    config = Interface.of_manifest(design(name).manifest).config
    x, w = operands(config, shape, rng)
    run = simulate_gemm(design(name), x, w, skip_zero_tiles=False)
    assert np.array_equal(run.words, golden_gemm(config, x, w))
    assert run.computed == run.tiles == -(-shape[1] // config.rows) * -(-shape[2] // config.columns)


@pytest.mark.parametrize("name", ARRAYS)
def test_skipping_changes_no_bit(rng, name):
    config = Interface.of_manifest(design(name).manifest).config
    x, w = operands(config, (30, 22, 14), rng, zeros=0.6)
    skipped = simulate_gemm(design(name), x, w)
    computed = simulate_gemm(design(name), x, w, skip_zero_tiles=False)
    assert skipped.computed < computed.computed == computed.tiles
    assert skipped.cycles < computed.cycles
    assert np.array_equal(skipped.words, computed.words)
    assert np.array_equal(skipped.words, golden_gemm(config, x, w))


@pytest.mark.parametrize("name", ["stream", "word"])
def test_nothing_to_compute(name):
    x = np.full((4, 6), 0x3F800000, np.uint64)
    run = simulate_gemm(design(name), x, np.zeros((6, 5), np.uint64))
    assert (run.cycles, run.computed) == (0, 0)
    assert not run.words.any() and run.words.shape == (4, 5)


def cycles(name: str, rng, m: int, k: int, n: int) -> int:
    config = Interface.of_manifest(design(name).manifest).config
    return simulate_gemm(design(name), *operands(config, (m, k, n), rng), skip_zero_tiles=False).cycles


def test_streaming_has_no_bubble(rng):
    one = cycles("stream", rng, 64, 5, 3)
    fill = one - 64
    assert fill < 30
    assert cycles("stream", rng, 64, 5 * 4, 3 * 2) == 8 * 64 + fill


def test_word_port_moves_a_word_every_cycle(rng):
    # Four words in and four out for a vector: the array is 3 x 4, and the longer side sets the pace.
    assert cycles("word", rng, 100, 3, 4) - cycles("word", rng, 40, 3, 4) == 60 * 4
