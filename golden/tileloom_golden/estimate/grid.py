"""How many cycles a grid of engines takes for a layer (docs/grid.md, Cycles).

Each engine's units are those of `clock`. What a grid adds is that they wait for one another: a unit of
activations is taken when every engine of the column has it, a beat of weights when every engine of the row
has it, and the results of a column's engines leave one after the other. Of each row the next block column is
followed that begins first, so that packets of results are met in the order in which they come.
"""

from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt

from ..engine.grid import TO_COLUMNS, TO_ROWS, GridProgram, strip_units
from ..engine.program import OPCODE
from ..engine.sparse import BlockSparse
from .axi.bus import Bus
from .axi.grid import grid_cycles
from .clock import Overheads, Part, drained, room
from .engine import Estimate, mask_of
from .useful import useful_weights

TILE = 2
"""Cycles from a memory tile's input, or its command, to its output."""


@dataclass
class _Engine:
    """Where an engine has come to, as in `clock.Clock`."""

    computed: int = 0
    written: int = 0
    started: int = 0
    ready: int = 0
    released: list[int] = field(default_factory=lambda: [0, 0])
    freed: list[int] = field(default_factory=lambda: [0, 0])


def estimate_grid(
    program: GridProgram,
    kept: BlockSparse | npt.NDArray[np.bool_] | None = None,
    *,
    overheads: Overheads | None = None,
    bus: Bus | None = None,
) -> Estimate:
    """Estimate a layer whose streams never wait; of several engines, cycles are the longest's.

    Parameters
    ----------
    program:
        From `compile_grid`.
    kept, overheads, bus:
        As in `estimate`. Tiles of activations that are zero are not known.

    Raises
    ------
    ValueError
        The mask's shape is not that of the layer's blocks.
    """
    layer, size = program.layer, program.size
    whole = mask_of(layer, size, kept)
    mask = whole[:, list(program.order)]
    grid = _Grid(program, overheads or Overheads())
    busy = np.zeros((3, grid.rows, grid.columns), np.int64)
    known: dict[tuple[object, ...], Part] = {}
    runs = dict(program.runs)
    for number in range(len(program.engines[0][0].groups)):
        parts, drains = [], []
        for row, engines in enumerate(program.engines):
            for column, one in enumerate(engines):
                group = one.groups[number]
                mine = []
                for place, (load, conv) in enumerate(group.parts):
                    key = (group.shape, place)
                    if key not in known:
                        known[key] = Part.of(load, conv, mask, size, None)
                    mine.append(known[key])
                parts.append(mine)
                drains.append(drained(group, size))
                writing = drains[-1] * group.write.columns
                done = sum(part.cycles for part in mine), sum(part.units for part in mine), writing
                busy[:, row, column] += done
        if program.tiles and number % program.passes == 0:
            units = [strip_units(one.groups[number]) for one in program.engines[0]]
            grid.fill(units, program.tile_commands(number) if number in runs else [])
        grid.follow(parts, drains, program.group_commands(number) if number in runs else [])
        if program.tiles and (number + 1) % program.passes == 0:
            grid.empty()
    computing, loading, writing = (int(part.max()) for part in busy)
    per_weight = layer.output[0] * layer.output[1] * layer.kernel[0] * layer.kernel[1]
    macs = useful_weights(whole, (layer.channels, layer.outputs), (size.k, size.n)) * per_weight
    cycles = max(grid.leaves) + grid.times.leaving(size)
    if bus:
        cycles = grid_cycles(program, mask, bus, grid.times.leaving(size))
    peak = size.m * size.k * size.n * len(grid.engines)
    return Estimate(cycles, computing, loading, writing, macs, peak)


class _Grid:
    """All engines, by rows, and what they share.

    That is when a column's last strip was loaded, a row's last beat fed, and a column's way out free again.
    """

    def __init__(self, program: GridProgram, times: Overheads) -> None:
        self.size, self.times, self.tiles = program.size, times, program.tiles
        self.rows, self.columns = len(program.engines), len(program.engines[0])
        self.engines = [_Engine() for _ in range(self.rows * self.columns)]
        self.loaded = [times.start] * self.columns
        self.fed = [0] * self.rows
        self.leaves = [0] * self.columns
        self.issued = self.done = -1
        # Of each column's memory tile: when it begins a strip, and has it; when its halves are free.
        self.begun, self.filled = [0] * self.columns, [0] * self.columns
        self.halves = [[0, 0] for _ in range(self.columns)]

    def fill(self, units: list[int], commands: list[list[int]]) -> None:
        """Let the memory tiles begin to read the units of a strip."""
        self.issued += len(commands)
        for column, count in enumerate(units):
            self.begun[column] = max(self.filled[column], self.halves[column][0], self.issued + TILE)
            self.filled[column] = self.begun[column] + count

    def empty(self) -> None:
        """Let them be done with it."""
        for column, half in enumerate(self.halves):
            half[:] = half[1], self.loaded[column]

    def follow(self, parts: list[list[Part]], drains: list[int], commands: list[list[int]]) -> None:
        """Let a group of every engine pass.

        That is its parts, the cycles of a block column of its results, and its commands, unless they repeat
        those before. Commands of several engines come one after the other.
        """
        steps = [list(step) for _, step in groupby(commands, key=lambda words: words[0] & OPCODE)]
        for place in range(len(parts[0])):
            if steps:
                self._issue(steps[2 * place], steps[2 * place + 1])
            now = [mine[place] for mine in parts]
            for column in range(self.columns):
                down = range(column, len(self.engines), self.columns)
                free = max(self.engines[index].released[0] for index in down)
                self.loaded[column] = max(self.loaded[column] + self.times.load, free) + now[column].units
                if self.tiles:
                    # The first pass over a strip waits for what comes into the tile.
                    self.begun[column] = min(self.begun[column] + now[column].units, self.filled[column])
                    self.loaded[column] = max(self.loaded[column], self.begun[column] + TILE)
                for index in down:
                    one = self.engines[index]
                    one.computed = max(one.computed, self.loaded[column] + self.times.begin)
            done = [0] * self.rows
            while waiting := [
                row for row in range(self.rows) if done[row] < len(now[row * self.columns].columns)
            ]:
                row = min(waiting, key=self._reached)
                self._column(row, now, done[row], drains)
                done[row] += 1
            for one in self.engines:
                one.released = [one.released[1], one.computed]

    def _issue(self, loads: list[list[int]], convs: list[list[int]]) -> None:
        """Let commands come, one a cycle; a unit has room for two, so the one before the last must be done.

        Of one engine the first LOAD and CONV come in the first two cycles, as the other times have it.
        """
        self.issued, self.done = max(self.issued, self.done), max(self.loaded)
        for words in loads:
            self.issued += 1
            for column in range(self.columns):
                if words[TO_COLUMNS] >> column & 1:
                    self.loaded[column] = max(self.loaded[column], self.issued + self.times.start)
        for words in convs:
            self.issued += 1
            for row in range(self.rows):
                if words[TO_ROWS] >> row & 1:
                    self.fed[row] = max(self.fed[row], self.issued - 1)

    def _of(self, row: int) -> range:
        return range(row * self.columns, (row + 1) * self.columns)

    def _reached(self, row: int) -> int:
        return max(self.engines[index].computed for index in self._of(row))

    def _column(self, row: int, parts: list[Part], number: int, drains: list[int]) -> None:
        """Let a block column of a row pass; the terms are those of `clock`."""
        size, times = self.size, self.times
        header, beats = size.header_beats, size.block_beats
        first = header + beats - 1 + size.block_latency
        mine = self._of(row)
        # A beat of the header goes once all have room for it.
        begun = max(self.fed[row], *(self.engines[index].started + 1 for index in mine))
        blocks = parts[mine[0]].columns[number][0]
        fed = begun + header + blocks * beats
        for index in mine:
            one, part = self.engines[index], parts[index]
            _, before, tiles = part.columns[number]
            one.started = max(one.computed, begun + header)
            if not part.accumulate:
                one.started = max(one.started, one.freed[0])
            if not blocks:
                one.computed = one.started + 1
            else:
                last = max(one.started, one.ready, begun + first) + before
                one.computed = last + tiles
                one.ready = last + max(tiles, size.interval)
                fed = max(fed, last - room(part.passes, size, times))
        self.fed[row] = fed
        for index in mine:
            one, part, column = self.engines[index], parts[index], index % self.columns
            if part.finish:
                ready = max(one.written, one.computed + size.latency)
                leaves = max(ready, self.leaves[column])
                self.leaves[column] = leaves + drains[index]
                # Rows are read while others leave, as many as there are registers on the way.
                one.written = drains[index] + max(ready, leaves - times.leaving(size))
                one.freed = [one.freed[1], one.written + times.free]
