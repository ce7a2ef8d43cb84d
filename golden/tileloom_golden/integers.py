"""Integers: sign-magnitude words, and INT8 convolutions with INT32 sums that wrap, as families share them.

Activations are y x x x channels, weights C_out x h x w x C_in. Output pixel (y, x) is the sum over taps
(dy, dx) of input pixel (stride y + dy - top, stride x + dx - left), which is 0 outside the image.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .checks import Words, check_integers, check_ndim, check_positive, check_words, refuse
from .formats import Integer

Pads = tuple[int, int, int, int]
"""Top, bottom, left, right."""


def check_int8(values: npt.ArrayLike, name: str, ndim: int) -> npt.NDArray[np.int8]:
    """Return an array as int8.

    Raises
    ------
    ValueError
        Not an integer dtype, not so many dimensions, or an element outside -128 to 127 (the message has its
        index).
    """
    array = check_integers(values, name)
    check_ndim(array, ndim, name)
    if array.dtype == np.int8:
        return array
    refuse((array < -128) | (array > 127), name, "does not fit INT8")
    return array.astype(np.int8)


def output_size(height: int, width: int, kernel: tuple[int, int], stride: int, pads: Pads) -> tuple[int, int]:
    """Return the height and width of a convolution's output.

    Raises
    ------
    ValueError
        Kernel or stride is not positive, a pad is negative, or the kernel does not fit into the image.
    """
    for name, value in (("kernel[0]", kernel[0]), ("kernel[1]", kernel[1]), ("stride", stride)):
        check_positive(value, name)
    for name, pad in zip(("top", "bottom", "left", "right"), pads, strict=True):
        if pad < 0:
            raise ValueError(f"pad {name} is {pad}, negative")
    across = height + pads[0] + pads[1] - kernel[0], width + pads[2] + pads[3] - kernel[1]
    if min(across) < 0:
        raise ValueError(f"kernel {kernel} does not fit into {height} x {width} with pads {pads}")
    return across[0] // stride + 1, across[1] // stride + 1


def wrap_int32(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return exact sums as INT32, which wraps."""
    return values.astype(np.uint64).astype(np.uint32).view(np.int32)


def taps(
    activations: npt.NDArray[Any], kernel: tuple[int, int], stride: int = 1, pads: Pads = (0, 0, 0, 0)
) -> npt.NDArray[Any]:
    """Return the pixels that each tap sees: h x w x H_out x W_out x C, of the same dtype.

    Parameters
    ----------
    activations:
        H x W x C.
    kernel:
        (h, w).
    stride:
        Of both directions.
    pads:
        Of zeros.

    Raises
    ------
    ValueError
        As in `output_size`, or activations has not 3 dimensions.
    """
    check_ndim(activations, 3, "activations")
    height, width = output_size(activations.shape[0], activations.shape[1], kernel, stride, pads)
    padded = np.pad(activations, (pads[:2], pads[2:], (0, 0)))
    down, across = stride * (height - 1) + 1, stride * (width - 1) + 1
    return np.array(
        [
            [padded[dy : dy + down : stride, dx : dx + across : stride] for dx in range(kernel[1])]
            for dy in range(kernel[0])
        ]
    )


PART = 1 << 22
"""Weights that `convolve` takes at a time, which are as many float64."""


def convolve(
    activations: npt.ArrayLike, weights: npt.ArrayLike, stride: int = 1, pads: Pads = (0, 0, 0, 0)
) -> npt.NDArray[np.int32]:
    """Convolve INT8 with dense INT8, summing in INT32.

    Parameters
    ----------
    activations:
        H x W x C_in.
    weights:
        C_out x h x w x C_in.
    stride:
        Of both directions.
    pads:
        Top, bottom, left, right.

    Returns
    -------
    npt.NDArray[np.int32]
        H_out x W_out x C_out.

    Raises
    ------
    ValueError
        Dimensions or channels do not agree, or a value does not fit INT8 (its index is named).
    """
    w, x = check_int8(weights, "weights", 4), check_int8(activations, "activations", 3)
    seen = taps(x, (w.shape[1], w.shape[2]), stride, pads)
    if w.shape[3] != x.shape[2]:
        raise ValueError(f"weights has {w.shape[3]} input channels, and activations {x.shape[2]}")
    # float64 is exact here: no sum of products of INT8 comes near 2^53. Large weights are taken in parts.
    exact, each = seen.astype(np.float64), max(1, PART // max(1, w[0:1].size))
    total = np.empty((*seen.shape[2:4], len(w)), np.int32)
    for first in range(0, len(w), each):
        part = w[first : first + each].astype(np.float64)
        sums = np.tensordot(exact, part, axes=((0, 1, 4), (1, 2, 3)))
        total[..., first : first + each] = wrap_int32(sums.astype(np.int64))
    return total


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
    return signed(check_words(words, format, "words"), format)


def signed(words: Words, format: Integer) -> npt.NDArray[np.int64]:
    """Return the integers of sign-magnitude words that were checked before, of the same shape."""
    magnitude = (words & format.magnitude_mask).astype(np.int64)
    return np.where(words >> (format.bits - 1) != 0, -magnitude, magnitude)
