"""Parts of a node and how they are computed: subvolumes of weights, strips of pixels, passes; their bytes.

A pass keeps a subvolume of weights in every core, or streams it through, and runs over strips of output rows.
Of each block column all input channels come before the next; partial sums go through the memory tile
meanwhile, or stay in the core where a part is a single strip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .work import Span, Work, spans


@dataclass(frozen=True)
class Part:
    """A box of a node's results that the memory tiles hold at a time, of some of the input channels.

    Attributes
    ----------
    across:
        Output pixels of a row, of each column.
    down:
        Output rows.
    outputs, inputs:
        Blocks of channels.
    accumulate, finish:
        Whether there are partial sums of other input channels, and whether none is left.
    """

    across: tuple[Span, ...]
    down: Span
    outputs: Span
    inputs: Span
    accumulate: bool = False
    finish: bool = True


@dataclass(frozen=True)
class Tiling:
    """How a part is cut for the cores.

    Attributes
    ----------
    outputs:
        Block columns of a core in a pass, at most.
    inputs:
        Into how many parts the input channels are cut.
    across:
        Into how many parts each column's pixels are cut.
    rows:
        Output rows of a strip, at most.
    stays:
        Whether partial sums stay in the core.
    """

    outputs: int
    inputs: int
    across: int
    rows: int
    stays: bool


@dataclass(frozen=True)
class Pass:
    """What is computed with one subvolume of weights: block columns of each core, input blocks, pixels."""

    cores: tuple[Span, ...]
    inputs: Span
    across: tuple[Span, ...]
    loads: bool
    accumulate: bool
    finish: bool

    @property
    def outputs(self) -> Span:
        """Block columns of all rows of cores."""
        return self.cores[0][0], sum(count for _, count in self.cores)


def shares(across: Sequence[Span], parts: int) -> list[tuple[Span, ...]]:
    """Return each column's pixels in so many parts: columns of fewer have empty ones at the end."""
    cut = [spans(count, parts) for _, count in across]
    parts = max(map(len, cut))
    return [
        tuple(
            (begin + own[index][0], own[index][1]) if index < len(own) else (begin, 0)
            for (begin, _), own in zip(across, cut, strict=True)
        )
        for index in range(parts)
    ]


def passes(work: Work, part: Part, tiling: Tiling) -> Iterator[Pass]:
    """Yield the passes of a part in order."""
    first, count = part.outputs
    group = tiling.outputs * work.grid.rows
    across = shares(part.across, tiling.across)
    for begin in range(0, count, group):
        cores = tuple(work.cores((first + begin, count - begin), tiling.outputs))
        if not work.weighted:
            blocks = sum(own for _, own in cores)
            yield from (Pass(cores, (cores[0][0], blocks), each, False, False, True) for each in across)
            continue
        cut = [(part.inputs[0] + at, own) for at, own in spans(part.inputs[1], tiling.inputs)]
        for index, inputs in enumerate(cut):
            for place, each in enumerate(across):
                accumulate = part.accumulate or index > 0
                finish = part.finish and index + 1 == len(cut)
                yield Pass(cores, inputs, each, place == 0, accumulate, finish)


def sums_bytes(work: Work, part: Part, tiling: Tiling) -> int:
    """Return the bytes of partial sums that a column's memory tile has to hold."""
    whole = part.accumulate or not part.finish
    if not whole and (tiling.inputs == 1 or tiling.stays):
        return 0
    blocks = part.outputs[1] if whole else min(part.outputs[1], tiling.outputs * work.grid.rows)
    return work.result_bytes(part.down[1], work.widest(part.across)[1], blocks, sums=True)


def chunk_bytes(work: Work, cores: Sequence[Span], inputs: Span) -> int:
    """Return the bytes of a pass's weights: of the row of cores that has most."""
    return max(work.weight_bytes(work.blocks(inputs, core), core[1]) for core in cores)


def most_blocks(work: Work, each: Pass) -> int:
    """Return the blocks that the busiest core computes in a pass; of channels, where there are no weights."""
    if not work.weighted:
        return max(count for _, count in each.cores)
    return max(work.blocks(each.inputs, core) for core in each.cores)


def weights_bytes(work: Work, part: Part, tiling: Tiling) -> int:
    """Return the bytes of a part's compressed weights in a column's memory, which may serve several rows."""
    return row_bytes(work, part, tiling) * work.grid.rows_per_tile


def row_bytes(work: Work, part: Part, tiling: Tiling) -> int:
    """Return the bytes of a part's compressed weights for one row of cores."""
    if not work.weighted:
        return 0
    return int(work.subvolumes(part.outputs, part.inputs, tiling.outputs, tiling.inputs)[0].sum())
