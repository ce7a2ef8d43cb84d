"""The column's sums in float64, for operands among which nothing can over- or underflow: five times as fast.

A product of two significands of 53 bits together is exact in float64, and a sum's rounding error is too
(Knuth, "The Art of Computer Programming", vol. 2, 4.2.2, theorem B). Rounding is then on the bits. Toward
zero they are cut, one less where float64 had rounded away from zero; to nearest, float64's own rounding does
no harm with 2 p + 2 <= 53 (Figueroa, "When is double rounding innocuous?", 1995). `gemm` takes this way where
`applies` and `in_range` say so; a test compares both.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..checks import Words
from ..formats import Float, Integer, Rounding
from ..integers import signed
from ..rounding import FLOAT64, nonzero, to_float64

Doubles = npt.NDArray[np.float64]

BLOCK = 16384
"""Elements to work on at once: the arrays of one step then stay in the second-level cache."""


def values(words: Words, format: Float | Integer) -> Doubles:
    """Return what words (any shape, no NaN) are worth; every zero is +0.0."""
    if isinstance(format, Float):
        return to_float64(words, format)
    return signed(words, format).astype(np.float64)


def magnitudes(parts: Iterable[Words], format: Float | Integer) -> tuple[int, int] | None:
    """Return the smallest and the largest magnitude field among words that are not zero; None if all are."""
    found: tuple[int, int] | None = None
    for words in parts:
        there = words[nonzero(words, format)] & format.magnitude_mask
        if there.size:
            least, most = int(there.min()), int(there.max())
            found = (least, most) if found is None else (min(found[0], least), max(found[1], most))
    return found


def applies(formats: tuple[Float, Float | Integer], accumulator: Float) -> bool:
    """Return whether products and sums of these formats may go this way, if `in_range` holds of them."""
    bits = accumulator.significand_bits
    return sum(each.significand_bits for each in formats) <= 53 and 2 * bits + 2 <= 53


def in_range(
    ranges: tuple[tuple[int, int] | None, tuple[int, int] | None],
    psum: Words,
    length: int,
    formats: tuple[Float, Float | Integer],
    accumulator: Float,
) -> bool:
    """Return whether products and sums of M x K and K x N operands stay normal numbers, or zero.

    Parameters
    ----------
    ranges:
        Of x and of w, as `magnitudes` returns them.
    psum:
        What the sums start from.
    length:
        K.
    formats:
        Of x and of w.
    accumulator:
        Of psum.
    """
    bits = accumulator.significand_bits
    start = magnitudes([psum], accumulator)
    if start is not None and start[1] >= accumulator.infinity:
        return False
    x, w = (_exponents(found, each) for found, each in zip(ranges, formats, strict=True))
    p = _exponents(start, accumulator)
    # All products, and so all sums, are multiples of the last bit of the smallest product there could be.
    least = min(x[0] + w[0], p[0])
    most = max(x[1] + w[1] + 2 + length.bit_length(), p[1]) + 2
    return least - bits >= 1 - accumulator.bias and most < accumulator.bias


def _exponents(found: tuple[int, int] | None, format: Float | Integer) -> tuple[int, int]:
    """Return the exponents of the smallest and the largest magnitude; 0 where there are none."""
    if found is None:
        return 0, 0
    if isinstance(format, Float):
        least, most = (each >> format.fraction_bits for each in found)
        return least - format.bias, most - format.bias
    return found[0].bit_length() - 1, found[1].bit_length() - 1


def accumulate(sums: Doubles, x: Doubles, w: Doubles, format: Float, rounding: Rounding) -> None:
    """Add to each of the M x N sums, in place, its K products in order; x is M x K and w is K x N."""
    m, n = sums.shape
    across = max(1, min(n, BLOCK))
    down = max(1, BLOCK // across)
    for top in range(0, m, down):
        for left in range(0, n, across):
            block = slice(top, top + down), slice(left, left + across)
            part = sums[block].copy()
            product, scratch = np.empty_like(part), np.empty_like(part)
            for k in range(x.shape[1]):
                np.multiply(x[block[0], k, None], w[None, k, block[1]], out=product)
                _round(product, format, rounding)
                part = _add(part, product, format, rounding, scratch)
            sums[block] = part


def add(a: Doubles, b: Doubles, format: Float, rounding: Rounding) -> Doubles:
    """Return sums of numbers of a format, rounded to it."""
    return _add(a, b, format, rounding, np.empty_like(a))


def _add(a: Doubles, b: Doubles, format: Float, rounding: Rounding, scratch: Doubles) -> Doubles:
    total = a + b
    if rounding is Rounding.TRUNCATE:
        # The error of the sum: (a - (total - seen)) + (b - seen), what is seen of b being total - a.
        seen = np.subtract(total, a)
        np.subtract(total, seen, out=scratch)
        np.subtract(a, scratch, out=scratch)
        np.subtract(b, seen, out=seen)
        scratch += seen
        scratch *= total
        total.view(np.int64)[...] -= scratch < 0
    _round(total, format, rounding)
    return total


def _round(values: Doubles, format: Float, rounding: Rounding) -> None:
    """Round to a format's significand, in place; values are normal numbers of it, or zero."""
    dropped = FLOAT64.fraction_bits - format.fraction_bits
    bits = values.view(np.int64)
    if rounding is Rounding.NEAREST_EVEN:
        up = bits >> dropped
        up &= 1
        up += (1 << (dropped - 1)) - 1
        bits += up
    bits &= -(1 << dropped)


def words_of(values: Doubles, format: Float) -> Words:
    """Return the words of numbers of a format."""
    bits = values.view(np.uint64)
    sign, magnitude = bits >> np.uint64(63), bits & np.uint64((1 << 63) - 1)
    shifted = magnitude >> np.uint64(FLOAT64.fraction_bits - format.fraction_bits)
    moved = shifted - (np.uint64(FLOAT64.bias - format.bias) << np.uint64(format.fraction_bits))
    return np.where(magnitude == 0, np.uint64(0), moved | sign << np.uint64(format.width - 1))
