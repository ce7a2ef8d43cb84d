"""Products of two activations on the array, as attention has them: queries and keys, scores and values.

The right one becomes the array's weights as it is computed. An array of integers has it as multiples of a
power of two, one for each matrix, and what comes out is multiplied by that power.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim
from ..formats import FP32, Float, Integer
from ..integers import sign_magnitude
from ..rounding import to_float64
from .gemm import gemm
from .quantise import quantise_by_power

Singles = npt.NDArray[np.float32]


def computed_product(
    x: npt.ArrayLike, y: npt.ArrayLike, *, weight_format: Float | Integer, **array: Any
) -> Singles:
    """Return X Y of computed matrices, Y as the weights of an array on the word port.

    Parameters
    ----------
    x, y:
        Float32, ... x M x K and ... x K x N: as many products as there are matrices, none of them broadcast.
    weight_format:
        FP32, or integers of 8 bits: Y is quantised by `quantise_by_power`, each matrix by itself.
    array:
        ``rows``, ``columns`` and ``rounding`` of `gemm`.

    Returns
    -------
    Singles
        ... x M x N: the words of `gemm` with host_adds_tiles, times the power of two.

    Raises
    ------
    ValueError
        Not float32, shapes that do not fit, or as `gemm`.
    """
    left, right = np.asarray(x), np.asarray(y)
    for each, name in ((left, "x"), (right, "y")):
        if each.dtype != np.float32:
            raise ValueError(f"{name} has dtype {each.dtype}, not float32")
    if left.shape[:-2] != right.shape[:-2] or left.ndim < 2:
        raise ValueError(f"x has shape {left.shape} and y has {right.shape}: all but the last two must agree")
    outputs = np.empty((*left.shape[:-1], right.shape[-1]), np.float32)
    for index in np.ndindex(left.shape[:-2]):
        outputs[index] = _product(left[index], right[index], weight_format, array)
    return outputs


def _product(x: Singles, y: Singles, weight_format: Float | Integer, array: dict[str, Any]) -> Singles:
    check_ndim(y, 2, "y")
    scale = 1.0
    if isinstance(weight_format, Integer):
        quantised = quantise_by_power(y)
        weights, scale = sign_magnitude(quantised.integers, weight_format.bits), float(quantised.scale)
    else:
        weights = y.view(np.uint32).astype(np.uint64)
    words = gemm(
        np.ascontiguousarray(x).view(np.uint32),
        weights,
        activation_format=FP32,
        weight_format=weight_format,
        accumulator_format=FP32,
        host_adds_tiles=True,
        **array,
    )
    return (to_float64(words, FP32) * scale).astype(np.float32)
