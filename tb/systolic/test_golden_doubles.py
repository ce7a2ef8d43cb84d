"""The ways of `gemm` through the processor's floats against that on words, over operands at its limits."""

from collections import Counter

import numpy as np
import pytest

from support.seed import SEED
from tileloom_golden.formats import BF16, FP16, FP32, TF32, Float, Integer, Rounding
from tileloom_golden.systolic import doubles, gemm, singles

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


def noted(function, way, taken):
    """Return the function, which notes the way that was taken."""

    def call(*arguments):
        taken.append(way.rpartition(".")[2])
        return function(*arguments)

    return call


def test_all_ways_give_the_same_words(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(SEED)
    ways: Counter[str] = Counter()
    taken: list[str] = []
    for module, name in ((doubles, "accumulate"), (gemm, "_accumulate"), (singles, "accumulate")):
        monkeypatch.setattr(module, name, noted(getattr(module, name), module.__name__, taken))
    in_range = doubles.in_range
    for _ in range(CASES):
        activation = (FP32, BF16, FP16, TF32)[rng.integers(4)]
        weight = (FP32, Integer(8), Integer(4), FP16, BF16)[rng.integers(5)]
        accumulator = (FP32, FP32, FP16, BF16, Float(8, 10))[rng.integers(5)]
        m, k, n = rng.integers(1, (9, 40, 12))
        spread = int(rng.choice([1, 2, 4, 12, 30, 127]))
        x, w = words(rng, activation, (m, k), spread), words(rng, weight, (k, n), spread)
        x[:, k // 2 :] ^= x[:, : k - k // 2] & 1 << (activation.width - 1)  # some cancel, or nearly
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
        found = {}
        # What is said of the range decides between floats and words, how many are many between the floats.
        for many, ranged in ((1, in_range), (m + 1, in_range), (1, lambda *arguments: False)):
            monkeypatch.setattr(singles, "MANY", many)
            monkeypatch.setattr(singles, "BLOCK", int(rng.integers(1, 50)))
            monkeypatch.setattr(doubles, "in_range", ranged)
            taken.clear()
            result = gemm.gemm(x, w, **options)
            found[taken[0] if taken else "none"] = result
            assert np.array_equal(result, next(iter(found.values()))), options
        ways.update(found.keys())
    assert ways["singles"] > CASES / 10 and ways["doubles"] > CASES / 3, ways
    assert ways["gemm"] > CASES * 0.9, ways


@pytest.mark.parametrize("machine", ["x86_64", "PDP-11"])
def test_without_a_way_to_set_the_processors_rounding_doubles_truncate(machine: str, monkeypatch):
    """And where there is one, NumPy's own sums round to nearest again afterwards."""
    singles._fesetround.cache_clear()
    singles.truncates.cache_clear()
    monkeypatch.setattr(singles.platform, "machine", lambda: machine)
    formats = FP32, Integer(8)
    try:
        assert singles.applies(100, formats, FP32, Rounding.NEAREST_EVEN)
        able = singles.applies(100, formats, FP32, Rounding.TRUNCATE)
        assert able == singles.truncates() and not (able and machine == "PDP-11")
    finally:
        singles._fesetround.cache_clear()
        singles.truncates.cache_clear()
    assert np.float32(1) + np.float32(1.5 * 2**-24) == np.float32(1 + 2**-23)
    assert not singles.applies(100, formats, FP16, Rounding.NEAREST_EVEN)


def test_a_processor_that_does_not_truncate_is_seen(monkeypatch):
    singles.truncates.cache_clear()
    monkeypatch.setattr(singles, "_fesetround", lambda: lambda mode: 0)
    try:
        assert not singles.truncates()
    finally:
        singles.truncates.cache_clear()
