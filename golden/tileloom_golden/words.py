"""Values to words of a float format and back, and words to bytes and back; integers are in `integers`."""

from typing import Any

import numpy as np
import numpy.typing as npt

from . import rounding as kernels
from .checks import Words, check_words, refuse
from .formats import FP32, Float, Rounding


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
    rounding = Rounding(rounding)
    if array.dtype == np.float32 and format == FP32:
        return kernels.flush(np.ascontiguousarray(array).view(np.uint32).astype(np.uint64), format)
    source = np.ascontiguousarray(array).reshape(-1)
    words: Words = np.empty(source.size, np.uint64)
    largest = 0
    for start in range(0, source.size, kernels.BLOCK):
        part = slice(start, start + kernels.BLOCK)
        exact = kernels.unpack(source[part].astype(np.float64).view(np.uint64), kernels.FLOAT64)
        words[part] = kernels.round_and_pack(
            exact.sign,
            exact.exponent + format.bias,
            exact.significand,
            exact.fraction_bits,
            format,
            rounding,
        )
        largest = max(largest, int((words[part] & format.magnitude_mask).max()))
    words = words.reshape(array.shape)
    if largest == format.infinity:
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


def packed(words: npt.NDArray[Any], bits: int) -> npt.NDArray[np.uint8]:
    """Return rows of words as rows of bytes, element 0 in the least significant bits.

    Parameters
    ----------
    words:
        Rows x elements: signed of exactly so many bits, or unsigned that fit them.
    bits:
        Of a word, 1 to 64.

    Raises
    ------
    ValueError
        A dtype or a word that does not fit.
    """
    kind, there = words.dtype.kind, words.dtype.itemsize * 8
    if kind not in "iu" or there < bits or (kind == "i" and there != bits):
        raise ValueError(f"words have dtype {words.dtype}, not {bits} bits")
    if there > bits:
        refuse(words >> bits != 0, "words", f"does not fit {bits} bits")
    count, elements = words.shape
    if bits in (8, 16, 32, 64):
        return np.ascontiguousarray(words, f"<{kind}{bits // 8}").view(np.uint8)
    wide = np.ascontiguousarray(words, "<u8").view(np.uint8).reshape(count, elements, 8)
    row = np.unpackbits(wide, axis=-1, bitorder="little")[..., :bits].reshape(count, elements * bits)
    return np.packbits(row, axis=-1, bitorder="little")


def unpacked(rows: npt.NDArray[np.uint8], bits: int, elements: int) -> npt.NDArray[np.uint64]:
    """Return the words that rows of bytes hold, rows x elements, as `packed` lays them out."""
    if bits in (8, 16, 32, 64):
        filled = np.ascontiguousarray(rows[:, : elements * bits // 8])
        return filled.view(f"<u{bits // 8}").astype(np.uint64)
    row = np.unpackbits(np.ascontiguousarray(rows), axis=-1, bitorder="little")[:, : elements * bits]
    wide = np.zeros((len(rows), elements, 64), np.uint8)
    wide[..., :bits] = row.reshape(len(rows), elements, bits)
    return np.packbits(wide, axis=-1, bitorder="little").view("<u8")[..., 0].astype(np.uint64)
