"""A prepared network as a graph: its layers are convolutions, everything else is the host's.

A layer reads what the host has put in DDR, and its results go there for the host; but where the next layer
takes the same INT8 numbers as they are, they stay with the grid::

    host --name.x--> convolution --name--> convolution --name--> host
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom_golden.engine.layer import Layer
from tileloom_golden.integers import Pads

from ...network.engine.layer import EngineMapping
from ...network.layer import NetworkLayer
from ...network.prepared import Prepared, read_prepared
from ...network.run import map_network
from ..graph import Graph, Kind, Node, Tensor
from ..weights import Filters

NO_PADS: Pads = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Placed:
    """A layer of the network as a node.

    Attributes
    ----------
    node:
        In the graph; its input is the host's if its name ends in ".x".
    layer, mapping:
        In the network, and on the engine.
    given:
        The shape of the layer's input, as the network has it.
    """

    node: Node
    layer: NetworkLayer
    mapping: EngineMapping
    given: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the layer's image, N x H x W x C."""
        return self.layer.image_shape(self.given)


@dataclass(frozen=True, eq=False)
class Mapped:
    """A prepared network on a grid: its graph, weights by node, and layers by node."""

    prepared: Prepared
    graph: Graph
    filters: Mapping[str, Filters]
    placed: Mapping[str, Placed]


def load_mapped(path: Path) -> Mapped:
    """Return the network of a file that `network prepare` wrote. Raises UserError as its parts do."""
    return map_prepared(read_prepared(path), path.name.removesuffix(".npz").removesuffix(".tileloom"))


def map_prepared(prepared: Prepared, name: str) -> Mapped:
    """Return a prepared network as a graph of this name.

    Raises
    ------
    UserError
        It was prepared for something else than engine-int8; or has a batch of images, which only products
        and 1 x 1 convolutions take at once; or as `map_network`.
    """
    config = prepared.config
    if config != EngineConfig():
        raise UserError(
            f"{name}: is prepared for {design_name(config)}, and the compiler takes engine-int8's"
        )
    placed: dict[str, Placed] = {}
    makers: dict[str, Placed] = {}
    filters: dict[str, Filters] = {}
    for run in map_network(config, prepared):
        layer, mapping = run.layer, run.mapping
        assert isinstance(mapping, EngineMapping) and mapping.parameters is not None
        given = prepared.shapes[layer.name]
        shape = layer.image_shape(given)
        own = re.sub(r"\s", "_", layer.name)
        before = makers.get(layer.input)
        geometry = _geometry(mapping, shape)
        source = f"{own}.x"
        if before and _same(before, layer, mapping, shape, geometry):
            source = before.node.output
        node = Node(
            name=own, kind=Kind.CONV, layer=geometry, inputs=(source,), output=own, relu=_relu(mapping)
        )
        placed[own] = makers[layer.output] = Placed(node, layer, mapping, given)
        filters[own] = Filters(mapping.parts[0].astype(np.int8), mapping.parameters)
    kept = {own: each.kept(config.k) for own, each in filters.items()}
    return Mapped(prepared, replace(_graph(prepared, name, placed), kept=kept), filters, placed)


def _graph(prepared: Prepared, name: str, placed: Mapping[str, Placed]) -> Graph:
    """Return the graph: what the host gives, and what it reads."""
    read = set(prepared.network.outputs)
    for step in prepared.network.steps:
        if not isinstance(step, NetworkLayer):
            read |= set(step.inputs)
    tensors: dict[str, Tensor] = {}
    inputs = []
    for each in placed.values():
        layer, source = each.node.layer, each.node.inputs[0]
        if source not in placed:
            tensors[source] = Tensor(source, layer.height, layer.width, layer.channels)
            inputs.append(source)
            read.discard(source)
        tensors[each.node.output] = Tensor(each.node.output, *layer.output, layer.outputs)
    # What a layer gives to another one by way of the host counts as read by the host.
    for each in placed.values():
        if each.node.inputs[0] in inputs:
            read.add(each.layer.input)
    outputs = tuple(each.node.output for each in placed.values() if each.layer.output in read)
    nodes = tuple(each.node for each in placed.values())
    return Graph(name, tensors, nodes, tuple(inputs), outputs, handed=outputs)


def _geometry(mapping: EngineMapping, shape: tuple[int, ...]) -> Layer:
    """Return the layer that the grid computes, padding of the host in its image."""
    if not mapping.native or shape[0] > 1:
        geometry = mapping.runs(shape)[0].geometry
        if mapping.native and geometry.height * geometry.width != int(np.prod(shape[:3])):
            name = mapping.layer.name
            raise UserError(f"{name}: is of a batch of {shape[0]} images; prepare the network for one")
        return geometry
    host, own = mapping.pads(shape)
    return Layer(
        height=shape[1] + host[0] + host[1],
        width=shape[2] + host[2] + host[3],
        channels=mapping.parts[0].shape[3],
        outputs=mapping.layer.outputs,
        kernel=mapping.layer.kernel,
        stride=mapping.layer.window.strides[0],
        pads=own,
    )


def _offset(mapping: EngineMapping) -> int:
    """Return what the network's integers are above the engine's."""
    quantisation = mapping.layer.quantisation
    assert quantisation is not None and quantisation.y is not None
    return 128 if quantisation.y.high > 127 else 0


def _relu(mapping: EngineMapping) -> bool:
    """Return whether the engine can do the layer's ReLU: where the network's 0 is the engine's."""
    quantisation = mapping.layer.quantisation
    assert quantisation is not None and quantisation.y is not None
    return mapping.layer.relu and int(quantisation.y.zero_point) == _offset(mapping)


def _same(
    before: Placed, layer: NetworkLayer, mapping: EngineMapping, shape: tuple[int, ...], geometry: Layer
) -> bool:
    """Return whether a layer takes the results of the one before as they are.

    That is if nothing is padded or unrolled between, places lie alike, and each of the 256 numbers, as the
    network has it and quantised for the layer, is the number that it was.
    """
    made = before.node.layer
    if (*made.output, made.outputs) != (geometry.height, geometry.width, geometry.channels):
        return False
    if not mapping.native or shape[0] > 1 or mapping.pads(shape)[0] != NO_PADS:
        return False
    relu = before.layer.relu
    if relu and not before.node.relu:
        return False
    numbers = np.arange(0 if relu else -128, 128)
    given = before.layer.given_out(numbers + _offset(before.mapping))
    if not np.array_equal(layer.entering(given) + mapping.padding, numbers):
        return False
    places = np.arange(np.prod(before.layer.output_shape(before.shape)), dtype=np.int64)
    results = places.reshape(before.layer.output_shape(before.shape))
    tensor = before.layer.arrangement.tensor(results, before.given)
    return np.array_equal(layer.arrangement.image(tensor).ravel(), places)
