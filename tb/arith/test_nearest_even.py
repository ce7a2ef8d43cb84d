"""NEAREST_EVEN against arithmetic that we did not write: NumPy's and ml_dtypes' own types.

NumPy's float16 and ml_dtypes' types compute in float32 and round the outcome. This rounds correctly:
their products are exact in float32, and for sums a second rounding is harmless when the first has at
least 2p + 2 bits (Figueroa, "When is double rounding innocuous?", 1995): 24 is enough up to p = 11,
which is float16. For float16 it is verified too, since its sums are exact in float64.
"""

import numpy as np
import pytest

from support.exact import disagreement, from_ieee, to_double, to_ieee
from support.pairs import CHUNK, PAIRS
from tileloom_golden.arithmetic import add, hybrid_multiply, multiply
from tileloom_golden.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, INT8, Float, Rounding
from tileloom_golden.integers import from_sign_magnitude
from tileloom_sim.systolic.stimulus import adder_pairs, multiplier_pairs

NEAREST = Rounding.NEAREST_EVEN


def ieee_sum(a, b, format):
    with np.errstate(over="ignore"):
        return from_ieee(to_ieee(a, format) + to_ieee(b, format), None, format)


def ieee_product(a, b, format):
    with np.errstate(over="ignore", under="ignore"):
        product = to_ieee(a, format) * to_ieee(b, format)
    return from_ieee(product, to_double(a, format) * to_double(b, format), format)


def opposite_infinities(a, b, format):
    infinite = (a & format.magnitude_mask) == format.infinity
    return infinite & (a ^ b == 1 << (format.width - 1))


@PAIRS
@pytest.mark.parametrize("format", [FP32, FP16, BF16, Float(11, 52)], ids=str)
def test_add_equals_ieee(rng, format, pairs):
    compared = 0
    while compared < pairs:
        a, b = adder_pairs(rng, format, CHUNK, infinity=True)
        defined = ~opposite_infinities(a, b, format)
        a, b = a[defined], b[defined]
        assert not disagreement(add(a, b, format, NEAREST), ieee_sum(a, b, format), a, b)
        compared += a.size
    print(f"add {format}: {compared:,} pairs equal")
    assert compared >= pairs


@PAIRS
@pytest.mark.parametrize("format", [FP32, FP16, BF16], ids=str)
def test_multiply_equals_ieee(rng, format, pairs):
    compared = 0
    while compared < pairs:
        a, b = multiplier_pairs(rng, format, format, format, CHUNK)
        got = multiply(a, b, format, format, format, NEAREST)
        assert not disagreement(got, ieee_product(a, b, format), a, b)
        compared += a.size
    print(f"multiply {format}: {compared:,} pairs equal")
    assert compared >= pairs


@pytest.mark.parametrize("format", [FP8_E4M3, FP8_E5M2], ids=str)
def test_every_pair_of_fp8(format):
    words = np.arange(256, dtype=np.uint64)
    words = words[(words & format.magnitude_mask) <= format.infinity]
    a, b = (grid.reshape(-1) for grid in np.meshgrid(words, words))
    defined = ~opposite_infinities(a, b, format)
    got = add(a, b, format, NEAREST)
    assert not disagreement(got[defined], ieee_sum(a[defined], b[defined], format), a[defined], b[defined])
    np.testing.assert_array_equal(got[~defined], a[~defined])
    finite = ((a & format.magnitude_mask) < format.infinity) & ((b & format.magnitude_mask) < format.infinity)
    a, b = a[finite], b[finite]
    got = multiply(a, b, format, format, format, NEAREST)
    assert not disagreement(got, ieee_product(a, b, format), a, b)
    print(f"{format}: every pair, {defined.sum():,} sums and {a.size:,} products equal")


def test_float16_sums_of_numpy_are_rounded_once(rng):
    a, b = adder_pairs(rng, FP16, 1_000_000)
    x, y = to_ieee(a, FP16), to_ieee(b, FP16)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(x + y, (x.astype(np.float64) + y.astype(np.float64)).astype(np.float16))


@PAIRS
def test_hybrid_multiply_equals_float64_rounded(rng, pairs):
    compared, seen = 0, np.zeros(256, np.int64)
    while compared < pairs:
        a, b = multiplier_pairs(rng, FP32, INT8, FP32, CHUNK)
        exact = to_double(a, FP32) * from_sign_magnitude(b)  # 24 + 7 bits: exact
        with np.errstate(over="ignore", under="ignore"):
            expected = from_ieee(exact.astype(np.float32), exact, FP32)
        assert not disagreement(hybrid_multiply(a, b, FP32, INT8, FP32, NEAREST), expected, a, b)
        seen += np.bincount(b.astype(np.int64), minlength=256)
        compared += a.size
    print(f"hybrid multiply: {compared:,} pairs equal, each INT8 word at least {seen.min():,} times")
    assert compared >= pairs
    assert seen.min() > 0


def test_the_corner_of_gradual_underflow():
    # (1 - 2**-24) * 2**-126 is half a step of float32's subnormals below the smallest normal, to which
    # IEEE rounds it. As if exponents had no lower end it needs no rounding: it is too small, hence zero.
    a, b = np.array([0x3F7FFFFF], np.uint64), np.array([FP32.smallest_normal], np.uint64)
    ieee = to_ieee(a, FP32) * to_ieee(b, FP32)
    assert ieee.view(np.uint32)[0] == FP32.smallest_normal
    assert multiply(a, b, FP32, FP32, FP32, NEAREST)[0] == 0
    # Half as far below, rounding to 24 bits reaches the smallest normal in either system.
    a, b = np.array([0x3F7FFFFF], np.uint64), np.array([FP32.smallest_normal + 1], np.uint64)
    ieee = to_ieee(a, FP32) * to_ieee(b, FP32)
    assert ieee.view(np.uint32)[0] == multiply(a, b, FP32, FP32, FP32, NEAREST)[0] == FP32.smallest_normal
