"""From floats to the integers that a configuration computes with: of which layers and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tileloom.config import Config
from tileloom.engine.config import Core, EngineConfig
from tileloom.formats import SignMagnitude
from tileloom.systolic.config import SystolicConfig
from tileloom.xfu.config import XfuConfig
from tileloom_golden.systolic.quantise import quantise

from .affine import Affine, Per, weight_range
from .calibrate import PERCENTILE, Method, Observer, affine_of
from .layer import NetworkLayer, Quantisation
from .quantise import quantise_bias, widened
from .weights import as_matrix, from_matrix


@dataclass(frozen=True)
class Choices:
    """How floats become integers.

    Attributes
    ----------
    method, percentile:
        Of the range of activations.
    signed, symmetric:
        Of the integers of activations: INT8 or UINT8, and whether their zero point is in the middle.
    bits, per, symmetric_weights:
        Of weights.
    """

    method: Method = "min-max"
    percentile: float = PERCENTILE
    signed: bool = True
    symmetric: bool = False
    bits: int = 8
    per: Per = "channel"
    symmetric_weights: bool = True

    def affine(self, observer: Observer) -> Affine:
        """Return the integers of an activation."""
        return affine_of(
            observer,
            self.method,
            signed=self.signed,
            symmetric=self.symmetric,
            percentile=self.percentile,
        )


def integer_weights(config: Config) -> int | None:
    """Return the bits of weights of an array, or a core of one, of floats times integers."""
    if isinstance(config, SystolicConfig):
        return config.weight.bits if isinstance(config.weight, SignMagnitude) else None
    if isinstance(config, EngineConfig) and config.core is Core.SYSTOLIC:
        return integer_weights(config.systolic)
    return None


def _integer_throughout(config: Config) -> bool:
    """Return whether hardware takes integers alone."""
    return isinstance(config, XfuConfig) or (
        isinstance(config, EngineConfig) and config.core is Core.DOT_PRODUCT
    )


def _requantises(config: Config) -> bool:
    return isinstance(config, EngineConfig) and bool(config.requantise)


def ranges_needed(config: Config, layer: NetworkLayer) -> set[str]:
    """Return the tensors whose range a layer needs to know."""
    if not _integer_throughout(config):
        return set()
    quantisation = layer.quantisation
    tensors = {layer.input} if quantisation is None or quantisation.x is None else set()
    if _requantises(config) and (
        quantisation is None or (quantisation.y is None and not quantisation.y_given)
    ):
        tensors.add(layer.output)
    return tensors


def quantised(
    config: Config, layer: NetworkLayer, observers: Mapping[str, Observer], choices: Choices
) -> NetworkLayer:
    """Return a layer with the integers that the hardware needs; itself where it has them."""
    quantisation = layer.quantisation
    if quantisation is not None:
        if layer.output in observers and quantisation.y is None and _requantises(config):
            return replace(
                layer, quantisation=replace(quantisation, y=choices.affine(observers[layer.output]))
            )
        return layer
    bits = integer_weights(config)
    if bits is not None:
        return _with_integer_weights(layer, bits, choices.per)
    if not _integer_throughout(config):
        return layer
    x = choices.affine(observers[layer.input])
    y = (
        choices.affine(observers[layer.output])
        if layer.output in observers and _requantises(config)
        else None
    )
    bias = np.zeros(layer.outputs) if layer.bias is None else layer.bias
    last = np.moveaxis(layer.weights, 0, -1)
    weight = weight_range(last, bits=choices.bits, per=choices.per, symmetric=choices.symmetric_weights)
    weight = _by_channel(widened(weight, x, bias, y), layer.outputs)
    return replace(
        layer,
        weights=np.moveaxis(weight.quantise(last), -1, 0),
        bias=quantise_bias(bias, x, weight, layer.outputs),
        quantisation=Quantisation(x, weight, y),
    )


def _by_channel(affine: Affine, outputs: int) -> Affine:
    """Return scale and zero point for each output channel, of one for all too."""
    return Affine(
        np.broadcast_to(affine.scale, (outputs,)),
        np.broadcast_to(affine.zero_point, (outputs,)),
        affine.low,
        affine.high,
    )


def _with_integer_weights(layer: NetworkLayer, bits: int, per: Per) -> NetworkLayer:
    """Return a layer of floats with sign-magnitude weights."""
    done = quantise(as_matrix(layer.weights), bits, "tensor" if per == "tensor" else "column")
    limit = (1 << (bits - 1)) - 1
    weight = _by_channel(
        Affine(done.scale, np.zeros(done.scale.shape, np.int64), -limit, limit), layer.outputs
    )
    integers = from_matrix(done.integers.astype(np.int16), layer.weights.shape)
    return replace(layer, weights=integers, quantisation=Quantisation(None, weight))
