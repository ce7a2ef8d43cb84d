"""Networks as the compiler takes them: tensors, and nodes in the order in which they are computed.

A node is a convolution, a pooling or an addition, requantised to INT8. A tensor may have several producers,
each of which writes channels of its own: that is all there is of a concatenation. A tensor may be a tile, a
box of another one that lies in DDR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt

from tileloom_golden.engine.layer import Layer


class Kind(Enum):
    """What a node computes."""

    CONV = "conv"
    MAX = "max"
    AVERAGE = "average"
    ADD = "add"

    @property
    def weighted(self) -> bool:
        """Whether there are weights."""
        return self is Kind.CONV


@dataclass(frozen=True)
class Tensor:
    """Activations: INT8, height x width x channels.

    Attributes
    ----------
    name:
        Its own.
    height, width, channels:
        Its size.
    of, y, x:
        Of a tile: the tensor that it is a box of, with all channels, and where in it the box begins.
    """

    name: str
    height: int
    width: int
    channels: int
    of: str = ""
    y: int = 0
    x: int = 0


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of a network.

    Attributes
    ----------
    name:
        Its own.
    kind:
        What it computes.
    layer:
        Shape, kernel, stride and pads; of pooling and addition as many outputs as channels.
    inputs:
        Tensors: two of an addition, else one.
    output:
        The tensor that it writes.
    channel:
        The first channel of ``output`` that it writes.
    relu:
        Whether negative results become 0.
    origins:
        Of each input: row and pixel at which the layer's image begins in the tensor. Empty: all begin at 0, 0
        and are as large as the layer's image.
    of:
        The name of the node that this one computes a tile of, with that one's weights.
    """

    name: str
    kind: Kind
    layer: Layer
    inputs: tuple[str, ...]
    output: str
    channel: int = 0
    relu: bool = True
    origins: tuple[tuple[int, int], ...] = ()
    of: str = ""

    @property
    def owner(self) -> str:
        """The name of the node whose weights it has."""
        return self.of or self.name

    def origin(self, operand: int) -> tuple[int, int]:
        """Return row and pixel of an input at which the layer's image begins."""
        return self.origins[operand] if self.origins else (0, 0)


@dataclass(frozen=True)
class Graph:
    """A network.

    Attributes
    ----------
    name:
        Its own.
    tensors:
        By name.
    nodes:
        In the order of the schedule.
    inputs, outputs:
        Tensors that are in DDR before, and that have to be there at the end.
    handed:
        Outputs that have to be there as soon as they are complete, since a host reads them.
    kept:
        Which blocks of a convolution's weights there are, input blocks x output blocks, by its name; all
        where it is not named.

    Raises
    ------
    ValueError
        A node reads a tensor that is not complete, its shape does not fit, or channels are written twice.
    """

    name: str
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    handed: tuple[str, ...] = ()
    kept: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        written: dict[str, set[int]] = {name: set(range(self.tensors[name].channels)) for name in self.inputs}
        for node in self.nodes:
            layer, out = node.layer, self.tensors[node.output]
            for operand, name in enumerate(node.inputs):
                read, (y, x) = self.tensors[name], node.origin(operand)
                if not self._complete(read, written):
                    raise ValueError(f"{node.name} reads {name} before all of it is written")
                size = (read.height, read.width) if not node.origins else (layer.height, layer.width)
                inside = y + size[0] <= read.height and x + size[1] <= read.width
                if (*size, read.channels) != (layer.height, layer.width, layer.channels) or not inside:
                    raise ValueError(f"{node.name}: the shape of {name} is not that of the layer")
            if (out.height, out.width) != layer.output:
                raise ValueError(f"{node.name}: {node.output} is not {layer.output[0]} x {layer.output[1]}")
            new = set(range(node.channel, node.channel + layer.outputs))
            if new & written.setdefault(node.output, set()) or max(new) >= out.channels:
                raise ValueError(f"{node.name}: channels of {node.output} are written twice, or not there")
            written[node.output] |= new

    def tiles(self, name: str) -> list[Tensor]:
        """Return the tiles of a tensor that nodes write; none where it is written whole, or an input."""
        made = {node.output for node in self.nodes}
        return [tensor for tensor in self.tensors.values() if tensor.of == name and tensor.name in made]

    def _complete(self, tensor: Tensor, written: Mapping[str, set[int]]) -> bool:
        """Return whether all of a tensor is written: itself, what it is a tile of, or all of its tiles."""
        if len(written.get(tensor.name, ())) == tensor.channels:
            return True
        if tensor.of and tensor.name not in written:
            return self._complete(self.tensors[tensor.of], written)
        tiles = self.tiles(tensor.name)
        there = sum(each.height * each.width for each in tiles)
        full = all(len(written.get(each.name, ())) == each.channels for each in tiles)
        return full and there == tensor.height * tensor.width

    def cropped(self, height: int, width: int) -> Graph:
        """Return the network for a smaller image. Raises ValueError where a kernel does not fit any more."""
        sizes = dict.fromkeys(self.inputs, (height, width))
        nodes = []
        for node in self.nodes:
            size = sizes[node.inputs[0]]
            kernel = size if node.layer.kernel == (node.layer.height, node.layer.width) else node.layer.kernel
            layer = Layer(
                height=size[0],
                width=size[1],
                channels=node.layer.channels,
                outputs=node.layer.outputs,
                kernel=kernel,
                stride=node.layer.stride,
                pads=node.layer.pads,
            )
            sizes[node.output] = layer.output
            nodes.append(Node(**{**node.__dict__, "layer": layer}))
        tensors = {name: Tensor(name, *sizes[name], each.channels) for name, each in self.tensors.items()}
        return Graph(self.name, tensors, tuple(nodes), self.inputs, self.outputs, self.handed, self.kept)


class Builder:
    """A graph being written down; each method adds a node and returns the tensor that it makes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []

    def input(self, name: str, height: int, width: int, channels: int) -> str:
        """Add a tensor that is there from the beginning."""
        self.tensors[name] = Tensor(name, height, width, channels)
        self.inputs.append(name)
        return name

    def joined(self, name: str, height: int, width: int, channels: int) -> str:
        """Add a tensor that several nodes write, to be passed as ``into``."""
        self.tensors[name] = Tensor(name, height, width, channels)
        return name

    def conv(
        self,
        name: str,
        source: str,
        outputs: int,
        kernel: int | tuple[int, int] = 1,
        *,
        stride: int = 1,
        pads: tuple[int, int] | None = None,
        into: tuple[str, int] | None = None,
        relu: bool = True,
    ) -> str:
        """Add a convolution; ``pads`` of height and width, by default those that keep the size."""
        kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
        pads = (kernel[0] // 2, kernel[1] // 2) if pads is None else pads
        layer = self._layer(source, outputs, kernel, stride, pads)
        return self._add(name, Kind.CONV, layer, (source,), into, relu)

    def pool(
        self,
        name: str,
        kind: Kind,
        source: str,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        pad: int = 0,
        into: tuple[str, int] | None = None,
    ) -> str:
        """Add a pooling."""
        kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
        layer = self._layer(source, self.tensors[source].channels, kernel, stride, (pad, pad))
        return self._add(name, kind, layer, (source,), into, relu=False)

    def add(self, name: str, left: str, right: str) -> str:
        """Add an element-wise addition with ReLU."""
        layer = self._layer(left, self.tensors[left].channels, (1, 1), 1, (0, 0))
        return self._add(name, Kind.ADD, layer, (left, right), None, relu=True)

    def graph(self, *outputs: str) -> Graph:
        """Return the graph."""
        return Graph(self.name, self.tensors, tuple(self.nodes), tuple(self.inputs), outputs)

    def _layer(
        self, source: str, outputs: int, kernel: tuple[int, int], stride: int, pads: tuple[int, int]
    ) -> Layer:
        read = self.tensors[source]
        return Layer(
            height=read.height,
            width=read.width,
            channels=read.channels,
            outputs=outputs,
            kernel=kernel,
            stride=stride,
            pads=(pads[0], pads[0], pads[1], pads[1]),
        )

    def _add(
        self,
        name: str,
        kind: Kind,
        layer: Layer,
        inputs: tuple[str, ...],
        into: tuple[str, int] | None,
        relu: bool,
    ) -> str:
        output, channel = into or (name, 0)
        if into is None:
            self.tensors[name] = Tensor(name, *layer.output, layer.outputs)
        self.nodes.append(
            Node(name=name, kind=kind, layer=layer, inputs=inputs, output=output, channel=channel, relu=relu)
        )
        return output
