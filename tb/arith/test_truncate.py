"""TRUNCATE against exact float64 arithmetic, and against SoftFloat."""

import numpy as np
import pytest
import softfloatpy

from support.exact import disagreement, flushed, to_double, truncated, two_sum
from support.pairs import CHUNK, PAIRS
from support.products import names
from support.softfloat import softfloat
from tileloom_golden.arithmetic import add, hybrid_multiply, multiply
from tileloom_golden.formats import BF16, FP16, FP32, INT8, TF32, Float, Rounding
from tileloom_golden.integers import from_sign_magnitude
from tileloom_sim.systolic.stimulus import adder_pairs, multiplier_pairs

SAMPLE = 300_000
TRUNCATE = Rounding.TRUNCATE


@PAIRS
@pytest.mark.parametrize("format", [FP32, FP16, Float(6, 17)], ids=str)
def test_add_equals_float64_truncated(rng, format, pairs):
    compared = 0
    while compared < pairs:
        a, b = adder_pairs(rng, format, CHUNK)
        expected = truncated(*two_sum(to_double(a, format), to_double(b, format)), format)
        assert not disagreement(add(a, b, format, TRUNCATE), expected, a, b)
        compared += a.size
    print(f"add {format}: {compared:,} pairs equal")
    assert compared >= pairs


@PAIRS
@pytest.mark.parametrize(
    "formats",
    [
        (FP32, FP32, FP32),
        (FP16, FP16, FP32),
        (FP32, FP32, BF16),
        (TF32, BF16, FP32),
        (BF16, Float(3, 2), Float(6, 17)),
    ],
    ids=names,
)
def test_multiply_equals_float64_truncated(rng, formats, pairs):
    compared = 0
    while compared < pairs:
        a, b = multiplier_pairs(rng, *formats, CHUNK)
        expected = truncated(to_double(a, formats[0]) * to_double(b, formats[1]), None, formats[2])
        assert not disagreement(multiply(a, b, *formats, TRUNCATE), expected, a, b)
        compared += a.size
    print(f"multiply {names(formats)}: {compared:,} pairs equal")
    assert compared >= pairs


@PAIRS
@pytest.mark.parametrize("formats", [(FP32, INT8, FP32), (BF16, INT8, FP32)], ids=names)
def test_hybrid_multiply_equals_float64_truncated(rng, formats, pairs):
    compared, seen = 0, np.zeros(256, np.int64)
    while compared < pairs:
        a, b = multiplier_pairs(rng, *formats, CHUNK)
        expected = truncated(to_double(a, formats[0]) * from_sign_magnitude(b), None, formats[2])
        got = hybrid_multiply(a, b, *formats, TRUNCATE)
        assert not disagreement(got, expected, a, b)
        seen += np.bincount(b.astype(np.int64), minlength=256)
        compared += a.size
    print(f"hybrid multiply {names(formats)}: {compared:,} pairs equal, each INT8 word {seen.min():,} times")
    assert compared >= pairs
    assert seen.min() > 0


def test_add_equals_softfloat(rng):
    a, b = (flushed(words, FP32) for words in adder_pairs(rng, FP32, SAMPLE))
    assert not disagreement(
        add(a, b, FP32, TRUNCATE), softfloat(softfloatpy.f32_add, a, b, FP32, TRUNCATE), a, b
    )


def test_multiply_equals_softfloat(rng):
    a, b = (flushed(words, FP32) for words in multiplier_pairs(rng, FP32, FP32, FP32, SAMPLE))
    got = multiply(a, b, FP32, FP32, FP32, TRUNCATE)
    assert not disagreement(got, softfloat(softfloatpy.f32_mul, a, b, FP32, TRUNCATE), a, b)


def test_hybrid_multiply_equals_softfloat(rng):
    a, b = multiplier_pairs(rng, FP32, INT8, FP32, SAMPLE)
    a = flushed(a, FP32)
    as_float = from_sign_magnitude(b).astype(np.float32).view(np.uint32).astype(np.uint64)
    got = hybrid_multiply(a, b, FP32, INT8, FP32, TRUNCATE)
    assert not disagreement(got, softfloat(softfloatpy.f32_mul, a, as_float, FP32, TRUNCATE), a, b)
