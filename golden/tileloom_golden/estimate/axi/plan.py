"""What a program has the AXI4 variant do: what each descriptor has read, and which tiles are visited."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...engine.memory_map import MemoryMap, kept_blocks, memory_map, repetitions_of
from ...engine.program import Conv, Group, Load, Program, Write
from ..clock import tiles_of
from .bus import Bus
from .repetition import Repetition

Run = tuple[int, int]
"""Bytes one after the other: the address of the first, and how many."""


@dataclass(frozen=True, eq=False)
class Step:
    """The LOAD and CONV of one part of the groups of a repetition."""

    repetition: Repetition
    part: int

    def each(self) -> Iterator[tuple[Load, Conv]]:
        """Yield what each iteration does."""
        for group in self.repetition.each():
            yield group.parts[self.part]


class Plan:
    """A program on a bus.

    Parameters
    ----------
    program:
        From `compile_layer`.
    mask:
        Which blocks of the weights are kept, block rows x block columns.
    bus:
        Whose.
    blocked:
        Where A is not zero, if that counts; as for `clock.tiles_of`.
    grid:
        Of a grid that the program is one engine's of: its memory, and its repetitions, first group and count.

    Attributes
    ----------
    size:
        Of the engine.
    width:
        Bytes of a beat.
    unit:
        Bytes of a unit of A.
    repetitions:
        In order.
    steps:
        Of them all, in order.
    """

    def __init__(
        self,
        program: Program,
        mask: npt.NDArray[np.bool_],
        bus: Bus,
        blocked: npt.NDArray[np.bool_] | None = None,
        grid: tuple[MemoryMap, Sequence[tuple[int, int]]] | None = None,
    ) -> None:
        self.size = program.size
        self._layer = program.layer
        self.width = program.size.bus // 8
        self._mask = mask
        self._blocked = blocked
        result_bytes = 1 if program.size.requantise else 4
        self._map = grid[0] if grid else memory_map(program, mask, result_bytes=result_bytes, base=bus.base)
        self.unit = self._map.unit
        self._piece = bus.burst_beats * self.width
        self._columns: dict[Conv, list[list[int]]] = {}
        # Engines of a grid cannot leave out groups each for itself.
        self._settles = blocked is None and not grid
        runs = grid[1] if grid else repetitions_of([program])
        groups = program.groups
        self.repetitions = [self._repetition(list(groups[first : first + count])) for first, count in runs]
        self.steps = [
            Step(repetition, part)
            for repetition in self.repetitions
            for part in range(len(repetition.groups[0].parts))
        ]

    def _repetition(self, groups: list[Group]) -> Repetition:
        first, last = (self._map.of_load(group.parts[0][0]) for group in (groups[0], groups[-1]))
        step = (last - first) // max(1, len(groups) - 1)
        return Repetition(groups, step=step, piece=self._piece, settles=self._settles)

    def runs(self, load: Load) -> Iterator[Run]:
        """Yield what a LOAD reads, a row of a channel block at a time."""
        first = self._map.of_load(load)
        for block in range(load.blocks):
            for row in range(load.rows):
                yield first + block * self._map.plane + row * self._map.line, load.width * self.unit

    def activations(self, step: Step) -> Iterator[Iterable[Run]]:
        """Yield the runs of each iteration of a LOAD."""
        return (self.runs(load) for load, _ in step.each())

    def index(self, step: Step) -> Iterator[Iterable[Run]]:
        """Yield the index of each iteration of a CONV, a run."""
        for _, conv in step.each():
            part = self._map.of_conv(conv)
            yield [(part.index, part.index_bytes)]

    def weights(self, step: Step) -> Iterator[Iterable[Run]]:
        """Yield the weights of each iteration of a CONV, a run."""
        for _, conv in step.each():
            part = self._map.of_conv(conv)
            yield [(part.weights, part.weight_bytes)]

    def written(self, write: Write) -> Iterator[Run]:
        """Yield what a WRITE writes, a row of a column at a time."""
        (height, width), unit = self._layer.output, self.size.n * self._map.result_bytes
        for column in range(write.column, write.column + write.columns):
            for row in range(write.y, write.y + write.rows):
                place = (column * height + row) * width + write.x
                yield self._map.results + place * unit, write.width * unit

    def columns(self, load: Load, conv: Conv) -> list[list[int]]:
        """Return the tiles that each kept block of each block column is multiplied by."""
        if conv in self._columns:
            return self._columns[conv]
        tiles = tiles_of(load, conv, self.size, self._blocked)
        columns = [tiles[kept].tolist() for kept in kept_blocks(conv, self._mask).T]
        if self._blocked is None:
            self._columns[conv] = columns
        return columns
