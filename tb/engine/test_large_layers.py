"""Large layers: right, and in little more memory than their weights."""

import tracemalloc

import numpy as np
import pytest

from tileloom.engine.config import EngineConfig
from tileloom_golden.engine import convolution, masks, sparse
from tileloom_golden.engine.masks import block_scores
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.engine.streams import weight_beats
from tileloom_golden.integers import convolve
from tileloom_golden.systolic import prune
from tileloom_golden.systolic.prune import tile_norms
from tileloom_sim.engine.job import make_job

K, N = 6272, 2048
"""Weights of 12.8 MB: what is there in strips alone is a small part of them."""


@pytest.mark.parametrize("share", [None, 0.5], ids=["dense", "half the blocks"])
def test_memory_and_results(rng: np.random.Generator, share: float | None) -> None:
    weights = rng.integers(-128, 128, (K, N), np.int8)
    activations = rng.integers(-128, 128, (1, K), np.int8)
    tracemalloc.start()
    try:
        job = make_job(EngineConfig(), ("X", activations), ("W", weights), "KN", prune=share)
        streams = job.streams
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3.5 * weights.nbytes, f"{peak / weights.nbytes:.1f} times the weights"
    kept = job.weights.to_dense()
    assert job.weights.density == pytest.approx(1 - (share or 0), abs=1e-4)
    sums = activations.astype(np.int64) @ kept.astype(np.int64)
    assert job.parameters is not None and job.parameters.scale[0] > 0
    # The largest result is brought to 127, and so tells of all of them.
    scaled = sums * job.parameters.scale / 2.0**job.parameters.shift
    assert np.abs(job.expected[0, 0] - np.clip(scaled[0], -128, 127)).max() <= 0.5
    assert np.abs(job.expected).max() == 127 and len(np.unique(job.expected)) > 50
    beats = weight_beats(job.program, job.weights, job.headers)
    np.testing.assert_array_equal(streams.weights, beats)


@pytest.mark.parametrize("strip", [1, 100, 3000])
def test_strips_of_any_size_give_the_same(
    strip: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks, scores and norms, some block columns at a time, the last strip shorter."""
    weights = rng.integers(-128, 128, (37, 2, 3, 21), np.int8)
    weights[8:16, :, :, 8:16] = 0
    matrix = rng.normal(size=(45, 29))
    whole = from_convolution(weights, (8, 4))
    scores = [block_scores(weights, (8, 4), criterion) for criterion in masks.CRITERIA]
    norms = tile_norms(matrix, 4, 3)
    monkeypatch.setattr(sparse, "STRIP", strip)
    monkeypatch.setattr(prune, "STRIP", strip)
    again = from_convolution(weights, (8, 4))
    for name in ("blocks", "block_rows", "column_pointers"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    assert 0.9 < whole.density < 1
    for criterion, expected in zip(masks.CRITERIA, scores, strict=True):
        np.testing.assert_array_equal(block_scores(weights, (8, 4), criterion), expected)
    np.testing.assert_array_equal(tile_norms(matrix, 4, 3), norms)


def test_pixels_in_chunks_give_the_same(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    image = rng.integers(-128, 128, (9, 11, 21), np.int8)
    weights = rng.integers(-128, 128, (13, 3, 2, 21), np.int8)
    weights[:8, :, :, 8:] = 0
    kept = from_convolution(weights, (8, 8))
    expected = convolve(image, weights, 2, (1, 2, 0, 1))
    for chunk in (1, 500, 1 << 20):
        monkeypatch.setattr(convolution, "CHUNK", chunk)
        np.testing.assert_array_equal(convolution.convolve_blocks(image, kept, 2, (1, 2, 0, 1)), expected)
