"""Runs a prepared network: by the golden models, layers of it in RTL, beside the float model; and its cost.

Each layer's results are told from the original layer's on the original network's data by their
signal-to-quantisation-noise ratio. Costs are those of one inference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import step
from tileloom.config import Config
from tileloom.errors import CheckError, UserError

from ..cost import Cost
from .accuracy import SignalToNoise
from .host import Tensors
from .layer import NetworkLayer
from .mapping import Mapping as LayerMapping
from .mapping import map_layer
from .prepared import Prepared
from .reference import reference

Data = Mapping[str, npt.NDArray[Any]]


@dataclass
class LayerRun:
    """What came of a layer.

    Attributes
    ----------
    layer:
        As hardware gets it.
    mapping:
        On the configuration.
    cost:
        Of one inference.
    noise:
        Against the original.
    rtl_cycles, compared:
        Of the first inference in RTL, and how many words were equal to the golden model's; None and 0 where
        it did not run.
    """

    layer: NetworkLayer
    mapping: LayerMapping
    cost: Cost
    noise: SignalToNoise = field(default_factory=SignalToNoise)
    rtl_cycles: int | None = None
    compared: int = 0


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """What came of a network.

    Attributes
    ----------
    layers:
        In order.
    outputs, original:
        Of the network and of the original, all inferences after one another; empty of an estimate.
    inferences:
        How many.
    seconds:
        What the golden models and the host's nodes took.
    """

    layers: Sequence[LayerRun]
    outputs: Tensors
    original: Tensors
    inferences: int
    seconds: float


def map_network(config: Config, prepared: Prepared) -> list[LayerRun]:
    """Return each layer on a configuration, with its cost.

    Raises RefusedError with the name of a layer that the configuration cannot take, and the reason; UserError
    for tables of the file that are not those of this version of Tileloom.
    """
    runs = []
    with step("Mapping layers") as shown:
        layers = prepared.network.layers
        for done, layer in enumerate(layers):
            shown.show(layer.name, completed=done, total=len(layers))
            mapping = map_layer(config, layer)
            if config == prepared.config:
                _check_tables(layer, mapping.tables, prepared.tables[layer.name])
            cost = mapping.cost(layer.image_shape(prepared.shapes[layer.name]))
            runs.append(LayerRun(layer, mapping, cost))
    return runs


def _check_tables(layer: NetworkLayer, found: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Raise UserError where what the hardware would be given is not what the file says."""
    wrong = [
        name for name in found.keys() | saved if not np.array_equal(found.get(name, ()), saved.get(name, ()))
    ]
    if wrong:
        raise UserError(
            f"{layer.name}: {min(wrong)} was prepared by another version of Tileloom; prepare the model again"
        )


def run_network(
    prepared: Prepared, config: Config, batches: Sequence[Data], *, in_rtl: Sequence[str] = ()
) -> NetworkRun:
    """Run a network.

    Parameters
    ----------
    prepared:
        The network.
    config:
        To run it on.
    batches:
        Inputs, an inference each.
    in_rtl:
        Names of the layers to run in RTL too, at the first inference.

    Raises
    ------
    CheckError
        A word of the RTL differs from the golden model's.
    UserError
        A layer that the configuration cannot take, or outputs that have a shape for each inference.
    """
    runs = map_network(config, prepared)
    by_name = {run.layer.name: run for run in runs}
    exact: Tensors = {}
    seconds = 0.0

    def original(layer: NetworkLayer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        result = reference(layer, tensor)
        exact[layer.name] = layer.worth(result)
        return result

    def golden(layer: NetworkLayer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        run = by_name[layer.name]
        result = layer.tensor(run.mapping.compute(layer.image(tensor)), tensor.shape)
        run.noise.add(exact[layer.name], layer.worth(result))
        return result

    def first(layer: NetworkLayer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        nonlocal seconds
        result = golden(layer, tensor)
        if layer.name in in_rtl:
            began = time.perf_counter()
            with step(f"Simulating {layer.name}"):
                _simulate(by_name[layer.name], tensor, result)
            seconds -= time.perf_counter() - began
        return result

    found: list[tuple[Tensors, Tensors]] = []
    with step("Running") as shown:
        for done, batch in enumerate(batches):
            shown.show(_rate(done, seconds), completed=done, total=len(batches))
            before = prepared.original.run(batch, original)
            compute: Callable[[NetworkLayer, npt.NDArray[Any]], npt.NDArray[Any]] = golden
            if not done and in_rtl:
                compute = first
            began = time.perf_counter()
            after = prepared.network.run(batch, compute)
            seconds += time.perf_counter() - began
            found.append((after, before))
    outputs, originals = (
        {name: _together(name, [each[side][name] for each in found]) for name in found[0][side]}
        for side in (0, 1)
    )
    return NetworkRun(runs, outputs, originals, len(batches), seconds)


def _together(name: str, parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return an output of all inferences after one another. Raises UserError where shapes are not alike."""
    other = next((each.shape for each in parts if each.shape[1:] != parts[0].shape[1:]), None)
    if other is not None:
        raise UserError(f"output {name} has the shape {parts[0].shape}, and {other} of another inference")
    return np.concatenate([np.atleast_1d(each) for each in parts])


def _rate(done: int, seconds: float) -> str:
    return f"{done / seconds:.2g} inferences/s" if seconds else ""


def _simulate(run: LayerRun, tensor: npt.NDArray[Any], expected: npt.NDArray[Any]) -> None:
    """Run a layer in RTL; its results too, and not only words, must be the golden model's."""
    simulated = run.mapping.simulate(run.layer.image(tensor))
    run.rtl_cycles, run.compared = simulated.cycles, simulated.compared
    result = run.layer.tensor(simulated.results, tensor.shape)
    if not np.array_equal(result, expected):
        raise CheckError(
            f"{run.layer.name}: {int((result != expected).sum())} results differ from the golden model's"
        )
