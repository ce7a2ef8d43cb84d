"""A network of floats on many arrays, at many shares of tiles pruned: the outputs of each.

A step is computed again only where what it is given, or its weights, differ from those of the variant before:
of a network that is pruned behind its first half, that half is computed once for each batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig

from .attention import ComputedProduct, with_products
from .host import Tensors
from .integers import Choices, quantised
from .layer import NetworkLayer
from .mapping import map_layer
from .network import Network
from .reference import reference
from .schedule import Step
from .sparsify import sparsify
from .sparsity import Sparsity, select

Data = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Variant:
    """A way of computing the network.

    Attributes
    ----------
    config:
        The array: its size is that of a tile, its weights are the network's.
    share:
        Of the tiles of all layers that are pruned, ranked together by their L1 norm; 0 to 1.
    exact:
        Sums in float64 in place of the array's arithmetic.
    attention:
        Products of two activations are the array's too, and not the host's, the right one as its weights:
        integers for an array of integers.
    """

    config: SystolicConfig
    share: float
    exact: bool = False
    attention: bool = False


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer as a variant has it: how it is computed, and what tells it from that of another variant."""

    compute: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
    key: tuple[Any, ...]


def sweep(
    network: Network, variants: Sequence[Variant], batches: Iterable[Data], pruned: Sequence[str] = ()
) -> Iterator[tuple[Variant, Tensors]]:
    """Yield the outputs of each variant, all variants of a batch after one another.

    Variants that differ late in the network should stand beside each other.

    Parameters
    ----------
    network:
        Of floats.
    variants:
        See there.
    batches:
        Inputs.
    pruned:
        Patterns of the names of layers that are pruned; none is all.

    Raises
    ------
    UserError
        A layer that an array cannot take, or a pattern that fits none.
    """
    whole = {layer.name: layer for layer in network.layers}
    chosen = select(whole, pruned)
    layers = {variant: _layers(whole, variant, chosen) for variant in variants}
    split = with_products(network.steps)
    for batch in batches:
        known: dict[Any, Any] = {}
        for variant in variants:
            known, tensors = _run(
                split if variant.attention else network.steps, layers[variant], variant.config, batch, known
            )
            yield variant, {name: tensors[name] for name in network.outputs}


def pruned_layers(
    layers: Mapping[str, NetworkLayer], variant: Variant, chosen: Sequence[str]
) -> dict[str, NetworkLayer]:
    """Return layers with the tiles of a variant pruned in those that are chosen, and its weights."""
    some = dict(layers)
    if variant.share:
        size = variant.config.rows, variant.config.columns
        weights = {name: layers[name].weight_values for name in chosen}
        for name, done in sparsify(weights, Sparsity("tiles", variant.share), size).items():
            some[name] = layers[name].with_weights(done.weights)
    return {name: quantised(variant.config, layer, {}, Choices()) for name, layer in some.items()}


def _layers(whole: Mapping[str, NetworkLayer], variant: Variant, chosen: Sequence[str]) -> dict[str, _Layer]:
    done = {}
    for name, layer in pruned_layers(whole, variant, chosen).items():
        if layer.zero is not None:
            raise UserError(f"{name}: integers whose zero point is computed; a network of floats is swept")
        mapping = map_layer(variant.config, layer)
        # Where the host adds tiles their size decides what is added first, and else it changes no word.
        way: tuple[Any, ...] = ("exact", variant.config.weight)
        if not variant.exact:
            way = ("array", variant.config)
        digest = hashlib.sha1(np.ascontiguousarray(layer.weights).tobytes()).digest()

        def compute(
            tensor: npt.NDArray[Any], layer: NetworkLayer = layer, mapping: Any = mapping
        ) -> npt.NDArray[Any]:
            return layer.tensor(mapping.compute(layer.image(tensor)), tensor.shape)

        def exactly(tensor: npt.NDArray[Any], layer: NetworkLayer = layer) -> npt.NDArray[Any]:
            return reference(layer, tensor)

        done[name] = _Layer(exactly if variant.exact else compute, (name, way, digest))
    return done


def _run(
    steps: Sequence[Step | ComputedProduct],
    layers: Mapping[str, _Layer],
    config: SystolicConfig,
    batch: Data,
    known: dict[Any, Any],
) -> tuple[dict[Any, Any], Tensors]:
    """Return all tensors, and by step and inputs what was computed, of which `known` is another variant's.

    Inputs are told apart by identity: the same array is given where the same step made it. What is known
    keeps its inputs, so that no other array can come to lie at their place.
    """
    tensors: dict[str, npt.NDArray[Any]] = dict(batch)
    now: dict[Any, Any] = {}
    for step in steps:
        inputs = [tensors[name] for name in sorted(step.inputs)]
        key: tuple[Any, ...] = (step, *(id(each) for each in inputs))
        if isinstance(step, NetworkLayer):
            key = (*key, layers[step.name].key)
        elif isinstance(step, ComputedProduct):
            key = (*key, config)
        if key in known:
            now[key] = known[key]
        elif isinstance(step, NetworkLayer):
            now[key] = {step.output: layers[step.name].compute(tensors[step.input])}, inputs
        elif isinstance(step, ComputedProduct):
            now[key] = step.run(tensors, config), inputs
        else:
            step.prepare(tensors)
            now[key] = step.run(tensors), inputs
        tensors |= now[key][0]
    return now, tensors
