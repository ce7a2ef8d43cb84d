"""How a layer is cut for a grid of engines, and the one program that all of them follow (docs/grid.md).

A column of engines computes a part of the output's pixels, by width or by height; a row of engines a part of
the output channels. So all engines of a column load the same activations, and all of a row take the same
weights in the same order: every column has as many strips, and where a part is too small for that, engines
compute its last pixels or channels once more.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .balance import balanced
from .cut import ceil, strip_groups, strip_words
from .grid_cuts import computed_cycles, cuts_of, most_units, read_cycles, row_parts, seen_by
from .program import LARGEST_SLOT, NOTHING, EngineSize, Group, Layer, Program
from .sparse import BlockSparse, with_columns
from .streams import from_units

TO_ROWS, TO_COLUMNS = 10, 11
"""Slots of a command that say, a bit for each, which rows and which columns of engines take it."""


@dataclass(frozen=True, kw_only=True)
class GridProgram:
    """A layer cut for a grid.

    Attributes
    ----------
    layer, size:
        As it is computed (flat, where that is possible); of each engine.
    axis:
        By "width" or "height" among the columns.
    engines:
        The program of each engine, by rows. They have equally many groups, those of a column load the same,
        those of a row take the same weights.
    passes:
        Groups that load the same strip, one after the other.
    tiles:
        Whether memory tiles keep a strip from the first of them to the last.
    order:
        Which block column of the layer each of the programs' is. They are in another order where rows of
        engines would else have more blocks than they must; the programs' outputs are whole columns then.
    """

    layer: Layer
    size: EngineSize
    axis: str
    engines: tuple[tuple[Program, ...], ...]
    passes: int
    tiles: bool
    order: tuple[int, ...]

    @property
    def reordered(self) -> bool:
        """Whether the programs' block columns are in another order than the layer's."""
        return self.order != tuple(range(len(self.order)))

    def weights(self, weights: BlockSparse) -> BlockSparse:
        """Return the layer's weights as the programs have them."""
        return with_columns(weights, self.order) if self.reordered else weights

    def headers(self, headers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return the headers of the layer's outputs as the programs have them."""
        if not self.reordered:
            return headers
        filled = np.pad(headers, (0, len(self.order) * self.size.n - len(headers)))
        return filled.reshape(-1, self.size.n)[list(self.order)].reshape(-1)

    def columns(self, found: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the block columns of the layer, which are the first axis, from those of the programs."""
        return found[np.argsort(self.order)]

    @property
    def groups(self) -> list[Group]:
        """Those of the first engine of each row: all index entries and weights that there are."""
        return [group for row in self.engines for group in row[0].groups]

    @cached_property
    def runs(self) -> list[tuple[int, int]]:
        """The first of neighbouring groups that are equal in every engine, and how many they are."""
        found: list[tuple[int, int]] = []
        before = None
        for number in range(len(self.engines[0][0].groups)):
            shape = [program.groups[number].shape for row in self.engines for program in row]
            if shape == before:
                found[-1] = found[-1][0], found[-1][1] + 1
            else:
                found.append((number, 1))
            before = shape
        return found

    def commands(self) -> list[list[int]]:
        """Return the grid's commands, each twelve 16-bit slots, the last two which engines take it.

        Engines with the same command have it once. Raises ValueError where a number exceeds its slot.
        """
        commands: list[list[int]] = []
        for first, count in self.runs:
            most = LARGEST_SLOT if len(self.engines[0][0].groups[first].parts) == 1 else 1
            for begin in range(0, count, most):
                iterations = min(most, count - begin)
                for words in self.tile_commands(first) + self.group_commands(first):
                    words[1] = iterations
                    commands.append(words)
        # Each engine's own program finds what exceeds a slot, and says so.
        for row in self.engines:
            for program in row:
                program.commands()
        return commands

    def tile_commands(self, number: int) -> list[list[int]]:
        """Return what memory tiles are told of the strip that begins with a group: its units, and passes."""
        if not self.tiles or number % self.passes:
            return []
        commands = _addressed([[tile_slots(one.groups[number], self.passes) for one in self.engines[0]]])
        for words in commands:
            words[TO_ROWS] = 0
        return commands

    def group_commands(self, number: int) -> list[list[int]]:
        """Return the commands of a group of all engines: each LOAD and its CONV, and the WRITE."""
        groups = [[program.groups[number] for program in row] for row in self.engines]
        steps = [
            [[*(step for pair in each.parts for step in pair), each.write] for each in row] for row in groups
        ]
        commands = []
        for place in range(len(steps[0][0])):
            commands += _addressed([[tuple(each[place].slots()) for each in row] for row in steps])
        return commands


def compile_grid(
    layer: Layer,
    size: EngineSize | None = None,
    *,
    rows: int,
    columns: int,
    relu: bool = False,
    density: float = 1.0,
    tile_words: int = 0,
    axi4: bool = False,
    kept: npt.NDArray[np.bool_] | None = None,
) -> GridProgram:
    """Return the program of a layer for rows x columns of engines, the fastest of those that fit.

    ``layer``, ``size`` and ``relu`` as in `compile_layer`; ``density`` is the share of blocks that are kept,
    ``tile_words`` the units of a strip that a memory tile has room for, 0 for no tiles; with ``axi4`` all
    that is read, commands too, comes over one bus. ``kept``, block rows x block columns, are the blocks that
    there are: block columns are then put in an order in which rows of engines have equally many. Raises
    ValueError where not even one output pixel, with one block of channels, fits the A buffer, or no strip a
    tile.
    """
    size, layer = size or EngineSize(), layer.flat
    cuts = [(computed_cycles(layer, size, cut, rows, density), cut) for cut in cuts_of(layer, size, columns)]
    if axi4:
        cuts = [
            (max(cost, read_cycles(layer, size, cut, rows, density, again=not tile_words)), cut)
            for cost, cut in cuts
        ]
    if not cuts:
        raise ValueError(
            f"a_words is {size.a_words}: one output pixel of this layer needs "
            f"{strip_words(layer, size, 1, 1, 1)}"
        )
    # Input channels are cut only where it pays, as activations then pass once for each block column; of cuts
    # that are as fast the one with the fewest strips, as weights pass once for each.
    if tile_words:
        needed = [most_units(layer, size, cut) for _, cut in cuts]
        cuts = [one for one, units in zip(cuts, needed, strict=True) if units <= tile_words]
        if not cuts:
            raise ValueError(f"grid_tile_words is {tile_words}: a strip of this layer needs {min(needed)}")
    least = min(cost for cost, _ in cuts)
    parts = min(cut.parts for cost, cut in cuts if cost <= 1.01 * least)
    cuts = [(cost, cut) for cost, cut in cuts if cut.parts == parts]
    least = min(cost for cost, _ in cuts)
    cut = min((cut for cost, cut in cuts if cost <= 1.001 * least), key=lambda cut: len(cut.strips[0]))
    outputs = ceil(layer.outputs, size.n)
    engines = []
    places = row_parts(outputs, rows, alike=parts > 1)
    order = list(range(outputs))
    sizes = [count for _, count in places]
    if kept is not None and sum(sizes) == outputs:
        order = balanced(kept.sum(axis=0), sizes, together=parts > 1)
    whole = replace(layer, outputs=outputs * size.n) if order != list(range(outputs)) else layer
    for own in places:
        row = []
        for strips in cut.strips:
            groups = []
            for down, across in strips:
                vertical, horizontal = seen_by(layer, down, across)
                groups += strip_groups(layer, size, parts, vertical, horizontal, own, relu=relu)
            splits = {
                "width": columns if cut.axis == "width" else 1,
                "outputs": rows,
                "height": columns if cut.axis == "height" else 1,
                "channels": parts,
            }
            row.append(Program(layer=whole, size=size, groups=tuple(groups), splits=splits))
        engines.append(tuple(row))
    passes = len(engines[0][0].groups) // len(cut.strips[0])
    return GridProgram(
        layer=layer,
        size=size,
        axis=cut.axis,
        engines=tuple(engines),
        passes=passes,
        tiles=tile_words > 0,
        order=tuple(order),
    )


def grid_outputs(program: GridProgram, units: list[list[npt.NDArray[np.generic]]]) -> npt.NDArray[np.generic]:
    """Return the outputs, as `from_units`, of what each engine gave: transfers x drain_rows x n."""
    size, layer = program.size, program.layer
    outputs = program.engines[0][0].layer.outputs
    found = np.zeros((*layer.output, outputs), units[0][0].dtype)
    for programs, row in zip(program.engines, units, strict=True):
        for one, given in zip(programs, row, strict=True):
            own = from_units(one, given)
            for write in (group.write for group in one.groups):
                first = write.column * size.n
                where = (
                    slice(write.y, write.y + write.rows),
                    slice(write.x, write.x + write.width),
                    slice(first, first + write.columns * size.n),
                )
                found[where] = own[where]
    if not program.reordered:
        return found
    blocks = found.reshape(*layer.output, -1, size.n).transpose(2, 0, 1, 3)
    return program.columns(blocks).transpose(1, 2, 0, 3).reshape(*layer.output, -1)[..., : layer.outputs]


def strip_units(group: Group) -> int:
    """Return the units of activations that a strip has in the stream, of all its input channels."""
    return sum(load.blocks * load.rows * load.width for load, _ in group.parts)


def tile_slots(group: Group, passes: int) -> tuple[int, ...]:
    """Return the command of a memory tile for the strip that begins with a group: its units, and blocks."""
    units, blocks = strip_units(group), sum(load.blocks for load, _ in group.parts)
    return (NOTHING, 1, passes, units & LARGEST_SLOT, units >> 16, *[0] * 4, blocks, 0, 0)


def _addressed(slots: list[list[tuple[int, ...]]]) -> list[list[int]]:
    """Return the commands that give each engine its slots: rows, and columns, that are alike share theirs."""
    rows = _alike([tuple(row) for row in slots])
    columns = _alike([tuple(row[column] for row in slots) for column in range(len(slots[0]))])
    commands = []
    for row, to_rows in rows:
        for column, to_columns in columns:
            words = list(slots[row][column])
            words[TO_ROWS], words[TO_COLUMNS] = to_rows, to_columns
            commands.append(words)
    # What does not depend on the row, a LOAD, or on the column, has been listed for each class of them.
    return _joined(commands)


def _alike(keys: list[tuple[object, ...]]) -> list[tuple[int, int]]:
    """Return the place of each different key, and a bit for each place that has it."""
    found: dict[tuple[object, ...], tuple[int, int]] = {}
    for place, key in enumerate(keys):
        first, bits = found.get(key, (place, 0))
        found[key] = first, bits | 1 << place
    return list(found.values())


def _joined(commands: list[list[int]]) -> list[list[int]]:
    """Return commands, those that differ in their rows alone as one, and then those in their columns."""
    for slot in (TO_ROWS, TO_COLUMNS):
        merged: dict[tuple[int, ...], list[int]] = {}
        for words in commands:
            key = (*words[:slot], *words[slot + 1 :])
            merged.setdefault(key, [*words[:slot], 0, *words[slot + 1 :]])[slot] |= words[slot]
        commands = list(merged.values())
    return commands
