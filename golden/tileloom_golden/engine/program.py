"""The commands that the block-sparse engine takes, and programs of them (docs/engine.md).

A `Program` is a layer cut into groups of LOAD, CONV and WRITE; `engine_cut.compile_layer` makes it.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from ..integers import Pads
from .layer import EngineSize, Layer

__all__ = ["Conv", "EngineSize", "Group", "Layer", "Load", "Program", "Write", "command_word"]

NOTHING, LOAD, CONV, WRITE = 0, 1, 2, 3
OPCODE = 3
"""Bits of slot 0 that say which."""

SLOTS = 12
"""16-bit slots of a command."""

ACCUMULATE, FINISH, RELEASE, MASKED, RELU = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 8
"""Flags in slot 0; RELU is WRITE's."""

SLOT_NAMES = (
    *("opcode", "iterations", "blocks", "rows", "width", "pads"),
    *("phase_pitch", "row_pitch", "line_pitch", "columns", "unused", "unused"),
)
"""What each slot holds; of CONV ``width`` is tiles of a row, and ``pads`` the kernel."""

DESCRIPTOR_BYTES = 64
"""Of a command in memory."""

LARGEST_SLOT = LARGEST_COLUMNS = 65535

LARGEST_BLOCKS = 1 << 14
"""Block rows of a CONV: an entry of the index has 14 bits for the row."""


def pitch(words: int) -> int:
    """Return a pitch as a slot holds it: addresses are sums modulo the words of a bank, 65,536 at most."""
    return words % (LARGEST_SLOT + 1)


@dataclass(frozen=True, kw_only=True)
class Load:
    """Fill an A half. (block, y, x) is where its image begins; sizes are those in the stream."""

    block: int
    y: int
    x: int
    blocks: int
    rows: int
    width: int
    pads: Pads
    stride: int
    phase_pitch: int

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with padding."""
        return self.rows + self.pads[0] + self.pads[1], self.width + self.pads[2] + self.pads[3]

    def slots(self) -> list[int]:
        """Return the command, iterations 1."""
        top, bottom, left, right = self.pads
        return [
            LOAD | self.stride << 4,
            1,
            self.blocks,
            self.rows,
            self.width,
            top | bottom << 4 | left << 8 | right << 12,
            pitch(self.phase_pitch),
            pitch(self.stride * self.phase_pitch),
            *[0] * 4,
        ]


@dataclass(frozen=True, kw_only=True)
class Conv:
    """Compute a strip for block columns `column` onward, with the loaded channel blocks, `block` onward."""

    block: int
    column: int
    blocks: int
    rows: int
    tiles: int
    kernel: tuple[int, int]
    stride: int
    phase_pitch: int
    columns: int
    accumulate: bool
    finish: bool
    masked: bool = False

    def slots(self) -> list[int]:
        """Return the command, iterations 1."""
        row_pitch = self.stride * self.phase_pitch
        flags = ACCUMULATE * self.accumulate | FINISH * self.finish | MASKED * self.masked | RELEASE
        return [
            CONV | self.stride << 4 | flags,
            1,
            self.blocks,
            self.rows,
            self.tiles,
            self.kernel[0] | self.kernel[1] << 8,
            pitch(self.phase_pitch),
            pitch(row_pitch),
            pitch(self.stride * row_pitch),
            self.columns,
            0,
            0,
        ]


@dataclass(frozen=True, kw_only=True)
class Write:
    """Write a strip's results for block columns `column` onward; (y, x) is where it lies in the output."""

    column: int
    y: int
    x: int
    rows: int
    width: int
    columns: int
    relu: bool

    def slots(self) -> list[int]:
        """Return the command, iterations 1."""
        return [WRITE | RELU * self.relu, 1, 0, self.rows, self.width, *[0] * 4, self.columns, 0, 0]


@dataclass(frozen=True, kw_only=True)
class Group:
    """What ends in a WRITE: pairs of LOAD and CONV, one unless input channels are split."""

    parts: tuple[tuple[Load, Conv], ...]
    write: Write

    @cached_property
    def shape(self) -> tuple[tuple[int, ...], ...]:
        """What the engine sees of it, and its first block column: equal for groups that take as long."""
        steps = [step.slots() for pair in self.parts for step in pair]
        return (*map(tuple, steps), tuple(self.write.slots()), (self.write.column,))


@dataclass(frozen=True, kw_only=True)
class Program:
    """A layer cut for an engine.

    Attributes
    ----------
    layer:
        As it is computed (flat, where that is possible).
    size:
        Of the engine.
    groups:
        In order.
    splits:
        Into how many parts along "width", "outputs", "height" and "channels".
    """

    layer: Layer
    size: EngineSize
    groups: tuple[Group, ...]
    splits: dict[str, int]

    @cached_property
    def runs(self) -> list[tuple[Group, int]]:
        """The groups with equal neighbours taken together: the first of each run, and how many."""
        equal = [list(same) for _, same in groupby(self.groups, key=lambda group: group.shape)]
        return [(run[0], len(run)) for run in equal]

    @cached_property
    def kinds(self) -> list[tuple[Group, int]]:
        """The groups with all equal ones taken together: the first of each kind, and how many."""
        kinds: dict[tuple[tuple[int, ...], ...], tuple[Group, int]] = {}
        for run, count in self.runs:
            first, before = kinds.get(run.shape, (run, 0))
            kinds[run.shape] = first, before + count
        return list(kinds.values())

    def commands(self) -> list[list[int]]:
        """Return the commands, each twelve 16-bit slots; a run is one command with iterations if possible.

        Raises
        ------
        ValueError
            A number exceeds its slot.
        """
        commands = []
        for group, count in self.runs:
            # Of several parts each is a command of its own, so only a group of one can be repeated as it is.
            most = LARGEST_SLOT if len(group.parts) == 1 else 1
            for begin in range(0, count, most):
                iterations = min(most, count - begin)
                steps = [step for pair in group.parts for step in pair] + [group.write]
                for slots in (step.slots() for step in steps):
                    slots[1] = iterations
                    commands.append(slots)
        for slots in commands:
            if max(slots) > LARGEST_SLOT:
                index = slots.index(max(slots))
                name, value = SLOT_NAMES[index], slots[index]
                raise ValueError(f"{name} is {value}, more than the {LARGEST_SLOT} of a command's field")
        return commands


def command_word(slots: list[int]) -> int:
    """Return the 192-bit word of a command, slot 0 in the least significant bits."""
    return sum(slot << 16 * index for index, slot in enumerate(slots))
