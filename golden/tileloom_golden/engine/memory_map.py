"""Where a layer lies in the memory of an AXI4 master, and which of its groups share their descriptors.

Activations and results are `[channel block][y][x][channel in block]`; behind them come index and weights of
each different CONV, then the descriptors (docs/engine.md, AXI4 master variant).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .grid import GridProgram
from .program import LARGEST_SLOT, Conv, Group, Load, Program
from .sparse import INDEX_BYTES

ALIGNMENT = 64
"""Of descriptors, and of everything else here, in bytes."""


@dataclass(frozen=True)
class Weights:
    """What a CONV reads in an iteration: addresses and bytes of its index entries and of its weights."""

    index: int
    index_bytes: int
    weights: int
    weight_bytes: int


@dataclass(frozen=True)
class MemoryMap:
    """Addresses, in bytes.

    Attributes
    ----------
    program:
        Whose memory it is.
    result_bytes:
        Of an element of C.
    activations, results, descriptors:
        Where each begins.
    parts:
        Of each CONV, by `key_of`.
    """

    program: Program | GridProgram
    result_bytes: int
    activations: int
    results: int
    descriptors: int
    parts: dict[tuple[int, ...], Weights]

    @property
    def unit(self) -> int:
        """Bytes of a unit of A: k elements of a pixel."""
        return self.program.size.k * self.program.size.element_bits // 8

    @property
    def plane(self) -> int:
        """Bytes from one channel block of A to the next."""
        return self.program.layer.height * self.line

    @property
    def line(self) -> int:
        """Bytes from one row of A to the next."""
        return self.program.layer.width * self.unit

    def of_load(self, load: Load) -> int:
        """Return the address of the first unit that a LOAD reads."""
        return self.activations + load.block * self.plane + load.y * self.line + load.x * self.unit

    def of_conv(self, conv: Conv) -> Weights:
        """Return where a CONV's index and weights are."""
        return self.parts[key_of(conv)]


def key_of(conv: Conv) -> tuple[int, ...]:
    """Return which blocks a CONV multiplies by: those of equal ones are in memory once."""
    return conv.block, conv.blocks, conv.column, conv.columns


def memory_map(
    program: Program | GridProgram, mask: npt.NDArray[np.bool_], *, result_bytes: int, base: int = 0
) -> MemoryMap:
    """Return where everything is.

    Parameters
    ----------
    program:
        From `compile_layer`, or `compile_grid`.
    mask:
        Which blocks of the weights are kept, block rows x block columns.
    result_bytes:
        Of an element of C.
    base:
        Where the memory begins, a multiple of ALIGNMENT.
    """
    layer, size = program.layer, program.size
    end = base

    def place(count: int) -> int:
        nonlocal end
        begin = end
        end += count + -count % ALIGNMENT
        return begin

    pixels = layer.height * layer.width
    activations = place(-(-layer.channels // size.k) * pixels * size.k * size.element_bits // 8)
    pixels = layer.output[0] * layer.output[1]
    results = place(-(-layer.outputs // size.n) * pixels * size.n * result_bytes)
    parts: dict[tuple[int, ...], Weights] = {}
    for group in program.groups:
        for _, conv in group.parts:
            if key_of(conv) not in parts:
                blocks = kept_blocks(conv, mask).sum(axis=0)
                entries = int(np.maximum(blocks, 1).sum()) * INDEX_BYTES
                taps = conv.kernel[0] * conv.kernel[1]
                beats = int((size.header_beats + blocks * taps * size.block_beats).sum())
                weights = beats * size.bus // 8
                parts[key_of(conv)] = Weights(place(entries), entries, place(weights), weights)
    return MemoryMap(program, result_bytes, activations, results, end, parts)


def kept_blocks(conv: Conv, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which of the blocks that a CONV multiplies by are kept, of the mask of all."""
    return mask[conv.block : conv.block + conv.blocks, conv.column : conv.column + conv.columns]


def repetitions(program: Program) -> Iterator[list[Group]]:
    """Yield the groups that one set of descriptors serves: equal, of the same weights, at equal distances."""
    for first, count in repetitions_of([program]):
        yield list(program.groups[first : first + count])


def repetitions_of(programs: Sequence[Program]) -> Iterator[tuple[int, int]]:
    """Yield the first group, and how many, that one set of descriptors serves in each of the programs."""
    first = 0
    for number in range(1, len(programs[0].groups)):
        if not all(_continues(program.groups, first, number) for program in programs):
            yield first, number - first
            first = number
    yield first, len(programs[0].groups) - first


def _continues(groups: Sequence[Group], start: int, number: int) -> bool:
    first, group = groups[start], groups[number]
    if number - start == LARGEST_SLOT or len(first.parts) > 1 or group.shape != first.shape:
        return False
    if group.parts[0][1] != first.parts[0][1]:
        return False
    return number == start + 1 or _distance(first, groups[start + 1]) == _distance(groups[number - 1], group)


def _distance(before: Group, after: Group) -> tuple[int, ...]:
    places = []
    for group in (before, after):
        load, write = group.parts[0][0], group.write
        places.append((load.block, load.y, load.x, write.column, write.y, write.x))
    return tuple(np.subtract(places[1], places[0]).tolist())
