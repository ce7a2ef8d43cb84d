"""Prepares a network for a configuration: sparsified, quantised on data, each layer shown to fit.

What is done depends on the family: an array of integer weights takes these alone, an INT8 engine and the
xDecimate kernels integers throughout, an array or a core of floats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import step
from tileloom.config import Config
from tileloom.engine.config import Core, EngineConfig
from tileloom.errors import UserError
from tileloom.formats import SignMagnitude
from tileloom.systolic.config import SystolicConfig
from tileloom.xfu.config import XfuConfig
from tileloom_golden.systolic.quantise import quantise

from .affine import Affine, Per, weight_range
from .calibrate import PERCENTILE, Method, Observer, affine_of
from .layer import Layer, Quantisation, reference, stored_dtype
from .mapping import map_layer
from .network import Network
from .prepared import Prepared
from .quantise import quantise_bias, widened
from .sparsify import Sparsified, sparsify
from .sparsity import Kind, Sparsity, select
from .weights import as_matrix, from_matrix

Data = Mapping[str, npt.NDArray[Any]]


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


@dataclass(frozen=True, eq=False)
class Preparation:
    """A prepared network, and what was removed from each layer that was sparsified."""

    prepared: Prepared
    removed: Mapping[str, Sparsified] = field(default_factory=dict)


def prepare(
    network: Network,
    config: Config,
    *,
    sparsity: Sparsity | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    per_layer: bool = False,
    calibration: Sequence[Data] = (),
    choices: Choices | None = None,
) -> Preparation:
    """Prepare a network.

    Parameters
    ----------
    network:
        As it was read.
    config:
        Of any family.
    sparsity, include, exclude, per_layer:
        What to remove, from which layers by patterns of their names, and whether from each its share instead
        of by one ranking.
    calibration:
        Batches of inputs; empty where nothing needs them.
    choices:
        How floats become integers.

    Raises
    ------
    UserError
        Sparsity that the family has no use for, data that is needed and missing or that nothing needs, or a
        layer that the configuration cannot take.
    """
    choices = choices or Choices()
    if not network.layers:
        raise UserError("no layer: nothing in this network is a product or a convolution with weights")
    layers = {layer.name: layer for layer in network.layers}
    removed: dict[str, Sparsified] = {}
    if sparsity is not None:
        kind, size = unit_of(config)
        if sparsity.kind != kind:
            raise UserError(f"--sparsity {sparsity.kind}: this hardware leaves out {kind}; say {kind}:...")
        with step("Sparsifying"):
            chosen = select(layers, include, exclude)
            removed = sparsify(
                {name: layers[name].weight_values for name in chosen},
                sparsity,
                size,
                groups={name: layers[name].groups for name in chosen},
                scope="layer" if per_layer else "model",
            )
            layers |= {name: _pruned(layers[name], done.weights) for name, done in removed.items()}
    sparse = network.with_layers(layers)
    wanted = {name: _to_calibrate(config, layer) for name, layer in layers.items()}
    if any(wanted.values()) and not calibration:
        name = next(name for name, tensors in wanted.items() if tensors)
        raise UserError(
            f"{name}: floats, and this hardware takes INT8: give data to calibrate, --calibrate X.npz"
        )
    if calibration and not any(wanted.values()):
        raise UserError("--calibrate: this hardware and network need no ranges of activations; leave it out")
    observers = _observe(sparse, set().union(*wanted.values()), calibration)
    layers = {name: quantised(config, layer, observers, choices) for name, layer in layers.items()}
    prepared = sparse.with_layers(layers)
    with step("Mapping layers"):
        for layer in layers.values():
            map_layer(config, layer)
    kept = {name: done.kept for name, done in removed.items() if done.kept is not None}
    return Preparation(Prepared(config, prepared, network, input_shapes(network), kept), removed)


def input_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the shape of each layer's input, from a run of the host's nodes alone on zeros."""
    shapes: dict[str, tuple[int, ...]] = {}

    def compute(layer: Layer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        shapes[layer.name] = tensor.shape
        quantisation = layer.quantisation
        dtype = "float32"
        if quantisation is not None and quantisation.y_given:
            dtype = "int32" if quantisation.y is None else stored_dtype(quantisation.y)
        results = np.zeros(layer.output_shape(layer.image(tensor).shape), dtype)
        return layer.tensor(results, tensor.shape)

    network.run({name: np.zeros(shape, dtype) for name, (shape, dtype) in network.inputs.items()}, compute)
    return shapes


def unit_of(config: Config) -> tuple[Kind, tuple[int, int] | None]:
    """Return what a configuration leaves out where it is zero, and its size along K and N."""
    if isinstance(config, SystolicConfig):
        return "tiles", (config.rows, config.columns)
    if isinstance(config, EngineConfig):
        return "blocks", (config.k, config.n)
    return "nm", None


def _pruned(layer: Layer, values: npt.NDArray[Any]) -> Layer:
    """Return a layer with other weights, given less their zero point."""
    if layer.quantisation is None:
        return layer.with_weights(values)
    return layer.with_weights(values + layer.quantisation.weight.zero_point[:, None, None, None])


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


def _to_calibrate(config: Config, layer: Layer) -> set[str]:
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


def _observe(network: Network, tensors: set[str], data: Sequence[Data]) -> dict[str, Observer]:
    """Return what tensors of the float model were on data."""
    observers = {name: Observer() for name in tensors}

    def compute(layer: Layer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        result = reference(layer, tensor)
        for name, values in ((layer.input, tensor), (layer.output, result)):
            if name in observers:
                observers[name].observe(values)
        return result

    if tensors:
        with step("Calibrating") as shown:
            for done, batch in enumerate(data):
                shown.show(completed=done, total=len(data))
                network.run(batch, compute)
    return observers


def quantised(config: Config, layer: Layer, observers: Mapping[str, Observer], choices: Choices) -> Layer:
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


def _with_integer_weights(layer: Layer, bits: int, per: Per) -> Layer:
    """Return a layer of floats with sign-magnitude weights."""
    done = quantise(as_matrix(layer.weights), bits, "tensor" if per == "tensor" else "column")
    limit = (1 << (bits - 1)) - 1
    weight = _by_channel(
        Affine(done.scale, np.zeros(done.scale.shape, np.int64), -limit, limit), layer.outputs
    )
    integers = from_matrix(done.integers.astype(np.int64), layer.weights.shape)
    return replace(layer, weights=integers, quantisation=Quantisation(None, weight))
