"""Programs on engines in RTL: the streams of every chain, and the cycles of every node.

The functional model executes the program. Each strip that it loads for a chain, and the weights, go to the
streams of an engine in RTL as well, with the chain's commands, and every word that comes back has to be the
model's: so what the next node reads is what RTL has computed. The chains of a node follow each other on each
engine without rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom_golden.engine.program import Program
from tileloom_golden.engine.sparse import from_convolution
from tileloom_golden.engine.streams import (
    header_words,
    index_entries,
    result_units,
    weight_beats,
)
from tileloom_golden.estimate.engine import estimate
from tileloom_golden.requantise import Requantisation
from tileloom_sim.engine.harness import LayerStreams, joined, run_layers
from tileloom_sim.engine.layers import activation_beats, command_beats, index_beats

from ..cores import Columns
from ..program import Conv
from ..timeline import Timeline
from ..weights import Filters
from .commands import chain_commands, chain_program

Bytes = npt.NDArray[np.uint8]


@dataclass
class NodeRun:
    """A node on the engines: its chains, words compared, cycles of the engine that took longest.

    ``alone`` are the cycles of that engine's chains by the golden model's estimate; ``estimated`` those
    that the timeline has for all engines, which share a column's channel for results.
    """

    node: str
    chains: int = 0
    words: int = 0
    cycles: int = 0
    alone: int = 0
    estimated: float = 0.0

    def row(self) -> tuple[str, ...]:
        """Return a row of a table."""
        counts = str(self.chains), f"{self.words:,}", f"{self.cycles:,}", f"{self.alone:,}"
        return self.node, *counts, f"{self.cycles / self.alone:.3f}", f"{self.estimated:,.0f}"


def total(runs: Sequence[NodeRun]) -> NodeRun:
    """Return all nodes that ran together."""
    ran = [run for run in runs if run.chains]
    return NodeRun(
        "all",
        sum(run.chains for run in ran),
        sum(run.words for run in ran),
        sum(run.cycles for run in ran),
        sum(run.alone for run in ran),
        sum(run.estimated for run in ran),
    )


@dataclass
class _Chain:
    """A chain on one engine, its strips so far, and what has to come out."""

    program: Program
    commands: list[list[int]]
    index: npt.NDArray[np.uint16]
    weights: Bytes
    kept: npt.NDArray[np.bool_]
    strips: list[Bytes] = field(default_factory=list)
    expected: list[Bytes] = field(default_factory=list)

    def streams(self, waits: tuple[float, float, float, float, float], seed: int) -> LayerStreams:
        count = len(self.strips)
        return LayerStreams(
            commands=command_beats(self.commands),
            index=index_beats(np.tile(self.index, count)),
            weights=np.tile(self.weights, (count, 1)),
            activations=np.concatenate(self.strips),
            results=sum(map(len, self.expected)),
            waits=waits,
            seed=seed,
        )


class Engines:
    """Engines in RTL that compute what a functional model's cores compute.

    Parameters
    ----------
    design:
        Of engine-int8.
    waits:
        How often commands, index, weights, activations and results wait in a cycle.
    seed:
        Of the waits.
    """

    def __init__(
        self,
        design: Design,
        waits: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0),
        seed: int = 0,
    ) -> None:
        self.design, self.waits, self.seed = design, waits, seed
        self.nodes: list[NodeRun] = []
        self.queues: dict[tuple[int, int], list[_Chain]] = {}

    def observe(
        self,
        node: str,
        iteration: int,
        conv: Conv,
        operands: Sequence[Columns],
        filters: Filters | None,
        found: Columns,
    ) -> None:
        """Take an iteration of a chain: what cores have of each column, weights of all rows, and results.

        Raises CheckError as `finish`, when it is another node's than before, and UserError as
        `chain_program`.
        """
        if not self.nodes or self.nodes[-1].node != node:
            self.finish()
            self.nodes.append(NodeRun(node))
        if filters is None:
            self.nodes.pop()
            return
        self.nodes[-1].chains += iteration == 0
        for row in range(-(-conv.limit // conv.outputs)):
            channels = slice(row * conv.outputs, min((row + 1) * conv.outputs, conv.limit))
            for column, image in enumerate(operands[0]):
                queue = self.queues.setdefault((row, column), [])
                if iteration == 0:
                    program = chain_program(conv, row, column)
                    if program is None:
                        continue
                    queue.append(_begin(program, conv.iterations, filters, channels))
                elif not conv.width[column]:
                    continue
                chain = queue[-1]
                chain.strips.append(activation_beats(chain.program, image))
                units, _ = result_units(chain.program, found[column][..., channels])
                chain.expected.append(units.reshape(len(units), -1).astype(np.int8).view(np.uint8))

    def finish(self) -> None:
        """Run what was taken. Raises CheckError with the node where a word is not the model's."""
        engines = [chains for chains in self.queues.values() if chains]
        self.queues.clear()
        if not engines:
            return
        streams = [
            joined([chain.streams(self.waits, self.seed + index) for chain in chains])
            for index, chains in enumerate(engines)
        ]
        own = self.nodes[-1]
        for chains, run in zip(engines, run_layers(self.design, streams), strict=True):
            expected = np.concatenate([each for chain in chains for each in chain.expected])
            wrong = int((run.results != expected).sum())
            if wrong or run.fault:
                raise CheckError(f"{own.node}: {wrong} of {expected.size} results of RTL are not the model's")
            own.words += expected.size
            if run.cycles > own.cycles:
                own.cycles, own.alone = run.cycles, _estimated(chains)

    def beside(self, times: Timeline, clock: int) -> None:
        """Note what each node's chains take by a timeline, at a clock in MHz."""
        cycles = core_cycles(times, clock)
        for own in self.nodes:
            own.estimated = cycles[own.node]


def _begin(program: Program, iterations: int, filters: Filters, channels: slice) -> _Chain:
    """Return a chain with its commands, and the index and weights of one iteration."""
    weights = from_convolution(filters.weights[channels])
    given = filters.parameters
    parameters = Requantisation(
        *(np.asarray(values)[channels] for values in (given.bias, given.scale, given.shift, given.zero_point))
    )
    return _Chain(
        program,
        chain_commands(program, iterations),
        index_entries(program, weights),
        weight_beats(program, weights, header_words(parameters)),
        weights.mask,
    )


def _estimated(chains: Sequence[_Chain]) -> int:
    """Return the cycles of chains by the golden model, those with the same weights as one layer's strips."""
    cycles = 0
    for _, same in groupby(chains, key=lambda chain: chain.kept.tobytes()):
        alike = list(same)
        groups = [chain.program.groups * len(chain.strips) for chain in alike]
        program = replace(alike[0].program, groups=tuple(each for some in groups for each in some))
        cycles += estimate(program, alike[0].kept).cycles
    return cycles


def core_cycles(times: Timeline, clock: int) -> dict[str, float]:
    """Return the cycles that each node's chains take by the timeline, DDR left out."""
    found: dict[str, float] = {}
    end = 0.0
    for event in times.events:
        if event.lane in ("LOADFM", "LOADWM", "COMP", "WRITEFM"):
            took = max(0.0, event.end - max(end, event.begin))
            found[event.node] = found.get(event.node, 0.0) + took * clock * 1e6
            end = max(end, event.end)
    return found
