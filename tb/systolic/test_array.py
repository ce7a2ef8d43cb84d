"""Small arrays in Amaranth's own simulator: seconds, before any simulator is built.

A few tiles through each kind of array, every stream stalled at random, results compared word for word.
"""

from collections.abc import Iterable

import numpy as np
import pytest

from support.streams import simulate, sink, source
from support.words import random_words
from tileloom.families import load
from tileloom.systolic.array import systolic_array
from tileloom.systolic.config import WORD_BITS, Port, SystolicConfig
from tileloom_golden.systolic.gemm import tile_result
from tileloom_golden.systolic.packing import pack_vector, pack_weights
from tileloom_sim.systolic.reference import arithmetic

CASES = {
    "stream": "rows=3 columns=4",
    "stream, one element": "rows=1 columns=1",
    "stream, one row": "rows=1 columns=3",
    "stream, deep pipelines": "rows=3 columns=2 multiply_stages=3 add_stages=4 rounding=nearest-even",
    "stream, interval 2": "rows=3 columns=4 step_interval=2 add_stages=2",
    "stream, interval 4, single buffer": "rows=3 columns=4 step_interval=4 double_buffer=false",
    "stream, single buffer": "rows=4 columns=2 double_buffer=false weight=fp32",
    "word": "rows=3 columns=5 port=word double_buffer=false",
    "word, double buffer": "rows=4 columns=3 port=word add_stages=2",
    "word, one element": "rows=1 columns=1 port=word",
    "stream, zeros gated": "rows=3 columns=3 gate_zeros=true",
    "word, zeros gated": "rows=3 columns=4 port=word double_buffer=false gate_zeros=true weight=fp32",
    "stream, broadcast": "rows=3 columns=5 broadcast=2 gate_zeros=true add_stages=2",
    "stream, broadcast, interval 2": "rows=2 columns=4 broadcast=4 step_interval=2 double_buffer=false",
    "word, narrow formats": "rows=2 columns=3 port=word activation=bf16 weight=fp16 accumulator=e6m9",
}


@pytest.mark.parametrize("overrides", CASES.values(), ids=CASES)
@pytest.mark.parametrize("idle", [0, 0.4], ids=["flowing", "stalled"])
def test_array(overrides: str, idle: float) -> None:
    config = load("stream-8x8-int8", **dict(text.split("=") for text in overrides.split()))
    rng = np.random.default_rng([len(overrides), int(idle * 10)])
    feeds, expected = random_tiles(rng, config, tiles=4)
    dut = systolic_array(config)
    received: list[int] = []

    results = sink(
        dut.results, len(expected), received, rng, idle, raw=True, limit=400 * len(expected) + 4000
    )
    simulate(dut, results, *(source(getattr(dut, name), words, rng, idle) for name, words in feeds.items()))
    assert received == expected
    assert received


def random_tiles(
    rng: np.random.Generator, config: SystolicConfig, tiles: int
) -> tuple[dict[str, list[int]], list[int]]:
    """Return what goes into each stream, and what must come out, for tiles of random weights and lengths."""
    feeds: dict[str, list[int]] = {"weights": [], "activations": [], "psum_in": []}
    expected: list[int] = []
    word_port = config.port is Port.WORD
    for _ in range(tiles):
        vectors = int(rng.integers(1, 2 * (config.rows + config.columns)))
        weights = random_words(rng, config.weight, (config.rows, config.columns))
        activations = random_words(rng, config.activation, (vectors, config.rows))
        psums = random_words(rng, config.accumulator, (vectors, config.columns))
        if config.gate_zeros:
            activations[rng.random(activations.shape) < 0.4] = 0
            weights[rng.random(weights.shape) < 0.4] = 0
        if word_port:
            psums[:] = 0
        results = tile_result(
            activations,
            weights,
            psums,
            **arithmetic(config),
        )
        last = np.arange(vectors) == vectors - 1
        if word_port:
            feeds["weights"] += map(int, pack_weights(weights, config.weight.width))
            # On a vector's other words ``last`` must not matter.
            marks = rng.integers(0, 2, activations.shape)
            marks[:, -1] = last
            feeds["activations"] += with_last(activations.ravel(), marks.ravel(), WORD_BITS)
            marks = np.zeros(results.shape)
            marks[-1, -1] = 1
            expected += with_last(results.ravel(), marks.ravel(), WORD_BITS)
        else:
            feeds["weights"] += [pack_vector(row, config.weight.width) for row in weights]
            vectors_in = [pack_vector(vector, config.activation.width) for vector in activations]
            feeds["activations"] += with_last(vectors_in, last, config.rows * config.activation.width)
            feeds["psum_in"] += [pack_vector(vector, config.accumulator.width) for vector in psums]
            vectors_out = [pack_vector(vector, config.accumulator.width) for vector in results]
            expected += with_last(vectors_out, last, config.columns * config.accumulator.width)
    if word_port:
        del feeds["psum_in"]
    return feeds, expected


def with_last(words: Iterable[int], marks: Iterable[int], width: int) -> list[int]:
    return [int(word) | int(mark) << width for word, mark in zip(words, marks, strict=True)]
