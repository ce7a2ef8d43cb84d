"""The way of `gemm` through float64 against the way on words, over operands that reach the limits of both."""

from collections import Counter

import numpy as np
import pytest

from support.seed import SEED
from tileloom_golden.formats import BF16, FP16, FP32, TF32, Float, Integer
from tileloom_golden.systolic import doubles, gemm

CASES = 300


def words(rng, format, shape, spread):
    """Return words whose exponents are within a spread of 1, with zeros and short fractions among them."""
    if isinstance(format, Integer):
        return rng.integers(0, 1 << format.bits, shape).astype(np.uint64)
    spread = min(spread, format.bias)
    exponents = rng.integers(format.bias - spread + 1, format.bias + spread, shape)
    fractions = rng.integers(0, 1 << format.fraction_bits, shape)
    short = fractions & -(1 << max(0, format.fraction_bits - 2))
    fractions = np.where(rng.random(shape) < 0.4, short, fractions)
    signs = rng.integers(0, 2, shape) << (format.width - 1)
    whole = signs | exponents << format.fraction_bits | fractions
    return np.where(rng.random(shape) < 0.1, 0, whole).astype(np.uint64)


def test_both_ways_give_the_same_words(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(SEED)
    ways: Counter[bool] = Counter()
    applies = doubles.applies
    for _ in range(CASES):
        activation = (FP32, BF16, FP16, TF32)[rng.integers(4)]
        weight = (FP32, Integer(8), Integer(4), FP16, BF16)[rng.integers(5)]
        accumulator = (FP32, FP32, FP16, BF16, Float(8, 10))[rng.integers(5)]
        m, k, n = rng.integers(1, (9, 40, 12))
        spread = int(rng.choice([1, 2, 4, 12, 30, 127]))
        x, w = words(rng, activation, (m, k), spread), words(rng, weight, (k, n), spread)
        options = {
            "rows": int(rng.integers(1, 9)),
            "columns": int(rng.integers(1, 6)),
            "activation_format": activation,
            "weight_format": weight,
            "accumulator_format": accumulator,
            "rounding": ("truncate", "nearest-even")[rng.integers(2)],
            "host_adds_tiles": bool(rng.integers(2)),
            "psum": words(rng, accumulator, (m, n), spread) if rng.random() < 0.5 else None,
        }
        taken: list[bool] = []

        def noted(*arguments, taken=taken):
            taken.append(applies(*arguments))
            return taken[-1]

        monkeypatch.setattr(doubles, "applies", noted)
        fast = gemm.gemm(x, w, **options)
        monkeypatch.setattr(doubles, "applies", lambda *arguments: False)
        assert np.array_equal(fast, gemm.gemm(x, w, **options)), options
        ways[taken[0]] += 1
    assert ways[True] > CASES / 3, ways
    assert ways[False] > CASES / 20, ways  # products and sums that could leave the format
