"""The stimulus is as adversarial as it says: each case that it promises is counted."""

import numpy as np
import pytest

from support.products import names
from tileloom_golden.arithmetic import add, multiply
from tileloom_golden.formats import BF16, FP8_E4M3, FP16, FP32, INT8, Float
from tileloom_golden.systolic.gemm import gemm
from tileloom_sim.systolic.stimulus import (
    adder_pairs,
    float_words,
    gemm_words,
    integer_words,
    multiplier_pairs,
)

COUNT = 200_000


@pytest.mark.parametrize("format", [FP32, BF16, FP8_E4M3, Float(11, 52), Float(2, 1)], ids=str)
def test_adder_pairs(rng, format):
    a, b = adder_pairs(rng, format, COUNT, infinity=True)
    x, y = ((words & format.magnitude_mask).astype(np.int64) for words in (a, b))
    assert max(x.max(), y.max()) == format.infinity
    gaps = np.abs((x >> format.fraction_bits) - (y >> format.fraction_bits))
    reachable = min(format.fraction_bits + 4, format.exponent_ones - 1)
    assert set(range(reachable + 1)) <= set(gaps.tolist())
    finite = (x < format.infinity) & (y < format.infinity)
    normal = (x >= format.smallest_normal) & (y >= format.smallest_normal)
    result = add(a, b, format, "truncate") & format.magnitude_mask
    opposite = (a ^ b) >> (format.width - 1) == 1
    cases = {
        "cancelled": normal & opposite & (x == y),
        "one unit apart": normal & opposite & (np.abs(x - y) == 1),
        "underflow": normal & (x != y) & (result == 0),
        "overflow": finite & (result == format.infinity),
        "carry out": finite & (result >> format.fraction_bits > np.maximum(x, y) >> format.fraction_bits),
        "zero with a fraction": (x > 0) & (x < format.smallest_normal),
        "infinity meets its opposite": (x == y) & (x == format.infinity) & opposite,
    }
    assert {name: case.sum() for name, case in cases.items() if case.sum() < 5} == {}


@pytest.mark.parametrize(
    "formats",
    [(FP32, FP32, FP32), (FP32, INT8, FP32), (FP16, FP16, FP16), (FP32, FP32, BF16), (FP16, INT8, FP16)],
    ids=names,
)
def test_multiplier_pairs(rng, formats):
    a, b = multiplier_pairs(rng, *formats, COUNT)
    result = formats[2]
    zero = ((a & formats[0].magnitude_mask) >> formats[0].fraction_bits) == 0
    zero |= (b & formats[1].magnitude_mask) < (1 if formats[1] == INT8 else formats[1].smallest_normal)
    product = (multiply(a, b, *formats, "truncate") & result.magnitude_mask).astype(np.int64)
    field = product >> result.fraction_bits
    cases = {
        "overflow": product == result.infinity,
        "smallest normal": product == result.smallest_normal,
        "largest": product == result.infinity - 1,
        "lowest exponents": (field >= 1) & (field <= 3),
        "highest exponents": (field < result.exponent_ones) & (field >= result.exponent_ones - 3),
        "zero": zero,
    }
    if formats[1] != INT8:  # an integer is at least 1, and cannot make a product too small
        cases["underflow"] = ~zero & (product == 0)
    assert {name: case.sum() for name, case in cases.items() if case.sum() < 5} == {}
    if formats[1] == INT8:
        assert np.bincount(b.astype(int), minlength=256).min() >= COUNT // 256


def test_words_of_any_shape(rng):
    assert float_words(rng, FP32, (3, 4)).shape == (3, 4)
    assert set(integer_words(rng, 8, 256).tolist()) == set(range(256))
    assert len(set(integer_words(rng, 8, (5, 5)).reshape(-1).tolist())) == 25
    words = float_words(rng, FP16, COUNT) & FP16.magnitude_mask
    assert words.max() == FP16.infinity - 1 and words.min() == 0


@pytest.mark.parametrize("weight_format", [FP32, INT8], ids=str)
def test_sums_of_a_gemm_cancel_overflow_and_underflow(rng, weight_format):
    x, w, psum = gemm_words(rng, (40, 16, 12), FP32, weight_format, FP32)
    formats = {"activation_format": FP32, "weight_format": weight_format, "accumulator_format": FP32}
    overflows = cancellations = underflows = 0
    for k in range(16):
        before = psum
        product = multiply(x[:, k, None], w[None, k], FP32, weight_format, FP32, "truncate")
        psum = gemm(
            x[:, k : k + 1],
            w[k : k + 1],
            rows=1,
            columns=12,
            rounding="truncate",
            host_adds_tiles=False,
            psum=psum,
            **formats,
        )
        infinite = psum & FP32.magnitude_mask == FP32.infinity
        overflows += (infinite & (before & FP32.magnitude_mask < FP32.infinity)).sum()
        cancellations += ((psum == 0) & (product != 0)).sum()
        drop = (before & FP32.magnitude_mask) >> 23, (psum & FP32.magnitude_mask) >> 23
        underflows += ((drop[1] == 0) & (drop[0] > 0) & (product & FP32.magnitude_mask != before)).sum()
    print(f"overflows {overflows}, cancellations {cancellations}, underflows {underflows}")
    assert min(overflows, cancellations, underflows) >= 5
    assert (psum & FP32.magnitude_mask < FP32.infinity).mean() > 0.5
