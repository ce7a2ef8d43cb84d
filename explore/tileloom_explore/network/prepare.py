"""Prepares a network for a configuration: sparsified, quantised on data, each layer shown to fit.

What is done depends on the family: an array of integer weights takes these alone, an INT8 engine and the
xDecimate kernels integers throughout, an array or a core of floats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import step
from tileloom.config import Config
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig

from .calibrate import Observer
from .integers import Choices, quantised, ranges_needed
from .layer import NetworkLayer, stored_dtype
from .mapping import map_layer
from .network import Network
from .prepared import Prepared
from .reference import reference
from .room import require_room
from .sparsify import Sparsified, sparsify
from .sparsity import Kind, Sparsity, select

Data = Mapping[str, npt.NDArray[Any]]


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
        reasons = [f"{name} ({why})" for name, why in network.reasons.items()]
        more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        why = f"{reasons[0]}{more}" if reasons else "nothing is a product or a convolution with weights"
        raise UserError(f"the network has no layer: {why}")
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
    wanted = {name: ranges_needed(config, layer) for name, layer in layers.items()}
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
        tables = {name: map_layer(config, layer).tables for name, layer in layers.items()}
    kept = {name: done.kept for name, done in removed.items() if done.kept is not None}
    return Preparation(Prepared(config, prepared, network, input_shapes(network), kept, tables), removed)


def input_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the shape of each layer's input, from a run of the host's nodes alone on zeros."""
    shapes: dict[str, tuple[int, ...]] = {}

    def compute(layer: NetworkLayer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        shapes[layer.name] = tensor.shape
        quantisation = layer.quantisation
        dtype = "float32"
        if quantisation is not None and quantisation.y_given:
            dtype = "int32" if quantisation.y is None else stored_dtype(quantisation.y)
        results_shape = layer.output_shape(layer.image(tensor).shape)
        require_room(f"{layer.name} ({layer.operator}): its results", results_shape)
        results = np.zeros(results_shape, dtype)
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


def _pruned(layer: NetworkLayer, values: npt.NDArray[Any]) -> NetworkLayer:
    """Return a layer with other weights, given less their zero point."""
    if layer.quantisation is None:
        return layer.with_weights(values)
    return layer.with_weights(values + layer.quantisation.weight.zero_point[:, None, None, None])


def _observe(network: Network, tensors: set[str], data: Sequence[Data]) -> dict[str, Observer]:
    """Return what tensors of the float model were on data."""
    observers = {name: Observer() for name in tensors}

    def compute(layer: NetworkLayer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        result = reference(layer, tensor)
        for name, values in ((layer.input, tensor), (layer.output, result)):
            if name in observers:
                try:
                    observers[name].observe(values)
                except UserError as error:
                    raise UserError(f"--calibrate: {layer.name}: {name}: {error}") from None
        return result

    if tensors:
        with step("Calibrating") as shown:
            for done, batch in enumerate(data):
                shown.show(completed=done, total=len(data))
                network.run(batch, compute)
    return observers
