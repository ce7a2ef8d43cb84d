"""A large product in bands along K: its words are the same, and wrong ones told by their place in all."""

import tracemalloc

import numpy as np
import pytest

from support.seed import SEED
from tileloom_golden.formats import FP16, FP32, Integer
from tileloom_golden.systolic import doubles, gemm


@pytest.mark.parametrize("host_adds_tiles", [False, True])
@pytest.mark.parametrize("by_words", [False, True])
@pytest.mark.parametrize("band", [1, 40, 700])
def test_bands_change_no_word(host_adds_tiles: bool, by_words: bool, band: int, monkeypatch):
    rng = np.random.default_rng(SEED)
    x = rng.standard_normal((3, 61)).astype(np.float32).view(np.uint32)
    w = rng.integers(0, 256, (61, 13)).astype(np.uint8)
    w[rng.random(w.shape) < 0.3] = 0x80
    w[8:16, 5:10] = 0
    options = {
        "rows": 4,
        "columns": 5,
        "activation_format": FP32,
        "weight_format": Integer(8),
        "accumulator_format": FP32,
        "rounding": "truncate",
        "host_adds_tiles": host_adds_tiles,
    }
    whole = gemm.gemm(x, w, **options)
    if by_words:
        monkeypatch.setattr(doubles, "in_range", lambda *arguments: False)
    monkeypatch.setattr(gemm, "BAND", band)
    assert np.array_equal(gemm.gemm(x, w, **options), whole)
    assert len(np.unique(whole)) > 30


def test_a_wrong_weight_is_told_by_its_place(monkeypatch):
    monkeypatch.setattr(gemm, "BAND", 8)
    w = np.zeros((50, 4), np.uint16)
    w[33, 2] = FP16.infinity
    with pytest.raises(ValueError, match=r"^w\[33, 2\] is infinity in"):
        gemm.gemm(
            np.zeros((1, 50), np.uint16),
            w,
            rows=2,
            columns=2,
            activation_format=FP16,
            weight_format=FP16,
            accumulator_format=FP32,
            rounding="truncate",
            host_adds_tiles=False,
        )


def test_a_large_product_takes_little_memory_beside_the_weights():
    """Of INT8 weights in an array of their own; all of them as uint64 would be eight times theirs."""
    rng = np.random.default_rng(SEED)
    w = rng.integers(0, 256, (2048, 2048), np.uint8)
    x = rng.standard_normal((1, 2048)).astype(np.float32).view(np.uint32)
    tracemalloc.start()
    try:
        gemm.gemm(
            x,
            w,
            rows=8,
            columns=8,
            activation_format=FP32,
            weight_format=Integer(8),
            accumulator_format=FP32,
            rounding="truncate",
            host_adds_tiles=False,
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * w.nbytes, peak / w.nbytes
