"""Values to words and back: floats, and integers in sign-magnitude."""

import numpy as np
import numpy.typing as npt

from . import rounding as kernels
from .checks import Words, check_integers, check_words, refuse
from .formats import Float, Integer, Rounding


def encode(values: npt.ArrayLike, format: Float, rounding: Rounding | str = Rounding.NEAREST_EVEN) -> Words:
    """Round values to a format.

    Parameters
    ----------
    values:
        Array of any floating dtype that float64 holds exactly, any shape.
    format:
        Of the result.
    rounding:
        From float64 to the format.

    Returns
    -------
    Words
        Words (uint64) of the same shape; what rounds to below the smallest normal is the word 0.

    Raises
    ------
    ValueError
        The dtype is not a float, or a value is NaN, is infinite, or overflows the format (the message has its
        index).
    """
    array = np.asarray(values)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise ValueError(f"values has dtype {array.dtype}, not float64 or a narrower float")
    refuse(~np.isfinite(array), "values", "is NaN or infinite")
    source = np.ascontiguousarray(array, np.float64).reshape(-1)
    exact = kernels.unpack(source.view(np.uint64), kernels.FLOAT64)
    words = kernels.round_and_pack(
        exact.sign,
        exact.exponent + format.bias,
        exact.significand,
        exact.fraction_bits,
        format,
        Rounding(rounding),
    ).reshape(array.shape)
    refuse((words & format.magnitude_mask) == format.infinity, "values", f"overflows {format}")
    return words


def decode(words: npt.ArrayLike, format: Float) -> npt.NDArray[np.float64]:
    """Return the values of words, exactly.

    Parameters
    ----------
    words:
        Any integer dtype, any shape; infinity is allowed and every zero gives +0.0.
    format:
        Of the words.

    Returns
    -------
    npt.NDArray[np.float64]
        float64 of the same shape.

    Raises
    ------
    ValueError
        Not an integer dtype, or a word does not fit or is NaN (the message has its index).
    """
    return kernels.to_float64(check_words(words, format, "words", infinity=True), format)


def to_float32(words: npt.ArrayLike, format: Float) -> npt.NDArray[np.float32]:
    """Return the values of words as float32, exactly; otherwise as `decode`.

    Raises
    ------
    ValueError
        As `decode`, or float32 cannot hold every value of the format.
    """
    if format.exponent_bits > 8 or format.fraction_bits > 23:
        raise ValueError(f"float32 cannot hold every value of {format}: use decode")
    return decode(words, format).astype(np.float32)


def sign_magnitude(integers: npt.ArrayLike, bits: int = 8) -> Words:
    """Return integers as sign-magnitude words.

    Parameters
    ----------
    integers:
        Any integer dtype, any shape, of magnitude at most 2**(bits - 1) - 1.
    bits:
        Of a word, sign included.

    Returns
    -------
    Words
        Words (uint64) of the same shape; 0 is the word 0.

    Raises
    ------
    ValueError
        Not an integer dtype, or a magnitude is too large, as -128 is for 8 bits (the message has its index).
    """
    format = Integer(bits)
    array = check_integers(integers, "integers")
    limit = format.magnitude_mask
    outside = array > limit if array.dtype.kind == "u" else (array > limit) | (array < -limit)
    if outside.any():
        value = array[np.unravel_index(int(np.argmax(outside)), array.shape)]
        refuse(outside, "integers", f"is {value}: {bits}-bit sign-magnitude holds {-limit} to {limit}")
    signed = array.astype(np.int64)
    return np.asarray(np.abs(signed) | (signed < 0).astype(np.int64) << (bits - 1)).astype(np.uint64)


def from_sign_magnitude(words: npt.ArrayLike, bits: int = 8) -> npt.NDArray[np.int64]:
    """Return the integers (int64) of sign-magnitude words, of the same shape; both zeros give 0.

    Raises
    ------
    ValueError
        Not an integer dtype, or a word has more than `bits` bits (the message has its index).
    """
    format = Integer(bits)
    checked = check_words(words, format, "words")
    magnitude = (checked & format.magnitude_mask).astype(np.int64)
    return np.where(checked >> (bits - 1) != 0, -magnitude, magnitude)
