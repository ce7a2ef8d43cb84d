"""Encoding and decoding of words, floats and sign-magnitude integers."""

from fractions import Fraction

import numpy as np
import pytest

from support.exact import rounded, to_ieee, value
from tileloom_golden.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, TF32, Float, Rounding
from tileloom_golden.integers import from_sign_magnitude, sign_magnitude
from tileloom_golden.words import decode, encode, to_float32
from tileloom_sim.systolic.stimulus import float_words

FORMATS = [FP32, TF32, BF16, FP16, FP8_E4M3, FP8_E5M2, Float(2, 1), Float(11, 52)]


@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_decode_is_exact_and_encode_undoes_it(rng, format):
    words = float_words(rng, format, (500, 4), infinity=False)
    values = decode(words, format)
    assert values.shape == words.shape and values.dtype == np.float64
    assert [Fraction(v) for v in values.flat] == [value(w, format) for w in words.flat]
    zero = (words & format.magnitude_mask) < format.smallest_normal
    np.testing.assert_array_equal(encode(values, format), np.where(zero, 0, words))
    assert not np.signbit(values[zero]).any()


@pytest.mark.parametrize("format", [FP32, BF16, FP16, FP8_E4M3, FP8_E5M2], ids=str)
def test_to_float32_equals_the_library(rng, format):
    words = float_words(rng, format, 2000, infinity=True)
    got = to_float32(words, format)
    np.testing.assert_array_equal(got, to_ieee(words, format).astype(np.float32))
    assert got.dtype == np.float32


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_encode_rounds_once(rng, format, rounding):
    largest = decode(format.infinity - 1, format)
    values = rng.uniform(-1, 1, 500) * np.exp2(rng.uniform(-format.bias - 3, format.bias, 500))
    values = np.clip(values, -largest, largest)
    got = encode(values, format, rounding)
    assert [int(w) for w in got] == [rounded(Fraction(v), format, rounding) for v in values]


def test_sign_magnitude_round_trip():
    integers = np.arange(-127, 128, dtype=np.int8).reshape(3, 85)
    words = sign_magnitude(integers)
    assert words.dtype == np.uint64 and words.shape == (3, 85)
    assert sign_magnitude(-5) == 0x85 and sign_magnitude(5) == 5
    np.testing.assert_array_equal(from_sign_magnitude(words), integers)
    assert from_sign_magnitude([0x80]) == [0]
    np.testing.assert_array_equal(from_sign_magnitude(sign_magnitude([-32767, 9], 16), 16), [-32767, 9])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: encode([[1.0, np.nan]], FP32), r"values\[0, 1\] is NaN or infinite"),
        (lambda: encode([1.0, -np.inf], FP32), r"values\[1\] is NaN or infinite"),
        (lambda: encode([1.0, 65520.0], FP16), r"values\[1\] overflows fp16"),
        (lambda: encode([1, 2], FP16), "values has dtype int64"),
        (lambda: encode([1.0], FP16, "up"), "rounding 'up' is none of"),
        (lambda: decode([0, 0x7C01], FP16), r"words\[1\] is NaN"),
        (lambda: to_float32([0], Float(11, 52)), "float32 cannot hold every value of e11m52"),
        (lambda: sign_magnitude(np.array([[0, -128]], np.int8)), r"integers\[0, 1\] is -128: 8-bit"),
        (lambda: sign_magnitude(np.array([200], np.uint8)), r"integers\[0\] is 200"),
        (lambda: sign_magnitude([1.0]), "integers has dtype float64"),
        (lambda: from_sign_magnitude([1, 256]), r"words\[1\] does not fit the 8 bits"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_float32_is_fp32_but_for_what_is_not_normal(rng):
    words = rng.integers(0, 1 << 32, 20000, dtype=np.uint32)
    words[:3] = 0x80000000, 0x007FFFFF, 0x00800000
    values = words.view(np.float32)
    values = values[np.isfinite(values)]
    for rounding in Rounding:
        np.testing.assert_array_equal(
            encode(values, FP32, rounding), encode(values.astype(np.float64), FP32, rounding)
        )
    with pytest.raises(ValueError, match=r"values\[1\] is NaN or infinite"):
        encode(np.float32([1, np.inf]), FP32)
