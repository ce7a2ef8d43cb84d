"""The commands of a grid of engines in memory, each with the data that it has moved (docs/grid.md).

A descriptor has a command and one place, so that commands which are one on a stream are several here: a LOAD
of each column, a CONV of each row, a WRITE of each engine. What is equal, place and all, is still one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .grid import TO_COLUMNS, TO_ROWS, GridProgram, tile_slots
from .memory_map import repetitions_of
from .program import Conv, Load, Write

Step = Load | Conv | Write


@dataclass(frozen=True)
class Told:
    """A command in memory.

    Attributes
    ----------
    slots:
        The command.
    first, last:
        What is read or written in the first of its iterations, and in the last; of a memory tile the LOAD
        that it is for. None of a command that moves no data.
    """

    slots: tuple[int, ...]
    first: Step | None
    last: Step | None

    def only(self, rows: int, columns: int) -> "Told":
        """Return the same for other engines, a bit for each row and each column."""
        return Told((*self.slots[:TO_ROWS], rows, columns), self.first, self.last)


def in_memory(program: GridProgram) -> Iterator[Told]:
    """Yield the commands in order: of memory tiles first, then each LOAD and its CONV, and the WRITE."""
    for number, count in repetitions_of([one for row in program.engines for one in row]):
        ends = number, number + count - 1
        groups = [[[one.groups[end] for end in ends] for one in row] for row in program.engines]
        if program.tiles and number % program.passes == 0:
            told = []
            for first, last in groups[0]:
                slots = tile_slots(first, program.passes)
                told.append(Told((slots[0], count, *slots[2:]), first.parts[0][0], last.parts[0][0]))
            # No engine has part in it.
            yield from (one.only(0, one.slots[TO_COLUMNS]) for one in _merged([told]))
        steps = [
            [
                [[*(step for part in group.parts for step in part), group.write] for group in pair]
                for pair in row
            ]
            for row in groups
        ]
        for place in range(len(steps[0][0][0])):
            pairs = [[(first[place], last[place]) for first, last in row] for row in steps]
            yield from _merged([_of_row(program, count, row) for row in pairs])


def _of_row(program: GridProgram, count: int, row: list[tuple[Step, Step]]) -> list[Told]:
    """Return what each engine of a row is told: its step in the first of so many groups, and in the last."""
    told = []
    for first, last in row:
        slots = first.slots()
        # A row's index and weights are read once, with the command of its first engine; and what a memory
        # tile has been told to read is loaded from there.
        other = isinstance(first, Conv) and first != row[0][0]
        from_tile = isinstance(first, Load) and program.tiles
        moved = (None, None) if other or from_tile else (first, last)
        told.append(Told((slots[0], count, *slots[2:]), *moved))
    return told


def _merged(engines: list[list[Told]]) -> list[Told]:
    """Return the commands of engines, by rows, with those that they are for; equal ones are one."""
    found = [
        one.only(1 << row, 1 << column) for row, line in enumerate(engines) for column, one in enumerate(line)
    ]
    for slot in (TO_ROWS, TO_COLUMNS):
        merged: dict[Told, tuple[int, int]] = {}
        for one in found:
            rows, columns = one.slots[TO_ROWS:]
            key = one.only(0, columns) if slot == TO_ROWS else one.only(rows, 0)
            before = merged.get(key, (0, 0))
            merged[key] = before[0] | rows, before[1] | columns
        found = [one.only(*bits) for one, bits in merged.items()]
    return found
