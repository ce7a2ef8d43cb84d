"""What an encoder has between its products, as CV32E40P's FPU computes it: softmax, normalisation, ReLU.

IEEE 754 single precision, to nearest, ties to even, fused multiply-adds where there are any. Sums go from the
first element to the last. The C library's ``between.h`` gives these bits.
"""

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim
from ..fused import fused_multiply_add

Singles = npt.NDArray[np.float32]

LOG2_E = np.float32(1.4426950408889634)
EXPONENTIAL = np.array([0x3C1CCBEB, 0x3D650A20, 0x3E76036D, 0x3F31706E, 0x3F7FFFF4], np.uint32).view(
    np.float32
)
"""Of 2^x from -0.5 to 0.5, the highest power first: within 2.6e-6 of it."""
ROUNDING = np.float32(1.5 * 2**23 + 127)
"""A number plus it is rounded to an integer, and the lowest bits are the exponent field of 2^x."""
LEAST = np.float32(-126)


def softmax(scores: npt.ArrayLike, scale: float, power: float = 1.0) -> Singles:
    """Return power * 2^(scale * s) over the sum of 2^(scale * s) of a row.

    Parameters
    ----------
    scores:
        Float32, M x N, finite.
    scale:
        Of float32, positive: for softmax in base e, times `LOG2_E`.
    power:
        Of float32: what else the quotients are to be times.

    Raises
    ------
    ValueError
        Not float32, not two-dimensional, or not finite.
    """
    rows = _matrix(scores, "scores")
    by, times = np.float32(scale), np.float32(power)
    largest = rows.max(axis=1, keepdims=True) * by
    exponents = np.maximum(fused_multiply_add(rows, by, -largest), LEAST)
    rounded = exponents + ROUNDING
    fraction = exponents - (rounded - ROUNDING)
    powers = (rounded.view(np.uint32) << np.uint32(23)).view(np.float32)
    value = np.full_like(rows, EXPONENTIAL[0])
    for coefficient in EXPONENTIAL[1:]:
        value = fused_multiply_add(value, fraction, coefficient)
    value *= powers
    return value * (times / _sum(value))


def normalise(vectors: npt.ArrayLike, epsilon: float = 1e-5) -> Singles:
    """Return vectors less their mean, over the root of their variance plus epsilon: layer normalisation.

    Parameters
    ----------
    vectors:
        Float32, M x N, finite.
    epsilon:
        Of float32, positive.

    Raises
    ------
    ValueError
        Not float32, not two-dimensional, or not finite.
    """
    rows = _matrix(vectors, "vectors")
    share = np.float32(1) / np.float32(rows.shape[1])
    squares = np.zeros((len(rows), 1), np.float32)
    for column in rows.T[:, :, None]:
        squares = fused_multiply_add(column, column, squares)
    mean = _sum(rows) * share
    variance = np.maximum(fused_multiply_add(squares, share, -(mean * mean)), np.float32(0))
    over = np.float32(1) / np.sqrt(variance + np.float32(epsilon))
    return fused_multiply_add(rows, over, -(mean * over))


def rectify(vectors: npt.ArrayLike) -> Singles:
    """Return ReLU of float32: +0 for what is negative. Raises ValueError as `normalise`."""
    rows = _matrix(vectors, "vectors")
    return np.where(rows > 0, rows, np.float32(0))


def _sum(rows: Singles) -> Singles:
    """Return the sum of each row, M x 1, from the first element to the last."""
    total = np.zeros((len(rows), 1), np.float32)
    for column in rows.T[:, :, None]:
        total += column
    return total


def _matrix(values: npt.ArrayLike, name: str) -> Singles:
    array = np.asarray(values)
    if array.dtype != np.float32:
        raise ValueError(f"{name} has dtype {array.dtype}, not float32")
    check_ndim(array, 2, name)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has an element that is NaN or infinite")
    return array
