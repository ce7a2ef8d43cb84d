"""References for the golden arithmetic that share no code with it: rational, float64 and IEEE types.

`fractions.Fraction` says what any word and any rounding is, slowly. Float64 does the same for millions
of pairs: products of up to 53 significand bits are exact in it, and for sums it gives the rounded head
and, by Knuth's TwoSum, the exact error.
"""

from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from tileloom_golden.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, Float, Integer, Rounding

Words = npt.NDArray[np.uint64]
Doubles = npt.NDArray[np.float64]

IEEE = {
    FP32: (np.float32, np.uint32),
    FP16: (np.float16, np.uint16),
    BF16: (ml_dtypes.bfloat16, np.uint16),
    FP8_E4M3: (ml_dtypes.float8_e4m3, np.uint8),
    FP8_E5M2: (ml_dtypes.float8_e5m2, np.uint8),
    Float(11, 52): (np.float64, np.uint64),
}
"""The NumPy type that has a format, and the integer type of its words."""


def value(word: int, format: Float | Integer) -> Fraction:
    """Return the value of a finite word."""
    word = int(word)
    if isinstance(format, Integer):
        magnitude = Fraction(word % (1 << (format.bits - 1)))
        negative = word >> (format.bits - 1)
    else:
        field = (word >> format.fraction_bits) % (1 << format.exponent_bits)
        significand = Fraction(word % (1 << format.fraction_bits), 1 << format.fraction_bits) + 1
        magnitude = significand * Fraction(2) ** (field - format.bias) if field else Fraction(0)
        negative = word >> (format.exponent_bits + format.fraction_bits)
    return -magnitude if negative else magnitude


def rounded(exact: Fraction, format: Float, rounding: Rounding) -> int:
    """Return the word that an exact result rounds to."""
    if exact == 0:
        return 0
    sign = int(exact < 0) << (format.exponent_bits + format.fraction_bits)
    magnitude = abs(exact)
    power = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if magnitude < Fraction(2) ** power:
        power -= 1
    steps = magnitude / Fraction(2) ** (power - format.fraction_bits)
    significand = (
        int(steps) if rounding is Rounding.TRUNCATE else round(steps)
    )  # Fraction rounds ties to even
    nearest = significand * Fraction(2) ** (power - format.fraction_bits)
    largest = Fraction(2) ** (format.bias + 1) - Fraction(2) ** (format.bias - format.fraction_bits)
    if nearest < Fraction(2) ** (1 - format.bias):
        return 0
    if nearest > largest:
        return sign | ((1 << format.exponent_bits) - 1) << format.fraction_bits
    if significand >> (format.fraction_bits + 1):
        power, significand = power + 1, significand >> 1
    return sign | (power + format.bias) << format.fraction_bits | significand % (1 << format.fraction_bits)


def flushed(words: Words, format: Float) -> Words:
    """Return words with every operand whose exponent field is 0 as +0."""
    return words * ((words >> format.fraction_bits) % (1 << format.exponent_bits) != 0)


def to_ieee(words: Words, format: Float) -> npt.NDArray[Any]:
    """Return words as an array of the NumPy type that has the format, zeros flushed."""
    dtype, unsigned = IEEE[format]
    return flushed(words, format).astype(unsigned).view(dtype)


def to_double(words: Words, format: Float) -> Doubles:
    """Return the float64 values of words of a format that NumPy has, or of its own."""
    if format in IEEE:
        return to_ieee(words, format).astype(np.float64)
    magnitude = words & ((1 << (format.width - 1)) - 1)
    field = (magnitude >> format.fraction_bits).astype(np.int64)
    fraction = (magnitude % (1 << format.fraction_bits)).astype(np.float64)
    absolute = np.ldexp(1 + fraction / (1 << format.fraction_bits), field - format.bias)
    return np.where(field == 0, 0, absolute) * np.where(words >> (format.width - 1) == 1, -1, 1)


def from_ieee(result: npt.NDArray[Any], exact: Doubles | None, format: Float) -> Words:
    """Return the words that an IEEE result becomes in a number system without subnormals.

    A subnormal result is zero here. The smallest normal is the corner: IEEE rounds on the subnormals'
    grid, twice as coarse as the one below a binade, up to it. There `exact` decides: from a quarter of a
    unit in the last place below (a tie, to even) it is the result, below that it is zero. Sums need no
    `exact`: on that grid they are never rounded.
    """
    words = result.view(IEEE[format][1]).astype(np.uint64)
    magnitude = words & ((1 << (format.width - 1)) - 1)
    smallest = 1 << format.fraction_bits
    words[magnitude < smallest] = 0
    if exact is not None:
        limit = 2.0 ** (1 - format.bias) * (1 - 2.0 ** -(format.fraction_bits + 2))
        words[(magnitude == smallest) & (np.abs(exact) < limit)] = 0
    return words


def two_sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """Return the rounded sum and its exact error (Knuth, The Art of Computer Programming 2, 4.2.2)."""
    head = a + b
    part = head - a
    return head, (a - (head - part)) + (b - part)


def truncated(head: Doubles, error: Doubles | None, format: Float) -> Words:
    """Return the words of head + error (at most half a float64 unit), rounded toward zero to a format.

    Cutting the head's fraction short is right, except where the head lies on the format's grid and the
    error points to zero: then the result is the next value of the grid toward zero. Both are done on
    the bits of the float64, whose exponents have no end that matters here.
    """
    spare = 52 - format.fraction_bits
    bits = head.view(np.int64)
    cut = bits >> spare << spare
    if error is not None:
        inward = (cut == bits) & (error != 0) & (np.signbit(error) != np.signbit(head))
        cut = cut - (inward.astype(np.int64) << spare)
    magnitude = cut & (2**63 - 1)
    sign = (bits < 0).astype(np.uint64)
    rebiased = (magnitude >> spare) - ((1023 - format.bias) << format.fraction_bits)
    rebiased = np.minimum(rebiased, ((1 << format.exponent_bits) - 1) << format.fraction_bits)
    normal = rebiased >= 1 << format.fraction_bits
    return np.where(normal, rebiased.astype(np.uint64) | sign << (format.width - 1), np.uint64(0))


def disagreement(got: Words, expected: Words, a: Words, b: Words) -> str:
    """Return "" if words agree, or the first pair of operands on which they differ."""
    wrong = np.flatnonzero(got != expected)
    if not wrong.size:
        return ""
    i = wrong[0]
    return f"{wrong.size} differ, first: a={a[i]:#x} b={b[i]:#x} got {got[i]:#x} expected {expected[i]:#x}"
