"""Multiply, hybrid multiply and add on arrays of words: the checked entrance to `rounding`.

The number system is that of IEEE 754-2019 without subnormals, NaN and negative zero: an operand whose
exponent field is 0 is zero; each exact result is rounded once, as if exponents had no ends; below the
smallest normal it then becomes +0, above the largest finite value infinity with its sign, whichever
the rounding. The hybrid multiply is the one of SASP (Palacios et al., "Systolic Arrays and Structured
Pruning Co-design for Efficient Transformers in Edge Systems"), which rounds by truncation.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from . import rounding as kernels
from .checks import Words, check_words
from .formats import Float, Integer, Rounding

PRODUCT_BITS = 62
"""The most bits that the two significands of a product may have together: it is computed in int64."""


def multiply(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    a_format: Float,
    b_format: Float | Integer,
    result_format: Float,
    rounding: Rounding | str,
) -> Words:
    """Multiply words; the formats of both operands and of the result may all differ.

    Parameters
    ----------
    a:
        Words of any integer dtype.
    b:
        Words of any integer dtype and a shape that broadcasts with a's.
    a_format:
        Of a.
    b_format:
        Of b; an Integer makes it the hybrid multiply.
    result_format:
        Of the result.
    rounding:
        Of the exact product, to the result's format.

    Returns
    -------
    Words
        Words (uint64) of the broadcast shape.

    Raises
    ------
    ValueError
        A dtype is not an integer; a word does not fit, or is infinity or NaN (the message has its index); the
        shapes do not broadcast; the significands have more than 62 bits together.
    """
    rounding = Rounding(rounding)
    check_product(a_format, b_format)
    left = check_words(a, a_format, "a")
    right = check_words(b, b_format, "b")

    def block(x: Words, y: Words) -> Words:
        return kernels.multiply(
            kernels.unpack(x, a_format), kernels.unpack(y, b_format), result_format, rounding
        )

    return _blockwise(block, left, right)


def hybrid_multiply(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    a_format: Float,
    b_format: Integer,
    result_format: Float,
    rounding: Rounding | str,
) -> Words:
    """Multiply float words by sign-magnitude integer words; otherwise as `multiply`.

    Either magnitude-0 word of b, the negative zero too, gives +0.
    """
    return multiply(a, b, a_format, b_format, result_format, rounding)


def add(a: npt.ArrayLike, b: npt.ArrayLike, format: Float, rounding: Rounding | str) -> Words:
    """Add words of one format.

    Every zero result is +0. An infinite operand is the result; where both are, the first is, which in a
    column is the partial sum.

    Parameters
    ----------
    a:
        Words of any integer dtype; infinity is allowed.
    b:
        Words of any integer dtype and a shape that broadcasts with a's; infinity is allowed.
    format:
        Of operands and result.
    rounding:
        Of the exact sum.

    Returns
    -------
    Words
        Words (uint64) of the broadcast shape.

    Raises
    ------
    ValueError
        A dtype is not an integer; a word does not fit or is NaN (the message has its index); the shapes do
        not broadcast.
    """
    rounding = Rounding(rounding)
    left = check_words(a, format, "a", infinity=True)
    right = check_words(b, format, "b", infinity=True)

    def block(x: Words, y: Words) -> Words:
        return kernels.add(kernels.flush(x, format), kernels.flush(y, format), format, rounding)

    return _blockwise(block, left, right)


def check_product(a_format: Float | Integer, b_format: Float | Integer) -> None:
    """Raise ValueError if a product of these formats is too wide to be exact here."""
    bits = a_format.significand_bits + b_format.significand_bits
    if bits > PRODUCT_BITS:
        raise ValueError(
            f"{a_format} x {b_format}: the significands have {bits} bits together, "
            f"and products are exact up to {PRODUCT_BITS}"
        )


def _blockwise(block: Callable[[Words, Words], Words], a: Words, b: Words) -> Words:
    """Apply a kernel to two arrays, broadcast against each other, in blocks that fit the cache."""
    a, b = np.broadcast_arrays(a, b)
    left, right = a.reshape(-1), b.reshape(-1)
    result = np.empty(left.size, np.uint64)
    for start in range(0, left.size, kernels.BLOCK):
        part = slice(start, start + kernels.BLOCK)
        result[part] = block(left[part], right[part])
    return result.reshape(a.shape)
