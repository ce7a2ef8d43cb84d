"""Requantisation: INT32 results become INT8 on their way out of an engine or a core (docs/engine.md).

    q = saturate(round((result + bias) * scale / 2^shift) + zero_point),   with ReLU max(q, zero_point)

`round` takes halves away from zero or, where the engine is built so, to the even integer; nothing before it
loses a bit. `scale / 2^shift` stands for the ratio of
the quantisation steps, (activation step x weight step) / output step.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .checks import check_integers, refuse

ROUNDINGS = ("half-away", "half-even")

SCALE_BITS = 16
SHIFT_BITS = 6


@dataclass(frozen=True, eq=False)
class Requantisation:
    """What each of N columns is requantised with.

    Attributes
    ----------
    bias:
        (N,) INT32.
    scale:
        (N,) 0 to 65535.
    shift:
        (N,) 0 to 63.
    zero_point:
        (N,) -128 to 127; None, and where the engine has none, is 0.

    Raises
    ------
    ValueError
        A dtype that is no integer, lengths that differ, or a number out of range, named.
    """

    bias: npt.NDArray[np.int64]
    scale: npt.NDArray[np.int64]
    shift: npt.NDArray[np.int64]
    zero_point: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        limits = {"bias": (-(2**31), 2**31), "scale": (0, 1 << SCALE_BITS), "shift": (0, 1 << SHIFT_BITS)}
        limits["zero_point"] = (-128, 128)
        if self.zero_point is None:
            object.__setattr__(self, "zero_point", np.zeros(np.shape(self.bias), np.int64))
        for name, (low, high) in limits.items():
            array = check_integers(getattr(self, name), name)
            if array.ndim != 1 or array.shape != np.shape(self.bias):
                raise ValueError(f"{name} has shape {array.shape}, not ({np.size(self.bias)},)")
            refuse((array < low) | (array >= high), name, f"is not {low} to {high - 1}")
            object.__setattr__(self, name, array.astype(np.int64))


def requantise(
    results: npt.ArrayLike,
    parameters: Requantisation,
    *,
    relu: bool = False,
    rounding: str = "half-away",
) -> npt.NDArray[np.int8]:
    """Requantise results, one set of parameters for each column.

    Parameters
    ----------
    results:
        ... x N, INT32 values of any integer dtype.
    parameters:
        Of the N columns.
    relu:
        Results below the zero point become it.
    rounding:
        "half-away" or "half-even": where halves go.

    Returns
    -------
    npt.NDArray[np.int8]
        INT8, of the same shape.

    Raises
    ------
    ValueError
        The last dimension is not N, not an integer dtype, a result does not fit INT32, or the rounding is
        none.
    """
    zero = np.asarray(parameters.zero_point)
    q = np.clip(_rounded(results, parameters, rounding) + zero, -128, 127)
    return np.maximum(q, zero if relu else -128).astype(np.int8)


def saturated(
    results: npt.ArrayLike,
    parameters: Requantisation,
    *,
    relu: bool = False,
    rounding: str = "half-away",
) -> npt.NDArray[np.bool_]:
    """Return which results `requantise` clamps: with the zero point no INT8, and ReLU does not take it away.

    Arguments and errors as in `requantise`; the array has the shape of the results.
    """
    value = _rounded(results, parameters, rounding) + np.asarray(parameters.zero_point)
    return (value > 127) | ((value < -128) & (not relu))


def _rounded(results: npt.ArrayLike, parameters: Requantisation, rounding: str) -> npt.NDArray[np.int64]:
    """Return what is saturated: round((result + bias) * scale / 2^shift)."""
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding is {rounding!r}, not {' or '.join(ROUNDINGS)}")
    array = check_integers(results, "results")
    if array.ndim < 1 or array.shape[-1] != len(parameters.bias):
        raise ValueError(f"results has shape {array.shape}, not (..., {len(parameters.bias)})")
    refuse((array < -(2**31)) | (array >= 2**31), "results", "does not fit INT32")
    # 33 bits and 16: everything is exact in 64.
    product = (array.astype(np.int64) + parameters.bias) * parameters.scale
    # Twice the magnitude, so that its lowest bit is the half.
    doubled = np.abs(product) << 1
    quotient = doubled >> parameters.shift
    magnitude = (quotient + 1) >> 1
    if rounding == "half-even":
        magnitude -= ((quotient & 3) == 1) & ((quotient << parameters.shift) == doubled)
    return np.where(product < 0, -magnitude, magnitude)


def from_ratios(ratios: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Requantisation:
    """Return parameters whose scale / 2^shift is nearest to the given ratios, to 16 significant bits.

    Parameters
    ----------
    ratios:
        (N,) of 2^-48 to below 2^16.
    bias:
        (N,) INT32; None for none.

    Raises
    ------
    ValueError
        A ratio is not in that range, or the bias is wrong.
    """
    array = np.asarray(ratios, np.float64)
    refuse(~((array >= 2.0**-48) & (array < 2.0**SCALE_BITS)), "ratios", "is not 2^-48 to below 2^16")
    shift = np.minimum(SCALE_BITS - np.frexp(array)[1], (1 << SHIFT_BITS) - 1)
    scale = np.rint(np.ldexp(array, shift)).astype(np.int64)
    full = scale >> SCALE_BITS != 0
    scale, shift = (
        np.where(full & (shift > 0), scale >> 1, scale),
        np.where(full & (shift > 0), shift - 1, shift),
    )
    scale = np.minimum(scale, (1 << SCALE_BITS) - 1)
    offsets: Any = np.zeros(array.shape, np.int64) if bias is None else bias
    return Requantisation(offsets, scale, shift.astype(np.int64))
