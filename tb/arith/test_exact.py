"""Both roundings against rational arithmetic, in formats that no library has, drawn at random too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import products
from support.exact import rounded, value
from support.products import names
from tileloom_golden.arithmetic import PRODUCT_BITS, add, hybrid_multiply, multiply
from tileloom_golden.formats import BF16, FP8_E4M3, FP16, FP32, INT8, TF32, Float, Integer, Rounding
from tileloom_golden.rounding import leading_one
from tileloom_sim.systolic.reference import operand_format
from tileloom_sim.systolic.stimulus import adder_pairs, multiplier_pairs

E3M2, E2M1, FP64 = Float(3, 2), Float(2, 1), Float(11, 52)
SAMPLE = 1500

PRODUCTS = [
    *(tuple(map(operand_format, formats)) for formats in products.PRODUCTS),
    (FP32, FP32, BF16),
    (TF32, FP8_E4M3, FP16),
    (E3M2, E3M2, E3M2),
    (E3M2, E2M1, FP64),
    (E2M1, Integer(2), E2M1),
    (FP16, Integer(16), BF16),
    (Float(11, 30), Float(11, 30), FP64),
    (Float(11, 30), Float(11, 29), E2M1),
    (Float(2, 52), Integer(9), Float(11, 52)),
]


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("formats", PRODUCTS, ids=names)
def test_multiply_equals_fractions(rng, formats, rounding):
    a, b = multiplier_pairs(rng, *formats, SAMPLE)
    got = multiply(a, b, *formats, rounding)
    for x, y, word in zip(a, b, got, strict=True):
        assert word == rounded(value(x, formats[0]) * value(y, formats[1]), formats[2], rounding), (x, y)


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize(
    "format", [FP32, FP16, FP64, TF32, E3M2, E2M1, Float(2, 52), Float(11, 1), Float(9, 49)], ids=str
)
def test_add_equals_fractions(rng, format, rounding):
    a, b = adder_pairs(rng, format, SAMPLE)
    for x, y, word in zip(a, b, add(a, b, format, rounding), strict=True):
        assert word == rounded(value(x, format) + value(y, format), format, rounding), (x, y)


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("format", [E3M2, E2M1, Float(4, 1)], ids=str)
def test_every_pair_of_small_formats(format, rounding):
    words = np.arange(1 << format.width, dtype=np.uint64)
    words = words[(words & format.magnitude_mask) < format.infinity]
    a, b = (grid.reshape(-1) for grid in np.meshgrid(words, words))
    sums, products = add(a, b, format, rounding), multiply(a, b, format, format, format, rounding)
    for x, y, total, product in zip(a, b, sums, products, strict=True):
        assert total == rounded(value(x, format) + value(y, format), format, rounding), (x, y)
        assert product == rounded(value(x, format) * value(y, format), format, rounding), (x, y)


floats = st.builds(Float, st.integers(2, 11), st.integers(1, 52))
weights = st.one_of(floats, st.builds(Integer, st.integers(2, 32)))


def finite_word(draw, format):
    if isinstance(format, Integer):
        return draw(st.integers(0, (1 << format.bits) - 1))
    magnitude = draw(st.integers(0, format.infinity - 1))
    return magnitude | draw(st.integers(0, 1)) << (format.width - 1)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(st.data())
def test_multiply_of_any_formats(data):
    a_format, b_format, result = data.draw(floats), data.draw(weights), data.draw(floats)
    rounding = data.draw(st.sampled_from(Rounding))
    a, b = finite_word(data.draw, a_format), finite_word(data.draw, b_format)
    if a_format.significand_bits + b_format.significand_bits > PRODUCT_BITS:
        with pytest.raises(ValueError, match="products are exact up to 62"):
            multiply([a], [b], a_format, b_format, result, rounding)
        return
    expected = rounded(value(a, a_format) * value(b, b_format), result, rounding)
    assert multiply([a], [b], a_format, b_format, result, rounding)[0] == expected


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(st.data())
def test_add_of_any_format(data):
    format, rounding = data.draw(floats), data.draw(st.sampled_from(Rounding))
    a = finite_word(data.draw, format)
    near = st.integers(max(0, a % (1 << (format.width - 1)) - 9), format.infinity - 1)
    b = data.draw(near) | data.draw(st.integers(0, 1)) << (format.width - 1)
    expected = rounded(value(a, format) + value(b, format), format, rounding)
    assert add([a], [b], format, rounding)[0] == expected
    assert add([b], [a], format, rounding)[0] == expected


def test_leading_one_of_integers_wider_than_a_float64():
    values = np.array([0, 1, (1 << 53) - 1, (1 << 57) - 1, 1 << 57, (1 << 62) - 1, 5 << 57])
    np.testing.assert_array_equal(leading_one(values, 62), [-1023, 0, 52, 56, 57, 61, 59])


@pytest.mark.parametrize("rounding", list(Rounding))
def test_zeros_of_every_kind(rounding):
    negative_zero, with_fraction, one = 0x80000000, 0x807FFFFF, 0x3F800000
    zeros = np.array([0, negative_zero, with_fraction, 0x007FFFFF])
    np.testing.assert_array_equal(add(zeros[:, None], zeros, FP32, rounding), 0)
    np.testing.assert_array_equal(add(zeros, one, FP32, rounding), one)
    np.testing.assert_array_equal(add(one, zeros, FP32, rounding), one)
    np.testing.assert_array_equal(multiply(zeros, 0xBF800000, FP32, FP32, FP32, rounding), 0)
    np.testing.assert_array_equal(hybrid_multiply(0xBF800000, [0, 0x80], FP32, INT8, FP32, rounding), 0)
    assert add(one, one | negative_zero, FP32, rounding) == 0


@pytest.mark.parametrize("rounding", list(Rounding))
def test_infinity_passes_through_the_adder(rounding):
    up, down, largest = FP32.infinity, FP32.infinity | 1 << 31, FP32.infinity - 1
    assert add(up, down, FP32, rounding) == up  # both infinite: the first, the partial sum
    assert add(down, up, FP32, rounding) == down
    assert add(up, largest | 1 << 31, FP32, rounding) == up
    assert add(largest, down, FP32, rounding) == down
    assert add(largest, largest, FP32, rounding) == up
    assert add(largest | 1 << 31, largest | 1 << 31, FP32, rounding) == down


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: add([0, 0x7F800001], 0, FP32, "truncate"), r"a\[1\] is NaN in fp32"),
        (lambda: add(0, [[0, 0x1FFFFFFFF]], FP32, "truncate"), r"b\[0, 1\] does not fit the 32 bits"),
        (lambda: add([0.5], [0], FP32, "truncate"), "a has dtype float64"),
        (lambda: add([0], [-1], FP32, "truncate"), r"b\[0\] is negative"),
        (lambda: add([0], [0], FP32, "up"), "rounding 'up' is none of: truncate, nearest-even"),
        (lambda: add([0, 1], [0, 1, 2], FP32, "truncate"), "cannot be broadcast"),
        (lambda: multiply([0x7C00], 0, FP16, FP16, FP16, "truncate"), r"a\[0\] is infinity in fp16"),
        (lambda: multiply(0, [3, 0xFE00], FP16, FP16, FP16, "truncate"), r"b\[1\] is NaN in fp16"),
        (lambda: multiply(0, [256], FP16, INT8, FP16, "truncate"), r"b\[0\] does not fit the 8 bits"),
        (lambda: multiply(0, 0, FP64, FP32, FP32, "truncate"), "have 77 bits together"),
        (lambda: Float(1, 5), "exponent_bits is 1, not 2 to 11"),
        (lambda: Float(5, 53), "fraction_bits is 53, not 1 to 52"),
        (lambda: Integer(1), "bits is 1, not 2 to 32"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
