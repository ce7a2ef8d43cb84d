"""What a layer's results are without hardware: floats by NumPy, integers exactly, by ONNX's rules.

Golden models are told from it, the float model runs by it, and calibration sees its activations.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom_golden.integers import PART, wrap_int32

from .arrangement import unroll
from .layer import NetworkLayer


def reference(layer: NetworkLayer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a layer's output as the network has it: floats by NumPy, integers exactly, with ONNX's rounding.

    Parameters
    ----------
    layer:
        Any.
    tensor:
        The network's, as is what is returned.
    """
    image = layer.image(tensor)
    columns = unroll(layer.entering(image), layer.kernel, layer.window).astype(np.float64)
    outputs, each = layer.outputs, layer.outputs // layer.groups
    # Places x window x groups x channels of a group; sums of products of INT8 stay exact in float64.
    split = columns.reshape(len(columns), -1, layer.groups, layer.weights.shape[3])
    by_group = split.transpose(2, 0, 1, 3).reshape(layer.groups, len(columns), -1)
    weights = layer.weight_values.reshape(layer.groups, each, -1)
    by_output = np.empty((len(columns), layer.groups, each))
    part = max(1, PART // weights[:, :1].size)  # of large weights, so that their float64 take no room
    for first in range(0, each, part):
        some = weights[:, first : first + part].astype(np.float64)
        by_output[:, :, first : first + part] = (by_group @ some.transpose(0, 2, 1)).transpose(1, 0, 2)
    sums = by_output.reshape(len(columns), outputs)
    if layer.quantisation is not None and layer.quantisation.x is not None:
        sums = sums.astype(np.int64)
    return layer.tensor(layer.leaving(sums.reshape(layer.output_shape(image.shape))), tensor.shape)


def corrected(
    layer: NetworkLayer, sums: npt.NDArray[Any], shape: tuple[int, ...], zero: npt.NDArray[Any]
) -> npt.NDArray[np.int32]:
    """Return sums, INT32 as the network has them, less what a zero point of the activations takes away.

    sum (x - zx) (w - zw) = sum x (w - zw) - zx sum (w - zw), of which the last sum, over the weights that
    meet the image, is what the layer gives for ones. Such zero points come of DynamicQuantizeLinear.

    Parameters
    ----------
    shape:
        Of the layer's input, as the network has it.
    zero:
        One number.
    """
    taken = sums.astype(np.int64) - int(zero.reshape(())) * _sums_of_weights(layer, shape)
    return wrap_int32(taken)


@lru_cache(maxsize=256)
def _sums_of_weights(layer: NetworkLayer, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    return reference(layer, np.ones(shape, np.int16)).astype(np.int64)
