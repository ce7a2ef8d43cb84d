"""The arithmetic itself, on blocks that fit the cache, without checks: `arithmetic` and `gemm` call it.

So may whoever holds words that have been checked or that came out of this package.


Every result is the exact one, held in 64-bit integers, rounded once. Three steps make up an operation:
unpack words into sign, exponent and significand; combine them exactly; `round_and_pack` the outcome.
Each function owns the arrays that it made and changes them in place, since memory traffic is the cost.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .checks import Words
from .formats import FP32, Float, Integer, Rounding

Ints = npt.NDArray[np.int64]

BLOCK = 16384
"""Elements to work on at once: the arrays of one operation then stay in the second-level cache."""

FLOAT64 = Float(11, 52)

_ZERO_EXPONENT = -(1 << 14)
"""An unpacked zero's exponent: so low that every product with it underflows, hence is zero."""


@dataclass(frozen=True)
class Unpacked:
    """Operands of a multiplication, int64 arrays of one shape.

    The value is (-1)**sign * 2**exponent * significand / 2**fraction_bits, and the significand's leading
    one is at bit `fraction_bits`. A zero has that leading one too, but an exponent that is out of range.
    """

    sign: Ints
    exponent: Ints
    significand: Ints
    fraction_bits: int

    def __getitem__(self, index: Any) -> "Unpacked":
        """Return the operands that NumPy's indexing selects."""
        return Unpacked(self.sign[index], self.exponent[index], self.significand[index], self.fraction_bits)


def unpack(words: Words, format: Float | Integer) -> Unpacked:
    """Unpack words (any shape, neither infinity nor NaN)."""
    sign = (words >> (format.width - 1)).view(np.int64)
    magnitude = (words & format.magnitude_mask).view(np.int64)
    if isinstance(format, Float):
        fraction_bits = format.fraction_bits
        field = magnitude >> fraction_bits
        exponent = np.where(field == 0, _ZERO_EXPONENT, field - format.bias)
        significand = magnitude & (format.smallest_normal - 1) | format.smallest_normal
    else:
        # An integer becomes a float with the magnitude's leading one in front: the product is the same.
        fraction_bits = format.significand_bits - 1
        lead = leading_one(magnitude, format.significand_bits)
        exponent = np.where(magnitude == 0, _ZERO_EXPONENT, lead)
        significand = np.where(magnitude == 0, 1 << fraction_bits, magnitude << (fraction_bits - lead))
    return Unpacked(sign, exponent, significand, fraction_bits)


def nonzero(words: Words, format: Float | Integer) -> npt.NDArray[np.bool_]:
    """Return which words are not zero in value: a float's exponent field is 0, or an integer's magnitude."""
    smallest = format.smallest_normal if isinstance(format, Float) else 1
    return (words & format.magnitude_mask) >= smallest


def flush(words: Words, format: Float) -> Words:
    """Return words (any shape) in which every zero, negative or with a fraction, is the word 0."""
    return np.where(nonzero(words, format), words, np.uint64(0))


def to_float64(words: Words, format: Float) -> npt.NDArray[np.float64]:
    """Return the values of words (any shape, no NaN), exactly; every zero is +0.0."""
    if format == FP32:
        return flush(words, format).astype(np.uint32).view(np.float32).astype(np.float64)
    magnitude = words & format.magnitude_mask
    sign = words >> (format.width - 1)
    # Every value of a format is a normal float64: its fraction moves up and its exponent changes bias.
    bits = magnitude << (52 - format.fraction_bits)
    bits += (FLOAT64.bias - format.bias) << 52
    bits |= sign << 63
    bits = np.where(magnitude < format.smallest_normal, np.uint64(0), bits)
    bits = np.where(magnitude == format.infinity, FLOAT64.infinity | sign << 63, bits)
    return np.asarray(bits, np.uint64).view(np.float64)


def leading_one(values: Ints, bits: int) -> Ints:
    """Return the bit position of each value's leading one; values are of so many bits, zero gives -1023."""
    if bits > 53:
        # Too wide for a float64: clear every bit below a one, so that rounding cannot reach the next power.
        values = values & ~(values >> 1)
    position = values.astype(np.float64).view(np.int64)
    position >>= 52
    position -= 1023
    return position


def round_and_pack(
    sign: Ints, exponent: Ints, significand: Ints, lead: int, format: Float, rounding: Rounding
) -> Words:
    """Round exact results once and pack them; exponent and significand are overwritten.

    Rounding comes first, as if exponents had no ends; then what is below the smallest normal becomes +0,
    and what is above the largest finite value becomes infinity.

    Parameters
    ----------
    sign:
        0 or 1.
    exponent:
        The exponent field that the result would have, of any size.
    significand:
        Exact, its leading one at bit `lead`; less than 2**62.
    lead:
        See significand.
    format:
        Of the result.
    rounding:
        Of the result.

    Returns
    -------
    Words
        Words, of the arguments' shape.
    """
    dropped = lead - format.fraction_bits
    if dropped > 0:
        if rounding is Rounding.NEAREST_EVEN:
            up = significand >> dropped
            up &= 1
            up += (1 << (dropped - 1)) - 1
            significand += up
        significand >>= dropped
    elif dropped < 0:
        significand <<= -dropped
    np.clip(exponent, -1, format.exponent_ones, out=exponent)
    # A significand that rounds up to 2.0 carries into the exponent here, as it should. The sum is the
    # word's magnitude less one smallest normal: this keeps the carry of an 11-bit exponent inside 63 bits,
    # and makes negative exactly what underflows.
    exponent -= 2
    exponent <<= format.fraction_bits
    exponent += significand
    magnitude = np.minimum(exponent, format.infinity - format.smallest_normal, out=exponent)
    keep = magnitude >> 63
    np.invert(keep, out=keep)
    magnitude += format.smallest_normal
    magnitude |= sign << (format.width - 1)
    magnitude &= keep
    return magnitude.view(np.uint64)


def multiply(a: Unpacked, b: Unpacked, format: Float, rounding: Rounding) -> Words:
    """Multiply operands (shapes that broadcast) into words of `format`; see `arithmetic.multiply`."""
    product = a.significand * b.significand
    lead = a.fraction_bits + b.fraction_bits + 1
    exponent = a.exponent + b.exponent
    carry = product >> lead  # 1 where the product of two significands in [1, 2) is 2 or more
    exponent += carry
    exponent += format.bias
    carry ^= 1
    product <<= carry
    return round_and_pack(a.sign ^ b.sign, exponent, product, lead, format, rounding)


def add(a: Words, b: Words, format: Float, rounding: Rounding) -> Words:
    """Add words (one shape, zeros flushed to +0) into words; see `arithmetic.add`."""
    fraction_bits, mask = format.fraction_bits, format.magnitude_mask
    difference = a ^ b
    larger = np.where((a & mask) < (b & mask), b, a)  # the first operand where the magnitudes are equal
    smaller = (difference ^ larger).view(np.int64)
    sign = (larger >> (format.width - 1)).view(np.int64)
    larger_magnitude = (larger & mask).view(np.int64)
    smaller &= mask

    exponent = larger_magnitude >> fraction_bits
    gap = smaller >> fraction_bits
    leading = np.minimum(gap, 1)  # a zero has no leading one
    leading <<= fraction_bits
    np.subtract(exponent, gap, out=gap)

    # Three bits below the fraction: two that a cancellation by one bit can bring up, and a sticky one,
    # set wherever a one is shifted out. A longer cancellation needs a gap of 0 or 1, which loses no bit.
    smaller &= format.smallest_normal - 1
    smaller |= leading
    smaller <<= 3
    aligned = smaller >> gap
    lost = aligned << gap
    lost ^= smaller
    aligned |= np.minimum(lost, 1, out=lost)

    # The larger may be a zero too, but then its exponent 0 makes the result underflow.
    total = larger_magnitude
    total &= format.smallest_normal - 1
    total |= format.smallest_normal
    total <<= 3
    negative = (difference >> (format.width - 1)).view(np.int64)
    np.negative(negative, out=negative)
    aligned ^= negative
    aligned -= negative
    total += aligned

    lead = fraction_bits + 4  # where a carry out of the addition puts the leading one
    position = leading_one(total, lead + 1)
    infinite = exponent == format.exponent_ones
    cancelled = total == 0
    position -= lead
    exponent += position
    exponent += 1
    np.copyto(exponent, -1, where=cancelled)
    np.negative(position, out=position)
    total <<= position
    result = round_and_pack(sign, exponent, total, lead, format, rounding)
    if infinite.any():
        np.copyto(result, larger, where=infinite)
    return result
