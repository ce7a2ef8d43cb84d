"""Integers that stand for real numbers, real = scale * (integer - zero point), as ONNX has them.

Symmetric integers have the zero point in the middle of their range and as many steps above it as below, so
that weights fit sign-magnitude words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.checks import refuse

Per = Literal["tensor", "channel"]


@dataclass(frozen=True, eq=False)
class Affine:
    """What integers are worth.

    Attributes
    ----------
    scale:
        float32, positive and finite: () for all, or (N,) for the last axis.
    zero_point:
        int64, of the same shape: what stands for 0.
    low, high:
        Least and greatest integer.

    Raises
    ------
    UserError
        Shapes differ, a scale is not positive and finite, or a zero point is outside `low` to `high`.
    """

    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    low: int
    high: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", np.asarray(self.scale, np.float32))
        object.__setattr__(self, "zero_point", np.asarray(self.zero_point, np.int64))
        if self.scale.shape != self.zero_point.shape or self.scale.ndim > 1:
            raise UserError(
                f"scale has shape {self.scale.shape} and zero point {self.zero_point.shape}: () or (N,), and "
                "alike"
            )
        outside = (self.zero_point < self.low) | (self.zero_point > self.high)
        try:
            refuse(~((self.scale > 0) & np.isfinite(self.scale)), "scale", "is not positive and finite")
            refuse(outside, "zero point", f"is not {self.low} to {self.high}")
        except ValueError as error:
            raise UserError(str(error)) from None

    def quantise(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """Return the nearest integers, halves to even, saturated: ONNX's QuantizeLinear in float32.

        `values` are finite, of any shape; with a scale for each channel their last axis is the channels.
        """
        with np.errstate(over="ignore"):  # beyond float32 it saturates as well
            steps = np.rint(np.asarray(values, np.float32) / self.scale)
        steps += self.zero_point  # exact: where float32 has no integers they saturate
        return np.clip(steps, self.low, self.high).astype(np.int16)

    def dequantise(self, integers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return what integers stand for: ONNX's DequantizeLinear."""
        return (np.asarray(integers, np.int64) - self.zero_point).astype(np.float32) * self.scale


def integer_range(bits: int, *, signed: bool, symmetric: bool) -> tuple[int, int]:
    """Return the least and greatest integer: of symmetric ones of 8 bits -127 and 127, or 1 and 255."""
    low = -(1 << bits - 1) if signed else 0
    return low + symmetric, low + (1 << bits) - 1


def from_range(
    least: npt.ArrayLike,
    greatest: npt.ArrayLike,
    *,
    bits: int = 8,
    signed: bool = True,
    symmetric: bool = True,
) -> Affine:
    """Return integers whose range covers real numbers, and 0, which is always represented exactly.

    Parameters
    ----------
    least, greatest:
        Of the real numbers, scalars or (N,), finite.
    bits:
        Of an integer, 2 to 8.
    signed:
        INT8, else UINT8.
    symmetric:
        Whether the range is as wide below 0 as above it.

    Returns
    -------
    Affine
        A range that is 0 alone, or whose scale would be below float32's smallest normal, gets scale 1.
    """
    low, high = integer_range(bits, signed=signed, symmetric=symmetric)
    least = np.minimum(np.asarray(least, np.float64), 0)
    greatest = np.maximum(np.asarray(greatest, np.float64), 0)
    if symmetric:
        greatest = np.maximum(greatest, -least)
        least = -greatest
    step = (greatest - least) / (high - low)
    scale = np.where(step < np.finfo(np.float32).tiny, 1.0, step).astype(np.float32)
    zero_point = np.clip(np.rint(low - least / scale), low, high)
    if symmetric:
        zero_point = np.full_like(zero_point, (low + high) // 2)
    return Affine(scale, zero_point.astype(np.int64), low, high)


def weight_range(
    weights: npt.NDArray[Any], *, bits: int = 8, per: Per = "channel", symmetric: bool = True
) -> Affine:
    """Return signed integers for weights, which cover all of them.

    Parameters
    ----------
    weights:
        Any number of axes, the last of which is the output channels; finite floats.
    bits:
        4 to 8.
    per:
        "tensor" for one scale and zero point, "channel" for one of each output channel.
    symmetric:
        Whether all zero points are 0.
    """
    if not 4 <= bits <= 8:
        raise UserError(f"weight bits: must be 4 to 8, not {bits}")
    axes = None if per == "tensor" else tuple(range(weights.ndim - 1))
    least, greatest = weights.min(axis=axes, initial=0), weights.max(axis=axes, initial=0)
    return from_range(least, greatest, bits=bits, symmetric=symmetric)
