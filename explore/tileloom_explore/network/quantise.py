"""Layers of integers with zero points, as hardware without any computes them: exactly.

With activations x and weights w, both integers with zero points, a layer's sums are

    sum_k (x[k] - zx) * (w[k, n] - zw[n])  =  sum_k x'[k] * w'[k, n]  -  zx' * sum_k w'[k, n]

where x' = x - offset is INT8 (UINT8 activations, as they are stored, less 128), zx' = zx - offset, and
w' = w - zw. The last term is a number for each output channel and goes into the bias. A weight that was
pruned is w' = 0 and takes part in neither sum, so the term is right for the weights as they are after
pruning, and whoever leaves out a block of zeros leaves out nothing. What a convolution sees outside of the
image is zx', which stands for 0.

Where a zero point takes w' beyond INT8, it is the sum of two (at the far end three) INT8 weights, and the
layer gets as many times its input channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.checks import first
from tileloom_golden.integers import PART
from tileloom_golden.requantise import Requantisation, from_ratios

from .affine import Affine
from .weights import expand_groups

INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """What hardware is given in place of a quantised layer.

    Attributes
    ----------
    weights:
        int8, parts x those of the layer, K x N or C_out x h x w x C_in / groups: all zero points 0. One part
        is the rule.
    bias:
        (N,) INT32, added to the sums.
    offset:
        To be subtracted from the activations as they are stored, 128 of UINT8.
    padding:
        What the activations, less the offset, are outside of an image.
    """

    weights: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int64]
    offset: int
    padding: int

    def operand(self, groups: int = 1) -> npt.NDArray[np.int8]:
        """Return the weights as hardware gets them: parts after one another along K or C_in, no groups."""
        axis = 0 if self.weights.ndim == 3 else 3
        parts = [expand_groups(part, groups) for part in self.weights]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)

    def activations(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
        """Return activations, ... x channels, as hardware gets them: once for each part."""
        shifted = (np.asarray(stored, np.int64) - self.offset).astype(np.int8)
        return np.concatenate([shifted] * len(self.weights), axis=-1)


def integer_layer(
    weights: npt.NDArray[Any], weight: Affine, x: Affine, bias: npt.NDArray[Any] | None = None
) -> IntegerLayer:
    """Return the layer whose INT32 sums are those of the quantised one.

    Parameters
    ----------
    weights:
        Integers as they are stored, K x N or C_out x h x w x C_in / groups; pruned ones are at the zero
        point.
    weight, x:
        What weights and activations are worth; the activations' with one scale.
    bias:
        (N,) integers, in steps of both scales' product; None for none.

    Raises
    ------
    UserError
        An integer outside its range, a scale for each channel of the activations or of another number than
        there are output channels, or sums or a bias that may exceed INT32.
    """
    channels = -1 if weights.ndim == 2 else 0
    outputs = weights.shape[channels]
    if x.scale.ndim or weight.scale.shape not in ((), (outputs,)):
        raise UserError(
            f"activations have a scale of shape {x.scale.shape} and weights {weight.scale.shape}: must be () "
            f"and () or ({outputs},)"
        )
    if weights.min(initial=0) < weight.low or weights.max(initial=0) > weight.high:
        outside = (weights < weight.low) | (weights > weight.high)
        raise UserError(f"weights{first(outside)} is not {weight.low} to {weight.high}")
    offset = 128 if x.high > 127 else 0
    padding = int(x.zero_point) - offset
    parts = np.zeros((1, *weights.shape), np.int8)
    sums, magnitudes = np.empty(outputs, np.int64), np.empty(outputs, np.int64)
    zeros = np.broadcast_to(weight.zero_point.astype(np.int16), outputs)
    together = max(1, PART // max(1, weights.size // outputs))
    for begin in range(0, outputs, together):
        some = slice(begin, begin + together)
        left = np.moveaxis(weights, channels, 0)[some].astype(np.int16)
        left -= zeros[some].reshape(-1, *[1] * (left.ndim - 1))
        inner = tuple(range(1, left.ndim))
        sums[some] = left.sum(axis=inner, dtype=np.int64)
        magnitudes[some] = np.abs(left).sum(axis=inner, dtype=np.int64)
        part = 0
        while left.any():
            if part == len(parts):
                parts = np.concatenate([parts, np.zeros((1, *weights.shape), np.int8)])
            fitting = np.clip(left, -128, 127)
            np.moveaxis(parts[part], channels, 0)[some] = fitting
            left, part = left - fitting, part + 1
    _check_sums(magnitudes, x, offset)
    total = (np.zeros(outputs, np.int64) if bias is None else np.asarray(bias, np.int64)) - padding * sums
    outside = (total < INT32.min) | (total > INT32.max)
    if outside.any():
        raise UserError(f"bias{first(outside)} with the zero points' correction exceeds INT32")
    return IntegerLayer(parts, total, offset, padding)


def _check_sums(magnitudes: npt.NDArray[np.int64], x: Affine, offset: int) -> None:
    """Raise UserError where activations could take a sum beyond INT32, in which it would wrap.

    `magnitudes` are the sums of those of each output channel's weights.
    """
    largest = magnitudes * max(abs(x.low - offset), abs(x.high - offset))
    if (largest > INT32.max).any():
        raise UserError(f"output channel {first(largest > INT32.max)[1:-1]}: its sums may exceed INT32")


def quantise_bias(bias: npt.NDArray[Any], x: Affine, weight: Affine, outputs: int) -> npt.NDArray[np.int64]:
    """Return a bias, real numbers of shape (N,), in steps of both scales' product, halves to even.

    It may exceed INT32 where a channel's weights are next to nothing; see `widened`.
    """
    step = np.broadcast_to(x.scale.astype(np.float64) * weight.scale, outputs)
    return np.clip(np.rint(np.asarray(bias, np.float64) / step), -(2.0**62), 2.0**62).astype(np.int64)


def widened(weight: Affine, x: Affine, bias: npt.NDArray[Any], y: Affine | None) -> Affine:
    """Return weights' scales, one for each channel, raised where a bias or a ratio would be out of range.

    The weights of such a channel are nothing beside its bias, or too small for any step of the result: the
    bias takes at most 30 bits, and the ratio to a step of the result is at least 2^-31.

    Parameters
    ----------
    weight:
        Scale (N,) or ().
    x, y:
        Of activations and of results; None where these stay INT32.
    bias:
        (N,) real numbers.
    """
    least = np.abs(np.asarray(bias, np.float64)) / (float(x.scale) * 2.0**30)
    if y is not None:
        least = np.maximum(least, float(y.scale) * 2.0**-31 / float(x.scale))
    if not weight.scale.ndim:
        least = np.asarray(least.max(initial=0))
    return Affine(np.maximum(weight.scale, least), weight.zero_point, weight.low, weight.high)


def requantisation(
    layer: IntegerLayer, weight: Affine, x: Affine, y: Affine, *, zero_point: bool = False
) -> tuple[Requantisation, int]:
    """Return what turns a layer's sums into INT8 results, and what these have to be added to be stored ones.

    Scale and shift are the nearest to the real ratio, to 16 significant bits. The results' zero point is
    exact where the hardware has one; else it is in the bias, in whole steps of a sum, so that a few results
    in ten thousand fall on the other side of a half. 128, of UINT8 results, is added by whoever stores them.

    Parameters
    ----------
    layer:
        From `integer_layer`.
    weight, x, y:
        Of weights, activations and results; the results' of 8 bits with one scale.
    zero_point:
        Whether the hardware adds a zero point to results: an engine with `result_zero_point`.

    Raises
    ------
    UserError
        A ratio that 16 bits and a shift cannot hold, or a bias that exceeds INT32 with the zero point.
    """
    outputs = len(layer.bias)
    offset = 128 if y.high > 127 else 0
    ratios = np.broadcast_to(x.scale.astype(np.float64) * weight.scale / y.scale, outputs)
    try:
        numbers = from_ratios(ratios)
        zero = int(y.zero_point) - offset
        if zero_point:
            exact = Requantisation(layer.bias, numbers.scale, numbers.shift, np.full(outputs, zero))
            return exact, offset
        steps = np.rint(np.ldexp(zero / numbers.scale, numbers.shift)).astype(np.int64)
        return Requantisation(layer.bias + steps, numbers.scale, numbers.shift), offset
    except ValueError as error:
        raise UserError(f"requantisation: {error}") from None
