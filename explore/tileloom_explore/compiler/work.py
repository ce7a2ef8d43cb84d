"""What a node is to a grid: its blocks, what a part of it moves, and how long the cores take for it.

Sizes of channels are in blocks. All closed forms of bytes and cycles stand here alone: the search for a
tiling, the program and the timeline ask the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tileloom_golden.engine.cut import seen

from .abstraction import Abstraction
from .graph import Kind, Node

Span = tuple[int, int]
"""First, and how many."""

Counts = npt.NDArray[np.int64]
Count = TypeVar("Count", int, Counts)

SUM_BYTES = 4
"""Of a partial sum, INT32."""

PARAMETER_BYTES = 8
"""Of an output channel: bias 4, scale 2, shift 1, zero point 1."""

INDEX_BYTES = 2
"""Of the number of blocks of a block column, and of each block's row."""

ALIGNMENT = 8
"""Of an index among compressed weights, in bytes."""


def ceil(value: int, divisor: int) -> int:
    """Return value / divisor, rounded up."""
    return -(-value // divisor)


def spans(total: int, parts: int) -> list[Span]:
    """Return at most so many even parts of 0 .. total - 1; none is empty."""
    parts = min(parts, total)
    ends = [total * index // parts for index in range(parts + 1)] if parts else []
    return [(begin, end - begin) for begin, end in pairwise(ends)]


def slices(width: int, columns: int) -> list[Span]:
    """Return the pixels of each column: as many everywhere, or one less; some have none if they are few."""
    ends = [width * column // columns for column in range(columns + 1)]
    return [(begin, end - begin) for begin, end in pairwise(ends)]


@dataclass(frozen=True)
class Chain:
    """Iterations that one LOADFM, CONV and WRITEFM do.

    Attributes
    ----------
    y, rows:
        First output row of the first iteration, and output rows of each.
    above, below:
        Rows of padding that each iteration sees.
    first, seen:
        The same of input rows.
    iterations:
        How many.
    """

    y: int
    rows: int
    above: int
    below: int
    first: int
    seen: int
    iterations: int


@dataclass(frozen=True, eq=False)
class Work:
    """A node on a grid.

    Attributes
    ----------
    node:
        The node.
    grid:
        What it is compiled for.
    kept:
        Which blocks of a convolution's weights there are, input blocks x output blocks; None is all.
    """

    node: Node
    grid: Abstraction
    kept: npt.NDArray[np.bool_] | None = None

    @cached_property
    def tilings(self) -> dict[Any, Any]:
        """Tilings of a part that were searched for before, with what they take and need."""
        return {}

    @property
    def weighted(self) -> bool:
        """Whether there are weights, and every output channel needs all input channels."""
        return self.node.kind is Kind.CONV

    @property
    def operands(self) -> int:
        """Tensors that are read."""
        return len(self.node.inputs)

    @cached_property
    def inputs(self) -> int:
        """Blocks of input channels."""
        return ceil(self.node.layer.channels, self.grid.block)

    @cached_property
    def outputs(self) -> int:
        """Blocks of output channels."""
        return ceil(self.node.layer.outputs, self.grid.block)

    @cached_property
    def taps(self) -> int:
        """Of the kernel."""
        return self.node.layer.kernel[0] * self.node.layer.kernel[1]

    @cached_property
    def _sums(self) -> npt.NDArray[np.int64]:
        """Kept blocks before each place, of a table of sums over rectangles."""
        kept = np.ones((self.inputs, self.outputs), np.bool_) if self.kept is None else self.kept
        if kept.shape != (self.inputs, self.outputs):
            raise ValueError(f"kept of {self.node.name} is {kept.shape}, not {(self.inputs, self.outputs)}")
        return np.pad(kept.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))

    def blocks(self, inputs: Span, outputs: Span) -> int:
        """Return the blocks that are kept in a rectangle."""
        sums, (i, di), (o, do) = self._sums, inputs, outputs
        return int(sums[i + di, o + do] - sums[i, o + do] - sums[i + di, o] + sums[i, o])

    def weight_bytes(self, blocks: Count, outputs: Count) -> Count:
        """Return the bytes of compressed weights of so many blocks in so many block columns."""
        block = self.grid.block
        index = outputs * (block * PARAMETER_BYTES + INDEX_BYTES) + INDEX_BYTES * blocks
        whole = -(-index // ALIGNMENT) - (-blocks * block**2 * self.taps // ALIGNMENT)
        return whole * ALIGNMENT

    def subvolumes(self, outputs: Span, inputs: Span, each: int, parts: int) -> tuple[Counts, Counts, Counts]:
        """Return what passes have over block columns, ``each`` a core, and over input blocks in parts.

        That is the bytes of weights and the kept blocks, of the row of cores that has most, parts x passes;
        and the block columns of each pass.
        """
        key = (outputs, inputs, each, parts)
        if key not in self._known:
            (first, count), group = outputs, each * self.grid.rows
            edges = np.minimum(np.arange(0, ceil(count, group) * group + 1, each), count)
            cut = [begin for begin, _ in spans(inputs[1], parts)] + [inputs[1]]
            corners = self._sums[np.ix_(np.add(cut, inputs[0]), edges + first)]
            blocks = np.diff(np.diff(corners, axis=0), axis=1)
            sizes = np.where(np.diff(edges) > 0, self.weight_bytes(blocks, np.diff(edges)), 0)
            by_pass = (len(cut) - 1, -1, self.grid.rows)
            self._known[key] = (
                sizes.reshape(by_pass).max(axis=2),
                blocks.reshape(by_pass).max(axis=2),
                np.diff(edges).reshape(-1, self.grid.rows).sum(axis=1),
            )
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[Span, Span, int, int], tuple[Counts, Counts, Counts]]:
        """What was asked of `subvolumes` before."""
        return {}

    def cores(self, outputs: Span, each: int) -> list[Span]:
        """Return the block columns of each row of cores, ``each`` at most; rows without any are left out."""
        first, count = outputs
        return [
            (first + begin, min(each, count - begin))
            for begin in range(0, min(count, each * self.grid.rows), each)
        ]

    def across(self, outputs: Span) -> tuple[int, int, int, int]:
        """Return what a column of pixels sees: first, how many, padding left and right."""
        layer = self.node.layer
        if not outputs[1]:
            return 0, 0, 0, 0
        return seen(*outputs, layer.stride, layer.kernel[1], layer.pads[2], layer.width)

    def down(self, outputs: Span) -> tuple[int, int, int, int]:
        """Return what rows of output see: first, how many, padding above and below."""
        layer = self.node.layer
        return seen(*outputs, layer.stride, layer.kernel[0], layer.pads[0], layer.height)

    def chains(self, outputs: Span, rows: int) -> list[Chain]:
        """Return the iterations of output rows, ``rows`` each: neighbours with equal padding in one chain."""
        key = outputs, rows
        if key not in self._chains:
            self._chains[key] = self._chained(outputs, rows)
        return self._chains[key]

    @cached_property
    def _chains(self) -> dict[tuple[Span, int], list[Chain]]:
        """What was asked of `chains` before."""
        return {}

    def _chained(self, outputs: Span, rows: int) -> list[Chain]:
        steps = []
        for begin in range(0, outputs[1], rows):
            span = (outputs[0] + begin, min(rows, outputs[1] - begin))
            first, count, above, below = self.down(span)
            steps.append((*span, above, below, first, count))
        chains = []
        for _, group in groupby(steps, key=lambda step: (step[1], step[2], step[3], step[5])):
            alike = list(group)
            y, count, above, below, first, height = alike[0]
            chains.append(Chain(y, count, above, below, first, height, len(alike)))
        return chains

    def most_seen(self, rows: int) -> int:
        """Return the most input rows that a strip of so many output rows sees."""
        layer = self.node.layer
        return min((rows - 1) * layer.stride + layer.kernel[0], layer.height)

    def widest(self, across: Sequence[Span]) -> tuple[int, int]:
        """Return the most pixels that a column sees, and the most that it computes."""
        return max(self.across(span)[1] for span in across), max(count for _, count in across)

    def strip_bytes(self, rows: int, wide: int, pixels: int, blocks: int) -> int:
        """Return the bytes of a core's input buffer that a strip of output rows x pixels takes.

        ``wide`` is what it sees of a row. A core that computes tiles keeps padding too, each phase of a
        stride by itself, in whole tiles (docs/engine.md, "The A buffer").
        """
        if not (self.weighted and self.grid.streams):
            return self.read_bytes(self.most_seen(rows), wide, blocks)
        (h, w), stride = self.node.layer.kernel, self.node.layer.stride
        if self.taps == stride == 1:
            rows, pixels = 1, rows * pixels
        groups = ceil(ceil((pixels - 1) * stride + w, stride), self.grid.tile_pixels)
        height = (rows - 1) * stride + h
        return height * stride * groups * self.grid.tile_pixels * blocks * self.grid.block

    def sums_bytes(self, rows: int, pixels: int, blocks: int, *, sums: bool) -> int:
        """Return the bytes of a core's output buffer that a strip takes; of tiles each row has whole ones."""
        if self.weighted and self.grid.streams:
            rows, pixels = (1, rows * pixels) if self.taps == self.node.layer.stride == 1 else (rows, pixels)
            pixels = ceil(pixels, self.grid.tile_pixels) * self.grid.tile_pixels
        return self.result_bytes(rows, pixels, blocks, sums=sums)

    def read_bytes(self, rows: int, width: int, blocks: Count) -> Count:
        """Return the bytes of what is read for a strip: rows, pixels of a row, blocks of channels."""
        return rows * width * blocks * self.grid.block * self.operands

    def result_bytes(self, rows: int, width: int, blocks: Count, *, sums: bool) -> Count:
        """Return the bytes of a strip of results, or of partial sums."""
        return rows * width * blocks * self.grid.block * (SUM_BYTES if sums else 1)

    def cycles(self, blocks: Count, rows: int, width: int) -> Count:
        """Return the cycles of a strip: see `strip_cycles`."""
        layer = self.node.layer
        return strip_cycles(self.grid, self.node.kind, layer.kernel, layer.stride, blocks, (rows, width))


def strip_cycles(
    grid: Abstraction, kind: Kind, kernel: Sequence[int], stride: int, blocks: Count, strip: tuple[int, int]
) -> Count:
    """Return the cycles of a core for a strip of rows x pixels.

    Parameters
    ----------
    grid:
        Whose core it is.
    kind, kernel, stride:
        Of the node.
    blocks:
        Of weights, or of channels where there are no weights.
    strip:
        Of output pixels. A core that computes tiles fills each row up, of a 1 x 1 kernel only the last.
    """
    taps, (rows, width) = kernel[0] * kernel[1], strip
    if kind is Kind.CONV and grid.streams:
        rows, width = (1, rows * width) if taps == stride == 1 else strip
        width = ceil(width, grid.tile_pixels) * grid.tile_pixels
    pixels = rows * width
    if kind is Kind.CONV:
        return -(-blocks * grid.block**2 * taps * pixels // grid.operations)
    operands = 2 if kind is Kind.ADD else 1
    return -(-blocks * grid.block * taps * pixels * operands // grid.elements)
