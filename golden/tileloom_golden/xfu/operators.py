"""Pooling and residual addition of INT8 images, in integers: what stands between layers of products.

Images are height x width x channels. Sums become INT8 as those of layers do, by `requantise`: halves
go away from zero.
"""

import numpy as np
import numpy.typing as npt

from ..checks import check_positive
from ..integers import check_int8, taps
from ..requantise import Requantisation, requantise
from .layers import Int8


def max_pool(
    activations: npt.ArrayLike, kernel: tuple[int, int], *, stride: int = 1, padding: int = 0
) -> Int8:
    """Return the largest of each window, channel by channel; what lies outside the image does not count.

    >>> max_pool(np.arange(-4, 0).reshape(2, 2, 1), (2, 2), stride=2, padding=1).reshape(2, 2).tolist()
    [[-4, -3], [-2, -1]]

    Parameters
    ----------
    activations:
        Height x width x C, -128 to 127, any integer dtype.
    kernel:
        The window's height and width.
    stride:
        Of the window, both ways.
    padding:
        Rows and columns on each of the four sides, fewer than the window has.

    Returns
    -------
    int8, OY x OX x C, sizes as of `layers.im2col`.

    Raises
    ------
    ValueError
        As `layers.im2col`, or a window sees no pixel.
    """
    image = check_int8(activations, "activations", 3)
    _check_padding(padding, min(kernel))
    lowest = np.pad(image, ((padding,) * 2, (padding,) * 2, (0, 0)), constant_values=-128)
    return np.asarray(taps(lowest, kernel, stride).max(axis=(0, 1)))


def average_pool(
    activations: npt.ArrayLike,
    kernel: tuple[int, int],
    *,
    scale: int,
    shift: int,
    stride: int = 1,
    padding: int = 0,
    relu: bool = False,
) -> Int8:
    """Return each window's sum times scale / 2^shift, channel by channel; outside the image are zeros.

    With 1 / pixels for the ratio, or that times (activation step / result step), it is the average; with a
    window as large as the image, the global average.

    >>> average_pool(np.array([[[3], [4]]]), (1, 2), scale=1, shift=1).tolist()      # 3.5, away from zero
    [[[4]]]

    Parameters
    ----------
    activations, kernel, stride, padding:
        As `max_pool` takes them.
    scale, shift:
        0 to 65535 and 0 to 63.
    relu:
        Whether results below 0 become 0.

    Returns
    -------
    int8, OY x OX x C.

    Raises
    ------
    ValueError
        As `max_pool` and `requantise.Requantisation`.
    """
    image = check_int8(activations, "activations", 3)
    _check_padding(padding, min(kernel))
    sums = taps(image, kernel, stride, (padding,) * 4).sum(axis=(0, 1), dtype=np.int64)
    channels = np.ones(image.shape[2], np.int64)
    return requantise(sums, Requantisation(0 * channels, scale * channels, shift * channels), relu=relu)


def add(
    a: npt.ArrayLike, b: npt.ArrayLike, *, scales: tuple[int, int], shift: int, relu: bool = False
) -> Int8:
    """Return round((a * scales[0] + b * scales[1]) / 2^shift), saturated: a residual addition.

    >>> add([[1, -1, 100]], [[0, 0, 100]], scales=(1, 1), shift=1).tolist()
    [[1, -1, 100]]

    Parameters
    ----------
    a, b:
        Lines x length, -128 to 127, any integer dtype.
    scales:
        0 to 65535 each: steps of a and of b over that of the result, times 2^shift.
    shift:
        0 to 31.
    relu:
        Whether results below 0 become 0.

    Returns
    -------
    int8, as a.

    Raises
    ------
    ValueError
        Dtype or dimensions are wrong, shapes differ, or a scale or the shift is out of range.
    """
    x, y = check_int8(a, "a", 2), check_int8(b, "b", 2)
    if x.shape != y.shape:
        raise ValueError(f"a is {x.shape[0]} x {x.shape[1]} and b {y.shape[0]} x {y.shape[1]}")
    if not 0 <= shift <= 31:
        raise ValueError(f"shift is {shift}, not 0 to 31")
    for index, scale in enumerate(scales):
        if not 0 <= scale <= 65535:
            raise ValueError(f"scales[{index}] is {scale}, not 0 to 65535")
    total = x.astype(np.int64) * scales[0] + y.astype(np.int64) * scales[1]
    one = np.ones(x.shape[1], np.int64)
    return requantise(total, Requantisation(0 * one, one, shift * one), relu=relu)


def _check_padding(padding: int, window: int) -> None:
    check_positive(window, "kernel")
    if not 0 <= padding < window:
        raise ValueError(f"padding is {padding}, not 0 to {window - 1}: each window sees a pixel")
