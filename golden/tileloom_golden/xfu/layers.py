"""INT8 layers with INT32 accumulation: what every kernel's results are compared with, word for word.

Activations lie as height x width x channels (HWC), weights as output channel x fy x fx x channel, so
that a patch of activations and an output channel's weights follow the same order in memory and a
convolution is `im2col` and a fully connected layer. A sum that leaves INT32 wraps, as the cores' dot
products do; up to 131071 products cannot.
"""

import numpy as np
import numpy.typing as npt

from ..integers import check_int8, convolve, output_size, taps, wrap_int32
from .packing import Packed, unpack_groups

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]


def im2col(activations: npt.ArrayLike, kernel: tuple[int, int], *, stride: int = 1, padding: int = 0) -> Int8:
    """Return every patch that a convolution's window sees, one a line.

    >>> im2col(np.arange(6).reshape(2, 3, 1), (2, 2)).tolist()
    [[0, 1, 3, 4], [1, 2, 4, 5]]

    Parameters
    ----------
    activations:
        Height x width x channels, -128 to 127, any integer dtype.
    kernel:
        The window's height FY and width FX.
    stride:
        Of the window, both ways.
    padding:
        Rows and columns of zeros added on each of the four sides.

    Returns
    -------
    Int8
        int8, OY * OX patches in rows of the output, by FY * FX * C activations with the channel fastest; OY
        is (height + 2 * padding - FY) // stride + 1, and OX likewise.

    Raises
    ------
    ValueError
        Dtype or dimensions are wrong, an activation does not fit INT8 (the message has its index), kernel,
        stride or padding are out of range, or the window does not fit the input.
    """
    if padding < 0:
        raise ValueError(f"padding is {padding}, below 0")
    image = check_int8(activations, "activations", 3)
    seen = taps(image, kernel, stride, (padding,) * 4)
    # OY x OX x FY x FX x C
    return seen.transpose(2, 3, 0, 1, 4).reshape(seen.shape[2] * seen.shape[3], -1)


def fully_connected(activations: npt.ArrayLike, weights: npt.ArrayLike) -> Int32:
    """Return the sums of products of each line of activations with each row of weights.

    Parameters
    ----------
    activations:
        P x L, -128 to 127, any integer dtype: one line for each input, or patch.
    weights:
        K x L, likewise: one row for each output channel.

    Returns
    -------
    Int32
        int32, P x K.

    Raises
    ------
    ValueError
        Dtype or dimensions are wrong, an element does not fit INT8 (the message has its index), or L differs.
    """
    x = check_int8(activations, "activations", 2)
    w = check_int8(weights, "weights", 2)
    _check_lengths(x, w.shape[1])
    return _wrap(x.astype(np.float64) @ w.astype(np.float64).T)


def fully_connected_packed(activations: npt.ArrayLike, packed: Packed) -> Int32:
    """Return the same as `fully_connected`, from the non-zeros and their offsets alone.

    Parameters
    ----------
    activations:
        P x L, -128 to 127, any integer dtype.
    packed:
        K x L weights in any layout.

    Returns
    -------
    Int32
        int32, P x K.

    Raises
    ------
    ValueError
        As `fully_connected` and `packing.unpack_groups`.
    """
    x = check_int8(activations, "activations", 2)
    _check_lengths(x, packed.columns)
    values, offsets = unpack_groups(packed)
    index = np.arange(values.shape[1]) * packed.m + offsets
    result = np.empty((x.shape[0], packed.rows), np.int32)
    for row in range(packed.rows):
        result[:, row] = _wrap(x[:, index[row]].astype(np.float64) @ values[row])
    return result


def convolution(
    activations: npt.ArrayLike, weights: npt.ArrayLike, *, stride: int = 1, padding: int = 0
) -> Int32:
    """Return a convolution (as networks have it: the window is not flipped) of an image.

    Parameters
    ----------
    activations:
        Height x width x C, -128 to 127, any integer dtype.
    weights:
        K x FY x FX x C, likewise.
    stride:
        As `im2col` takes it.
    padding:
        As `im2col` takes it.

    Returns
    -------
    Int32
        int32, OY x OX x K.

    Raises
    ------
    ValueError
        As `im2col` and `fully_connected`, or C differs.
    """
    if padding < 0:
        raise ValueError(f"padding is {padding}, below 0")
    return convolve(activations, weights, stride, (padding,) * 4)


def convolution_packed(
    activations: npt.ArrayLike,
    packed: Packed,
    kernel: tuple[int, int],
    *,
    stride: int = 1,
    padding: int = 0,
) -> Int32:
    """Return the same as `convolution`, from the non-zeros and their offsets alone.

    Parameters
    ----------
    activations:
        Height x width x C, -128 to 127, any integer dtype.
    packed:
        K x (FY * FX * C) weights in any layout: K x FY x FX x C, reshaped.
    kernel:
        FY and FX.
    stride:
        As `im2col` takes it.
    padding:
        As `im2col` takes it.

    Returns
    -------
    Int32
        int32, OY x OX x K.

    Raises
    ------
    ValueError
        As `im2col` and `fully_connected_packed`.
    """
    image = check_int8(activations, "activations", 3)
    patches = im2col(image, kernel, stride=stride, padding=padding)
    result = fully_connected_packed(patches, packed)
    height, width = output_size(image.shape[0], image.shape[1], kernel, stride, (padding,) * 4)
    return result.reshape(height, width, packed.rows)


def _check_lengths(x: Int8, columns: int) -> None:
    if x.shape[1] != columns:
        raise ValueError(f"activations has {x.shape[1]} columns and weights has {columns}")


def _wrap(sums: npt.NDArray[np.float64]) -> Int32:
    """Return sums modulo 2**32: float64, which BLAS is fast in, holds sums below 2**53 exactly."""
    return wrap_int32(sums.astype(np.int64))
