"""Layers on a block-sparse engine: convolutions as they are, with what the engine lacks prepared around them.

The dot-product core takes INT8: UINT8 activations are shifted by 128, zero points go into the bias, weights
beyond INT8 repeat their channel, and the host pads an image where its zero point is not the engine's 0. A
systolic core takes what an array does, the bias of floats included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig
from tileloom.errors import UserError
from tileloom.formats import FloatFormat
from tileloom_golden.engine.layer import LARGEST_BYTE, LARGEST_NIBBLE

from ..layer import NetworkLayer
from ..mapping import RefusedError, within
from ..quantise import integer_layer, requantisation
from ..systolic.mapping import exact_cuts
from ..weights import as_matrix, expand_groups
from .layer import EngineMapping


def map_layer(config: EngineConfig, layer: NetworkLayer) -> EngineMapping:
    """Return a layer on an engine.

    Raises
    ------
    ConfigError
        The configuration is a grid.
    RefusedError
        Floats on the dot-product core; sums on an engine that requantises; integers or ratios too large.
    """
    config.refuse_grid("a network")
    window, kernel = layer.window, layer.kernel
    native = (
        window.dilations == (1, 1)
        and window.strides[0] == window.strides[1] <= LARGEST_NIBBLE
        and max(kernel) <= LARGEST_BYTE
    )
    notes = []
    if not native:
        lacking = (
            "dilation"
            if window.dilations != (1, 1)
            else "these strides"
            if max(kernel) <= 255
            else "the size"
        )
        notes.append(f"unrolled by the host (im2col): the engine lacks {lacking}")
    on_core = _on_array if config.core is Core.SYSTOLIC else _on_dot_product
    return on_core(config, layer, native, notes)


def _on_dot_product(
    config: EngineConfig, layer: NetworkLayer, native: bool, notes: list[str]
) -> EngineMapping:
    quantisation = layer.quantisation
    if quantisation is None or quantisation.x is None:
        raise RefusedError(f"{layer.name}: the core takes INT8, and these are floats; calibrate the network")
    if config.requantise and quantisation.y is None:
        what, calibrate = ("INT32", "") if quantisation.y_given else ("floats", "calibrate, ")
        raise RefusedError(
            f"{layer.name}: results are {what}, and this engine's are requantised to INT8; set "
            f"requantise=false, {calibrate}or leave it to the host (--host)"
        )
    x, parameters = quantisation.x, None
    try:
        integers = integer_layer(layer.weights, quantisation.weight, x, layer.bias)
        if config.requantise:
            assert quantisation.y is not None
            parameters, _ = requantisation(
                integers, quantisation.weight, x, quantisation.y, zero_point=config.result_zero_point
            )
    except UserError as error:
        raise RefusedError(f"{layer.name}: {error}") from None
    count = len(integers.weights)
    if count > 1:
        notes.append(f"{count} times the channels: weights less their zero point need more than 8 bits")
    if integers.padding and (any(layer.window.pads) or layer.window.auto_pad.startswith("SAME")):
        notes.append(f"padded by the host, with the zero point {x.zero_point}")
    weights, channels = integers.operand(layer.groups), np.tile(np.arange(layer.channels), count)
    if not native:
        weights, channels = _as_product(weights, channels, layer)
    return EngineMapping(
        config,
        layer,
        (weights,),
        (channels,),
        native,
        integers.padding,
        integers.bias,
        parameters,
        tuple(notes),
    )


def _on_array(config: EngineConfig, layer: NetworkLayer, native: bool, notes: list[str]) -> EngineMapping:
    array, quantisation = config.systolic, layer.quantisation
    dense = expand_groups(layer.weight_values, layer.groups)
    channels = np.arange(layer.channels)
    if not isinstance(array.weight, FloatFormat):
        if quantisation is None:
            raise RefusedError(f"{layer.name}: {array.weight} weights are needed, and these are floats")
        magnitude = (1 << (array.weight.bits - 1)) - 1
        dense, channels = within(dense, -magnitude, magnitude)
    if dense.shape[3] > layer.channels:
        more = dense.shape[3] - layer.channels
        notes.append(f"{more} of {layer.channels} channels repeated: weights beyond {array.weight}")
    parts: tuple[npt.NDArray[Any], ...] = (dense,)
    indices: tuple[npt.NDArray[Any], ...] = (channels,)
    if quantisation is not None and quantisation.x is not None:
        matrix, rows = _as_product(dense, channels, layer)
        cuts = exact_cuts(array, layer, as_matrix(matrix))
        native = native and len(cuts) == 1
        if len(cuts) > 1:
            notes.append(f"unrolled, K in {len(cuts)} parts, whose sums {array.accumulator} holds")
        parts = (dense,) if native else tuple(matrix[..., cut] for cut in cuts)
        indices = (channels,) if native else tuple(rows[cut] for cut in cuts)
    elif not native:
        matrix, rows = _as_product(dense, channels, layer)
        parts, indices = (matrix,), (rows,)
    bias = layer.bias if quantisation is None else None
    return EngineMapping(config, layer, parts, indices, native, 0, bias, None, tuple(notes))


def _as_product(
    weights: npt.NDArray[Any], channels: npt.NDArray[np.int64], layer: NetworkLayer
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return weights as C_out x 1 x 1 x K, and which row of the unrolled window each of K goes with."""
    taps = layer.kernel[0] * layer.kernel[1]
    rows = (np.arange(taps)[:, None] * layer.channels + channels).reshape(-1)
    return weights.reshape(len(weights), 1, 1, -1), rows
