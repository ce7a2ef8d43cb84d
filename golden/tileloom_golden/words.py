"""Values to words of a float format and back; integers are in `integers`."""

import numpy as np
import numpy.typing as npt

from . import rounding as kernels
from .checks import Words, check_words, refuse
from .formats import Float, Rounding


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
