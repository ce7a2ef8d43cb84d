"""The compiler of a whole network: what is in the memory tiles when, and the steps of every node.

Nodes run in the order of the graph. For each, its tensors and weights are to be in the memory tiles. Where
that does not fit, tensors that are not needed now are evicted to DDR, or the node is cut into parts that read
their activations from DDR, or write their results there, or both: whatever takes least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .abstraction import Abstraction
from .chains import NodeEmitter, take_spare
from .cut import Plan, best_plan
from .emit import Emitter
from .graph import Graph
from .memory import Memory, rounded
from .program import Buffer, Program
from .work import Span, Work, slices


@dataclass
class Held:
    """A tensor in the memory tiles: where, and the first and the number of the channels written so far."""

    buffer: Buffer
    written: list[Span] = field(default_factory=list)


@dataclass
class _Choice:
    """A way to compute a node: its plan, what is evicted before, and the seconds that both take."""

    plan: Plan
    evicted: list[str]
    seconds: float


Plans = dict[object, Plan | None]
"""Plans that were searched for: of what node, and in how much room; for one grid and one set of masks."""


def compile_network(
    graph: Graph,
    grid: Abstraction,
    kept: Mapping[str, npt.NDArray[np.bool_]] | None = None,
    plans: Plans | None = None,
) -> Program:
    """Compile a network.

    Parameters
    ----------
    graph:
        The network.
    grid:
        What it is compiled for.
    kept:
        Which blocks of a convolution's weights there are, input blocks x output blocks, by the node's name;
        all where it is not named. Tiles have those of the node that they are a tile of.
    plans:
        What was found as the same nodes were compiled for the same grid and masks; more is added.

    Raises
    ------
    ValueError
        A mask's shape is not that of its node's blocks, or not even one pixel of a node, with a block of
        input and one of output channels, fits the memories.
    """
    return _Compiler(graph, grid, kept or {}, {} if plans is None else plans).program()


class _Compiler:
    def __init__(
        self,
        graph: Graph,
        grid: Abstraction,
        kept: Mapping[str, npt.NDArray[np.bool_]],
        plans: Plans,
    ) -> None:
        self.graph, self.grid, self.plans = graph, grid, plans
        self.works = [Work(node, grid, kept.get(node.owner)) for node in graph.nodes]
        self.emitter = Emitter(graph, grid)
        self.memory = Memory(grid.activation_room)
        self.held: dict[str, Held] = {}
        self.index = 0
        # Channels that DDR has of each tensor.
        self.in_ddr: dict[str, list[Span]] = {name: [(0, self.emitter.pixel(name))] for name in graph.inputs}
        # The last node that reads a tensor, or a tile of it, and the last one that writes it.
        self.last = {
            name: index
            for index, node in enumerate(graph.nodes)
            for read in node.inputs
            for name in (read, graph.tensors[read].of)
        }
        self.complete = {node.output: index for index, node in enumerate(graph.nodes)}
        written = [graph.tensors[name] for name in self.complete]
        self.leaving = {*graph.outputs, *(tensor.name for tensor in written if tensor.of)}

    def program(self) -> Program:
        """Return the program."""
        for index, work in enumerate(self.works):
            self.index = index
            self._node(work)
        for name in [*self.held]:
            if name in self.leaving:
                self._evict(name)
        return self.emitter.program()

    def _node(self, work: Work) -> None:
        node = work.node
        self.emitter.begin(node)
        for name in node.inputs:
            whole = self.graph.tensors[name].of
            if whole in self.held:
                self._evict(whole)
            if whole and name not in self.held:
                self.in_ddr[name] = [(0, self.emitter.pixel(name))]
            if name in self.held and not self._reachable(work, name):
                self._evict(name)
        at_rest = self._choice(work, self._room(()), [], reads=False, writes=False)
        # Where inputs are there, and nothing moves but weights, once, there is nothing to compare.
        simple = at_rest and len(at_rest.plan.parts) == 1 and all(name in self.held for name in node.inputs)
        if not (at_rest and simple and self._compute(work, at_rest)) and not any(
            self._compute(work, choice)
            for choice in sorted(self._choices(work), key=lambda choice: choice.seconds)
        ):
            raise ValueError(
                f"{node.name}: not even a pixel of it fits the memories of {self.grid.label}; "
                "give input_bytes, output_bytes, weight_bytes or tile_bytes more"
            )
        for name in [*self.held]:
            handed = name in self.graph.handed
            if handed and self.complete[name] <= self.index:
                self._write_out(name)
            unread = -1 if handed else len(self.works)
            left = name in self.leaving and not (handed and self.complete[name] <= self.index)
            if self.last.get(name, unread) <= self.index and not left:
                self._release(name)
        if self.graph.tensors[node.output].of and self.complete[node.output] == self.index:
            self._finish_tile(node.output)

    def _finish_tile(self, name: str) -> None:
        """Write a tile of a result to DDR; with the last one the whole tensor is there."""
        if name in self.held:
            self._evict(name)
        whole = self.graph.tensors[name].of
        if all(self.complete[tile.name] <= self.index for tile in self.graph.tiles(whole)):
            self.in_ddr[whole] = [(0, self.emitter.pixel(whole))]

    def _reachable(self, work: Work, name: str) -> bool:
        """Return whether each column finds what it needs of a tensor in its own memory, or beside it."""
        buffer = self.held[name].buffer
        wanted = [each for operand in _operands(work, name) for each in enumerate(needed(work, operand))]
        for column, (begin, count) in wanted:
            covered = set()
            for near in range(max(0, column - 1), min(len(buffer.x), column + 2)):
                covered |= set(range(buffer.x[near], buffer.x[near] + buffer.width[near]))
            if not set(range(begin, begin + count)) <= covered:
                return False
        return True

    def _choices(self, work: Work) -> list[_Choice]:
        """Return the ways in which a node can be computed."""
        node = work.node
        own = {*node.inputs, node.output}
        others = [name for name in self.held if name not in own]
        found = []
        for evicted in ([], others) if others else ([],):
            room = self._room(evicted)
            for reads in (False, True):
                for writes in (False, True):
                    choice = self._choice(work, room, evicted, reads=reads, writes=writes)
                    if choice:
                        found.append(choice)
        return found

    def _choice(
        self, work: Work, room: int, evicted: list[str], *, reads: bool, writes: bool
    ) -> _Choice | None:
        node = work.node
        time = sum(self._write_seconds(name) for name in evicted)
        time += sum(self._load_seconds(name) for name in evicted)
        evicted = [*evicted]
        for name in dict.fromkeys(node.inputs):
            if reads and self.last[name] > self.index:
                time += self._load_seconds(name)  # of a later node
            if name in self.held and reads:
                time += self._write_seconds(name)
                room += self._held_bytes(name)
                evicted.append(name)
            elif name not in self.held and not reads:
                room -= rounded(self._bytes(name, self._hull(work, name)))
                time += self._load_seconds(name)
        if node.output in self.held:
            if writes:
                time += self._write_seconds(node.output)
                room += self._held_bytes(node.output)
                evicted.append(node.output)
        elif node.output in self.in_ddr and not writes:
            return None  # some of its channels are in DDR alone
        elif not writes:
            room -= rounded(self._bytes(node.output, self._slices(node.output)))
        if room < 0:
            return None
        weight_room = room if self.grid.shared else self.grid.weight_room
        # Tiles of a node are mostly alike.
        key = (node.owner, node.kind, node.layer, room, weight_room, reads, writes)
        if key not in self.plans:
            self.plans[key] = best_plan(work, room, weight_room, reads=reads, writes=writes)
        plan = self.plans[key]
        if plan is None:
            return None
        if writes and node.output in self.last:
            time += self._load_seconds(node.output)
        if not writes and node.output in self.leaving:
            time += self._pixels(node.output) * self.emitter.pixel(node.output) / self.grid.write_rate
        return _Choice(plan, evicted, time + plan.seconds)

    def _compute(self, work: Work, choice: _Choice) -> bool:
        """Emit a node; return False, and change nothing, where there is no gap for one of its buffers."""
        node, plan = work.node, choice.plan
        memory = self.memory.copy()
        for name in choice.evicted:
            memory.give(self.held[name].buffer.memtile)
        there = [name for name in self.held if name not in choice.evicted]
        views: dict[str, Sequence[Span]] = {}
        if not plan.reads:
            views |= {name: self._hull(work, name) for name in node.inputs if name not in there}
        if not plan.writes and node.output not in there:
            views[node.output] = self._slices(node.output)
        places = {name: memory.take(self._bytes(name, across)) for name, across in views.items()}
        # Weights stay for their node alone, so that memory tiles for them are empty between nodes.
        weight_memory = memory if self.grid.shared else Memory(self.grid.weight_room)
        spare = take_spare(work, plan, memory, weight_memory)
        if spare is None or None in places.values():
            return False
        for name in choice.evicted:
            self._evict(name)
        for name, across in views.items():
            self.held[name] = Held(self.emitter.whole(name, places[name] or 0, across))
            if name != node.output:
                self.emitter.load(self.held[name].buffer)
                self.held[name].written = [(0, self.emitter.pixel(name))]
        buffers = {name: held.buffer for name, held in self.held.items()}
        NodeEmitter(self.emitter, work, plan, buffers, spare).emit()
        channels = (node.channel, work.outputs * self.grid.block)
        if plan.writes:
            self.in_ddr.setdefault(node.output, []).append(channels)
        else:
            self.held[node.output].written.append(channels)
        for address in (*spare.inputs, *spare.output, *spare.sums):
            memory.give(address)
        for address in spare.weights:
            weight_memory.give(address)
        self.memory = memory
        return True

    def _evict(self, name: str) -> None:
        """Write what DDR has not of a tensor, and release it."""
        self._write_out(name)
        self._release(name)

    def _write_out(self, name: str) -> None:
        """Write what DDR has not of a tensor."""
        held, there = self.held[name], self.in_ddr.setdefault(name, [])
        for channels in held.written:
            if not any(_within(channels, other) for other in there):
                self.emitter.write_own(held.buffer, channels)
                there.append(channels)

    def _release(self, name: str) -> None:
        self.memory.give(self.held.pop(name).buffer.memtile)

    def _room(self, evicted: Sequence[str]) -> int:
        """Return the bytes that are left once some tensors are evicted."""
        left = [name for name in self.held if name not in evicted]
        return self.memory.size - sum(self._held_bytes(name) for name in left)

    def _held_bytes(self, name: str) -> int:
        return self.memory.pieces[self.held[name].buffer.memtile]

    def _bytes(self, name: str, across: Sequence[Span]) -> int:
        widest = max(count for _, count in across)
        return self.graph.tensors[name].height * widest * self.emitter.pixel(name)

    def _write_seconds(self, name: str) -> float:
        """Return how long eviction takes."""
        there, held = self.in_ddr.get(name, []), self.held[name]
        channels = sum(own[1] for own in held.written if not any(_within(own, other) for other in there))
        return self._pixels(name) * channels / self.grid.write_rate

    def _pixels(self, name: str) -> int:
        """Return the most pixels of a tensor that a column has."""
        return self.graph.tensors[name].height * max(count for _, count in self._slices(name))

    def _load_seconds(self, name: str) -> float:
        return self._bytes(name, self._slices(name)) / self.grid.load_rate

    def _slices(self, name: str) -> list[Span]:
        return slices(self.graph.tensors[name].width, self.grid.columns)

    def _hull(self, work: Work, name: str) -> list[Span]:
        """Return what each column loads of a tensor: its own pixels, and what it needs beyond them."""
        parts = [self._slices(name), *(needed(work, operand) for operand in _operands(work, name))]
        found = []
        for spans in zip(*parts, strict=True):
            some = [span for span in spans if span[1]]
            begin, end = min((x for x, _ in some), default=0), max((sum(span) for span in some), default=0)
            found.append((begin, end - begin))
        return found


def needed(work: Work, operand: int) -> list[Span]:
    """Return what pixels of an input each column needs for its own pixels of the output."""
    own = slices(work.node.layer.output[1], work.grid.columns)
    _, x = work.node.origin(operand)
    return [(begin + x, count) for begin, count, *_ in map(work.across, own)]


def _operands(work: Work, name: str) -> list[int]:
    """Return which of a node's inputs are a tensor."""
    return [operand for operand, read in enumerate(work.node.inputs) if read == name]


def _within(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[0] + inner[1] <= outer[0] + outer[1]
