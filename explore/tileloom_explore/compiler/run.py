"""Runs a compiled network in the functional model: what DDR has before, and what is read from it after."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tileloom_golden.requantise import from_ratios

from .abstraction import Abstraction
from .arithmetic import Image
from .cores import Observer
from .graph import Graph, Kind
from .machine import Machine
from .program import Program
from .weights import Filters, pack
from .work import ceil


def execute(
    program: Program,
    graph: Graph,
    grid: Abstraction,
    filters: Mapping[str, Filters],
    inputs: Mapping[str, Image],
    observer: Observer | None = None,
) -> dict[str, Image]:
    """Return a network's outputs, as the functional model computes them.

    Parameters
    ----------
    program:
        Of the network, compiled for the grid.
    graph:
        The network.
    grid:
        What executes it.
    filters:
        Of each convolution; their blocks of zeros are those that the program was compiled with.
    inputs:
        The network's.
    observer:
        Is told of everything that the cores compute.

    Raises
    ------
    CheckError
        The program is wrong: see `machine`; or weights need more room than it has for them.
    """
    ddr = Ddr(program, graph, grid, filters)
    for name in graph.inputs:
        ddr.put(name, inputs[name])
    machine = Machine(grid, ddr.bytes, ddr.written)
    machine.cores.observer = observer
    machine.run(program.steps)
    return {name: ddr.get(name) for name in graph.outputs}


class Ddr:
    """DDR of a program: weights are in it, and tensors can be put there and read.

    Parameters
    ----------
    program, graph, grid, filters:
        As `execute` takes them.

    Raises
    ------
    ValueError
        Weights need more room than the program has for them.
    """

    def __init__(
        self, program: Program, graph: Graph, grid: Abstraction, filters: Mapping[str, Filters]
    ) -> None:
        self.program, self.graph, self.block = program, graph, grid.block
        self.bytes = np.zeros(program.ddr_bytes, np.uint8)
        self.written = np.zeros(program.ddr_bytes, np.bool_)
        for chunk in program.chunks:
            content = pack(filters[chunk.node], chunk.outputs, chunk.inputs, grid.block)
            if len(content) > chunk.bytes:
                raise ValueError(
                    f"{chunk.node}: {len(content)} bytes of weights where the program has {chunk.bytes}"
                )
            place = slice(chunk.address, chunk.address + len(content))
            self.bytes[place] = np.frombuffer(content, np.uint8)

    def put(self, name: str, image: Image) -> None:
        """Write a tensor, its channels filled up to whole blocks."""
        filled = np.zeros(self._shape(name), np.int8)
        filled[..., : self.graph.tensors[name].channels] = image
        place = self._place(name)
        self.bytes[place], self.written[place] = filled.view(np.uint8).ravel(), True

    def get(self, name: str) -> Image:
        """Return a tensor. Raises ValueError where not all of it is there."""
        place = self._place(name)
        if not self.written[place].all():
            raise ValueError(f"{name} is not all in DDR")
        whole = self.bytes[place].view(np.int8).reshape(self._shape(name))
        return whole[..., : self.graph.tensors[name].channels].copy()

    def _shape(self, name: str) -> tuple[int, int, int]:
        tensor = self.graph.tensors[name]
        return tensor.height, tensor.width, ceil(tensor.channels, self.block) * self.block

    def _place(self, name: str) -> slice:
        begin = self.program.tensors[name]
        return slice(begin, begin + int(np.prod(self._shape(name))))


def random_filters(graph: Graph, sparsity: float, block: int, rng: np.random.Generator) -> dict[str, Filters]:
    """Return random weights, as many blocks of zeros in each block column as the sparsity says.

    Convolutions with fewer input channels than a block have none. Scales keep results in the range of INT8.
    """
    filters = {}
    for node in graph.nodes:
        if node.kind is not Kind.CONV or node.owner in filters:
            continue
        layer = node.layer
        shape = (layer.outputs, *layer.kernel, layer.channels)
        weights = rng.integers(-127, 128, shape).astype(np.int8)
        kept = random_mask(layer.channels, layer.outputs, sparsity, block, rng)
        weights *= np.repeat(np.repeat(kept, block, 0), block, 1).T[: shape[0], None, None, : shape[3]]
        count = max(1, (weights[0] != 0).sum())
        ratios = np.full(layer.outputs, 1.0 / (30 * np.sqrt(count)))
        bias = rng.integers(-500, 500, layer.outputs)
        filters[node.owner] = Filters(weights, from_ratios(ratios, bias))
    return filters


def random_mask(
    channels: int, outputs: int, sparsity: float, block: int, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Return which blocks are kept, input blocks x output blocks: the same share in each block column."""
    rows, columns = ceil(channels, block), ceil(outputs, block)
    missing = round(sparsity * rows) if channels >= block else 0
    return rng.permuted(np.repeat(np.arange(rows)[:, None] >= missing, columns, 1), axis=0)
