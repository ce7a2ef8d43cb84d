"""How a layer is cut into strips that fit the engine's buffers, and the program that results.

The engine computes a strip of output pixels at a time, for all output channels. Of all cuts by width and
height that fit, the one with the least cycles for dense weights is taken. The core waits for the first strip
to be loaded, and for no other: in a product it may be narrower than the others. Input channels are cut only
if not even one tile of pixels fits. Output channels need no cut on one engine, which stores no weights; over
the engines of a grid see `grid`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from .program import (
    LARGEST_BLOCKS,
    LARGEST_COLUMNS,
    LARGEST_SLOT,
    Conv,
    EngineSize,
    Group,
    Layer,
    Load,
    Program,
    Write,
)


@dataclass(frozen=True)
class Cut:
    """Largest strip, how many parts the channel blocks are in, and the width of the first strip."""

    rows: int
    width: int
    parts: int
    first: int

    def across(self, width: int) -> list[tuple[int, int]]:
        """Return (begin, length) of the strips that a row of output pixels is cut into."""
        first = min(self.first, width)
        return [(0, first), *((first + begin, part) for begin, part in _spans(width - first, self.width))]


def compile_layer(layer: Layer, size: EngineSize | None = None, *, relu: bool = False) -> Program:
    """Return the program of a layer.

    Parameters
    ----------
    layer:
        Any convolution or product.
    size:
        Of the engine; None for the default.
    relu:
        Whether negative results become 0.

    Raises
    ------
    ValueError
        Not even one output pixel, with one block of channels, fits the A buffer.
    """
    size = size or EngineSize()
    layer = layer.flat
    cut = _best_cut(layer, size)
    height, width = layer.output
    groups: list[Group] = []
    ways = layer.stride, layer.kernel[1], layer.pads[2], layer.width
    beside = [(begin, count, seen(begin, count, *ways)) for begin, count in cut.across(width)]
    ways = layer.stride, layer.kernel[0], layer.pads[0], layer.height
    for begin, count in _spans(height, cut.rows):
        vertical = (begin, count, seen(begin, count, *ways))
        for horizontal in beside:
            groups += strip_groups(layer, size, cut.parts, vertical, horizontal, relu=relu)
    splits = {
        "width": len(cut.across(width)),
        "outputs": 1,
        "height": ceil(height, cut.rows),
        "channels": cut.parts,
    }
    return Program(layer=layer, size=size, groups=tuple(groups), splits=splits)


Span = tuple[int, int, tuple[int, int, int, int]]
"""Outputs of a strip on one axis: the first, how many, and what they see."""


def ceil(value: int, divisor: int) -> int:
    """Return the quotient, rounded up."""
    return -(-value // divisor)


def strip_words(layer: Layer, size: EngineSize, rows: int, width: int, blocks: int) -> int:
    """Return the words of each bank of the A buffer that a strip of output pixels needs."""
    height = (rows - 1) * layer.stride + layer.kernel[0]
    return height * layer.stride * _phase_groups(layer, size, width) * blocks


def masked(layer: Layer, size: EngineSize) -> bool:
    """Return whether tiles of zeros are skipped: only in products, whose strips are a row and a tap."""
    return size.activation_mask and layer.kernel == (1, 1) and layer.stride == 1


def _phase_groups(layer: Layer, size: EngineSize, width: int) -> int:
    """Return G: groups of m places in a phase of an image row."""
    padded = (width - 1) * layer.stride + layer.kernel[1]
    return ceil(ceil(padded, layer.stride), size.m)


def _spans(total: int, most: int) -> list[tuple[int, int]]:
    """Return (begin, length) of the parts of 0 .. total - 1, all but the last ``most`` long."""
    return [(begin, min(most, total - begin)) for begin in range(0, total, most)]


def _cuts(layer: Layer, size: EngineSize, parts: int, widths: list[int]) -> Iterator[Cut]:
    """Yield a cut for each width that fits, with as many rows as fit, evenly spread.

    Where there is one row alone, also with a first strip of as few tiles as a block's weights take to come.
    The others are twice as wide at most: where few blocks are kept, computing it hides no wider one's load.
    """
    height = layer.output[0]
    blocks = ceil(ceil(layer.channels, size.k), parts)
    if blocks > LARGEST_BLOCKS:
        return
    shortest = size.m * ceil(column_cycles(size, blocks, 1), blocks)
    # A strip's columns, padding among them, are counted in 16 bits; its rows are never that many.
    widest = (LARGEST_SLOT - layer.kernel[1]) // layer.stride + 1
    for across in widths:
        if across > widest:
            continue
        rows = min(height, size.acc_tiles // ceil(across, size.m))
        while rows and strip_words(layer, size, rows, across, blocks) > size.a_words:
            rows -= 1
        if rows:
            narrower = height == 1 and shortest < across <= 2 * shortest
            firsts = {across, shortest} if narrower else {across}
            for first in sorted(firsts, reverse=True):
                yield Cut(ceil(height, ceil(height, rows)), across, parts, first)


def _cost(layer: Layer, size: EngineSize, cut: Cut) -> int:
    """Return about how many cycles the dense layer takes.

    The first strip is loaded, each is computed while the next is loaded, the last block column is written.
    """
    height, width = layer.output
    blocks, columns = ceil(layer.channels, size.k), ceil(layer.outputs, size.n)
    taps = layer.kernel[0] * layer.kernel[1]

    @cache
    def times(rows: int, across: int) -> tuple[int, int, int]:
        """Return how long a strip is loaded, computed, and a block column of it written."""
        padded = (rows - 1) * layer.stride + layer.kernel[0], (across - 1) * layer.stride + layer.kernel[1]
        load = padded[0] * padded[1] * blocks * (columns if cut.parts > 1 else 1)
        drain = rows * ceil(across, size.drain_rows)
        computing = columns * max(column_cycles(size, blocks * taps, rows * ceil(across, size.m)), drain)
        return load, max(computing, load) if cut.parts > 1 else computing, drain

    beside = [across for _, across in cut.across(width)]

    @cache
    def row(rows: int, computing: int) -> tuple[int, int, int]:
        """Return what a row of strips adds, after a strip computed in so long, and what it leaves."""
        added = drain = 0
        for across in beside:
            load, following, drain = times(rows, across)
            added += max(load, computing) if computing else load // cut.parts
            computing = following
        return added, computing, drain

    total = computing = drain = 0
    for _, rows in _spans(height, cut.rows):
        added, computing, drain = row(rows, computing)
        total += added
    return total + computing + drain


def column_cycles(size: EngineSize, blocks: int, tiles: int) -> int:
    """Return the cycles of a block column: of its tiles, or of its header's and blocks' way into the core."""
    return max(blocks * max(tiles, size.interval, size.hazard), size.header_beats + blocks * size.interval)


def _best_cut(layer: Layer, size: EngineSize) -> Cut:
    width = layer.output[1]
    tiles = range(min(size.acc_tiles, ceil(width, size.m)), 0, -1)
    # Less than a tile wastes lanes of the core: only where no cut of the channels makes room for a whole one.
    for widths in ([min(count * size.m, width) for count in tiles], list(range(min(size.m, width), 0, -1))):
        for parts in range(1, ceil(layer.channels, size.k) + 1):
            cuts = list(_cuts(layer, size, parts, widths))
            if cuts:
                # Tiles that are zero pay only in strips of more tiles than a block's weights take to come.
                if masked(layer, size):
                    return cuts[0]
                costs = [_cost(layer, size, cut) for cut in cuts]
                # Weights pass once for each strip: of cuts that are as good the one with the fewest.
                near = [cut for cut, cost in zip(cuts, costs, strict=True) if cost <= 1.001 * min(costs)]
                return min(near, key=lambda cut: ceil(layer.output[0], cut.rows) * len(cut.across(width)))
    needed = strip_words(layer, size, 1, 1, 1)
    raise ValueError(f"a_words is {size.a_words}: one output pixel of this layer needs {needed}")


def strip_groups(
    layer: Layer,
    size: EngineSize,
    parts: int,
    vertical: Span,
    horizontal: Span,
    outputs: tuple[int, int] | None = None,
    *,
    relu: bool,
) -> list[Group]:
    """Return the groups of one strip: one, or one for each block column if input channels are split.

    One has no more block columns than a command can tell. ``outputs`` are the first block column and how
    many; None is all of them.
    """
    (y, rows, (begin_y, count_y, top, bottom)) = vertical
    (x, width, (begin_x, count_x, left, right)) = horizontal
    blocks, columns = ceil(layer.channels, size.k), ceil(layer.outputs, size.n)
    first, columns = outputs or (0, columns)
    groups = []
    spans = _spans(blocks, ceil(blocks, parts))
    most = LARGEST_COLUMNS if len(spans) == 1 else 1
    for column, together in ((first + begin, count) for begin, count in _spans(columns, most)):
        pairs = []
        for block, count in spans:
            pitch = _phase_groups(layer, size, width) * count
            load = Load(
                block=block,
                y=begin_y,
                x=begin_x,
                blocks=count,
                rows=count_y,
                width=count_x,
                pads=(top, bottom, left, right),
                stride=layer.stride,
                phase_pitch=pitch,
            )
            conv = Conv(
                block=block,
                column=column,
                blocks=count,
                rows=rows,
                tiles=ceil(width, size.m),
                kernel=layer.kernel,
                stride=layer.stride,
                phase_pitch=pitch,
                columns=together,
                accumulate=block > 0,
                finish=block + count == blocks,
                masked=masked(layer, size),
            )
            pairs.append((load, conv))
        write = Write(column=column, y=y, x=x, rows=rows, width=width, columns=together, relu=relu)
        groups.append(Group(parts=tuple(pairs), write=write))
    return groups


def seen(first: int, count: int, stride: int, kernel: int, pad: int, size: int) -> tuple[int, int, int, int]:
    """Return what outputs first .. first + count - 1 see on one axis: begin, length, pads on both sides."""
    begin = first * stride - pad
    end = begin + (count - 1) * stride + kernel
    before, after = max(0, -begin), max(0, end - size)
    return begin + before, end - begin - before - after, before, after
