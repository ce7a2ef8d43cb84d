"""Symmetric quantisation of weights to sign-magnitude integers, per tensor or per column.

The scale takes the largest magnitude to the largest integer; zero stays zero and no offset is needed,
so the array multiplies integers and the scale is applied to the result afterwards. Activations that become
weights at run time have a power of two for it.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, refuse

BAND = 1 << 16
"""Weights that are widened to float64 at a time: of a large matrix all would be 8 times its integers."""


@dataclass(frozen=True)
class Quantised:
    """Integer weights and what one step of them is worth: weight = integer * scale.

    Attributes
    ----------
    integers:
        K x N, int8 (up to 8 bits) or int16, of magnitude at most 2**(bits - 1) - 1.
    scale:
        float32, a scalar array () per tensor, (N,) per column; positive.
    """

    integers: npt.NDArray[np.signedinteger[Any]]
    scale: npt.NDArray[np.float32]


def quantise(weights: npt.ArrayLike, bits: int = 8, per: Literal["tensor", "column"] = "tensor") -> Quantised:
    """Quantise weights to the nearest integer multiple of their scale, ties to even.

    Parameters
    ----------
    weights:
        K x N, any floating dtype up to float64.
    bits:
        Of an integer, sign included: 2 to 16.
    per:
        "tensor" for one scale, "column" for one for each of the N columns.

    Returns
    -------
    Quantised
        The integers and the scale. A tensor or column whose scale would be below float32's smallest normal
        (an all-zero one above all) gets scale 1 and integers 0.

    Raises
    ------
    ValueError
        Not a float dtype, not two-dimensional, a weight that is NaN, infinite or too large for a float32
        scale (the message has its index), or a wrong `bits` or `per`.
    """
    if not 2 <= bits <= 16:
        raise ValueError(f"bits is {bits}, not 2 to 16")
    if per not in ("tensor", "column"):
        raise ValueError(f"per is {per!r}, neither 'tensor' nor 'column'")
    array = np.asarray(weights)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise ValueError(f"weights has dtype {array.dtype}, not float64 or a narrower float")
    check_ndim(array, 2, "weights")
    refuse(~np.isfinite(array), "weights", "is NaN or infinite")
    limit = (1 << (bits - 1)) - 1
    if array.dtype.itemsize == 8:  # no narrower one can hold what is refused, or `most` itself
        most = limit * float(np.finfo(np.float32).max)
        refuse(np.abs(array) > most, "weights", "is too large for a float32 scale")

    axis = 0 if per == "column" else None
    bounds = array.max(axis=axis, initial=0.0), array.min(axis=axis, initial=0.0)
    largest = np.maximum(bounds[0].astype(np.float64), -bounds[1].astype(np.float64))
    step = np.asarray(largest / limit)
    tiny = step < np.finfo(np.float32).tiny
    scale = np.where(tiny, 1.0, step).astype(np.float32)
    integers = np.empty(array.shape, np.int8 if bits <= 8 else np.int16)
    together = max(1, BAND // max(1, array.shape[1]))
    for begin in range(0, len(array), together):
        exact = array[begin : begin + together].astype(np.float64) / scale
        # The scale was rounded to float32: the largest weight may fall just beyond the largest integer.
        integers[begin : begin + together] = np.clip(np.rint(exact), -limit, limit)
    return Quantised(integers, scale)


LEAST_EXPONENT = 7
"""Exponent field of the largest weight below which `quantise_by_power` has float32's smallest scale."""


def quantise_by_power(weights: npt.ArrayLike) -> Quantised:
    """Quantise FP32 weights of 8 bits to multiples of a power of two, to nearest, ties to even.

    What the C library's ``tileloom_quantise`` does with activations that become weights as they are computed.
    The power is the smallest by which the largest magnitude comes to at most 127. Results times it are exact,
    so that they are the same words wherever it is multiplied by.

    Parameters
    ----------
    weights:
        K x N, float32.

    Returns
    -------
    Quantised
        int8 integers and the one power of two, 2**-126 or more.

    Raises
    ------
    ValueError
        Not float32, not two-dimensional, or a weight that is NaN or infinite (the message has its index).
    """
    array = np.asarray(weights)
    if array.dtype != np.float32:
        raise ValueError(f"weights has dtype {array.dtype}, not float32")
    check_ndim(array, 2, "weights")
    refuse(~np.isfinite(array), "weights", "is NaN or infinite")
    largest = int(np.abs(array).max(initial=np.float32(0)).view(np.uint32))
    # The significand comes to 64 to 127; from 127.5 on it would round to 128, and is halved instead.
    exponent = max(largest + (1 << 16) >> 23, LEAST_EXPONENT)
    scale = np.float32(2.0 ** (exponent - 127 - 6))
    return Quantised(np.rint(array / np.float64(scale)).astype(np.int8), np.asarray(scale))


def dequantise(quantised: Quantised) -> npt.NDArray[np.float32]:
    """Return the weights (K x N, float32) that the integers stand for."""
    return quantised.integers.astype(np.float32) * quantised.scale
