"""Runs a prepared network's program in the functional model, the host's nodes by onnxruntime in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError

from ...network.layer import NetworkLayer
from ..abstraction import Abstraction
from ..cores import Observer
from ..graph import Graph
from ..machine import Machine
from ..program import Program
from ..run import Ddr
from .mapped import Mapped

Tensors = dict[str, npt.NDArray[Any]]


def run_prepared(
    mapped: Mapped,
    graph: Graph,
    program: Program,
    grid: Abstraction,
    data: Mapping[str, npt.NDArray[Any]],
    observer: Observer | None = None,
) -> Tensors:
    """Return the network's outputs for an inference.

    Parameters
    ----------
    mapped:
        The network.
    graph:
        Its graph, or that with a sub-graph in tiles.
    program:
        Of the graph, compiled for the grid.
    grid:
        What executes it.
    data:
        The network's inputs.
    observer:
        Is told of everything that the cores compute.

    Raises
    ------
    CheckError
        The program is wrong: see `machine`.
    UserError
        The host cannot run a node.
    """
    ddr = Ddr(program, graph, grid, mapped.filters)
    host = _Host(mapped, ddr, dict(data))
    owners = {node.name: node.owner for node in graph.nodes}
    machine = Machine(grid, ddr.bytes, ddr.written)
    machine.cores.observer = observer
    machine.begins = lambda node: host.before(owners[node])
    machine.run(program.steps)
    return {name: host.tensor(name) for name in mapped.prepared.network.outputs}


def compare(mapped: Mapped, found: Tensors, data: Mapping[str, npt.NDArray[Any]]) -> int:
    """Return how many numbers of the outputs are those of the network by the golden models: all of them.

    Raises CheckError where one is not.
    """

    def golden(layer: NetworkLayer, tensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        mapping = next(each.mapping for each in mapped.placed.values() if each.layer is layer)
        return layer.tensor(mapping.compute(layer.image(tensor)), tensor.shape)

    expected = mapped.prepared.network.run(data, golden)
    for name, values in expected.items():
        wrong = int((found[name] != values).sum())
        if wrong:
            raise CheckError(f"{name}: {wrong} of {values.size} results are not the network's")
    return sum(values.size for values in expected.values())


class _Host:
    """The host: runs what is between layers as it is needed, and reads layers' results from DDR."""

    def __init__(self, mapped: Mapped, ddr: Ddr, tensors: Tensors) -> None:
        self.mapped, self.ddr, self.tensors = mapped, ddr, tensors
        self.makers = {each.layer.output: each for each in mapped.placed.values()}
        self.segments = {
            name: step
            for step in mapped.prepared.network.steps
            if not isinstance(step, NetworkLayer)
            for name in step.outputs
        }
        self.done: set[str] = set()

    def before(self, node: str) -> None:
        """Put what a node reads of the host into DDR, if it is not there yet."""
        each = self.mapped.placed[node]
        source = each.node.inputs[0]
        if node in self.done or source in self.mapped.placed:
            return
        self.done.add(node)
        image = each.layer.image(self.tensor(each.layer.input))
        (_, operand, _), *_ = each.mapping.operands(image)
        shape = each.node.layer.height, each.node.layer.width, each.node.layer.channels
        self.ddr.put(source, np.asarray(operand, np.int8).reshape(shape))

    def tensor(self, name: str) -> npt.NDArray[Any]:
        """Return a tensor of the network: given, a layer's results, or computed here."""
        if name not in self.tensors:
            if name in self.makers:
                each = self.makers[name]
                words = self.ddr.get(each.node.output).reshape(-1, each.layer.outputs)
                results = each.mapping.results([words], each.shape)
                self.tensors[name] = each.layer.tensor(results, each.given)
            else:
                segment = self.segments[name]
                for read in segment.inputs:
                    self.tensor(read)
                segment.prepare(self.tensors)
                self.tensors |= segment.run(self.tensors)
        return self.tensors[name]
