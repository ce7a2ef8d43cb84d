"""Ways to cut a layer for a grid of engines, and about what each costs (docs/grid.md); `grid` takes the best.

A cut divides the output's pixels among columns of engines, by width or by height, and each column's part into
strips that fit the A buffer, of all input channels or of a part of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from .cut import Span, ceil, column_cycles, seen, strip_words
from .program import DESCRIPTOR_BYTES, EngineSize, Layer

FEW = 4
"""Into so many parts input channels are cut where that is faster; into more only where nothing else fits."""

ASKING = 4
"""Cycles from a command being handed out to the first beat of the next."""

Part = tuple[int, int]
"""First, and how many."""


@dataclass(frozen=True)
class Cut:
    """A way to cut: the axis, parts of the input channels, and each column's strips, down and across."""

    axis: str
    parts: int
    strips: tuple[tuple[tuple[Part, Part], ...], ...]


def cuts_of(layer: Layer, size: EngineSize, columns: int) -> Iterator[Cut]:
    """Yield cuts that fit: by either axis, strips of any number of tiles across and as high as may be."""
    blocks = ceil(layer.channels, size.k)
    # Less than a tile wastes lanes of the core: only where there is room for no whole one.
    for whole in (True, False):
        found = False
        for parts in range(1, blocks + 1):
            if found and parts > FEW:
                return
            for axis in ("width", "height"):
                for cut in _cuts_along(layer, size, columns, axis, parts, whole=whole):
                    found = True
                    yield cut
        if found:
            return


def _cuts_along(
    layer: Layer, size: EngineSize, columns: int, axis: str, parts: int, *, whole: bool
) -> Iterator[Cut]:
    height, width = layer.output
    downs, acrosses = [(0, height)] * columns, [(0, width)] * columns
    if axis == "height":
        downs = spread(height, columns)
    else:
        acrosses = spread(width, columns)
    highest, widest = max(count for _, count in downs), max(count for _, count in acrosses)
    blocks = ceil(ceil(layer.channels, size.k), parts)
    if whole:
        counts = range(1, min(size.acc_tiles, ceil(widest, size.m)) + 1)
        widths = [min(count * size.m, widest) for count in counts]
    else:
        widths = list(range(1, min(size.m, widest) + 1))
    for across in widths:
        rows = min(highest, size.acc_tiles // ceil(across, size.m))
        while rows and strip_words(layer, size, rows, across, blocks) > size.a_words:
            rows -= 1
        if rows:
            lane = min(size.m, across)
            high, wide = ceil(highest, rows), ceil(widest, across)
            yield Cut(
                axis,
                parts,
                tuple(
                    tuple(
                        ((down[0] + y, count_y), (beside[0] + x, count_x))
                        for y, count_y in spread(down[1], high)
                        for x, count_x in _in_tiles(beside[1], wide, lane)
                    )
                    for down, beside in zip(downs, acrosses, strict=True)
                ),
            )


def _in_tiles(width: int, parts: int, lane: int) -> list[Part]:
    """Return parts of a row as `spread` does, of whole tiles of ``lane`` pixels but for the last tile."""
    return [
        (first * lane, min(count * lane, width - first * lane))
        for first, count in spread(ceil(width, lane), parts)
    ]


def seen_by(layer: Layer, down: Part, across: Part) -> tuple[Span, Span]:
    """Return what a strip's outputs see on both axes."""
    vertical = seen(*down, layer.stride, layer.kernel[0], layer.pads[0], layer.height)
    horizontal = seen(*across, layer.stride, layer.kernel[1], layer.pads[2], layer.width)
    return (*down, vertical), (*across, horizontal)


def row_parts(outputs: int, rows: int, *, alike: bool = False) -> list[Part]:
    """Return the block columns of each row of engines; with ``alike`` as many everywhere, some twice."""
    if not alike or outputs < rows:
        return spread(outputs, rows)
    each = ceil(outputs, rows)
    return [(min(row * each, outputs - each), each) for row in range(rows)]


def spread(total: int, parts: int) -> list[Part]:
    """Return even parts of 0 .. total - 1, the smaller first; where there are too few, some are equal."""
    small, more = divmod(total, parts)
    if not small:
        return [(index * total // parts, 1) for index in range(parts)]
    sizes = [small] * (parts - more) + [small + 1] * more
    return [(sum(sizes[:index]), count) for index, count in enumerate(sizes)]


def most_units(layer: Layer, size: EngineSize, cut: Cut) -> int:
    """Return the units of the largest strip."""
    return max(_units(layer, size, cut))


def _units(layer: Layer, size: EngineSize, cut: Cut) -> Iterator[int]:
    """Yield the units of activations of each strip, of all input channels."""
    blocks = ceil(layer.channels, size.k)
    for down, across in (strip for strips in cut.strips for strip in strips):
        vertical, horizontal = seen_by(layer, down, across)
        yield blocks * vertical[2][1] * horizontal[2][1]


def computed_cycles(layer: Layer, size: EngineSize, cut: Cut, rows: int, density: float) -> int:
    """Return about how many cycles the layer takes, of the slowest column in each strip.

    The first strip is loaded, each is computed while the next is loaded, the last block column is written;
    what is written of a column of engines goes one way.
    """
    blocks, taps = ceil(layer.channels, size.k), layer.kernel[0] * layer.kernel[1]
    outputs = ceil(ceil(layer.outputs, size.n), rows)
    loads, computes, drain = [], [], 0
    for number in range(len(cut.strips[0])):
        load = computing = drain = 0
        for down, across in (strips[number] for strips in cut.strips):
            high, wide = (
                (part[1] - 1) * layer.stride + kernel
                for part, kernel in zip((down, across), layer.kernel, strict=True)
            )
            load = max(load, high * wide * blocks * (outputs if cut.parts > 1 else 1))
            tiles = down[1] * ceil(across[1], size.m)
            drain = max(drain, rows * down[1] * ceil(across[1], size.drain_rows))
            kept = max(1, round(blocks * taps * density))
            computing = max(computing, outputs * max(column_cycles(size, kept, tiles), drain))
        loads.append(load)
        computes.append(max(computing, load) if cut.parts > 1 else computing)
    between = sum(max(pair) for pair in zip(loads[1:], computes[:-1], strict=True))
    return loads[0] // cut.parts // (outputs if cut.parts > 1 else 1) + between + computes[-1] + drain


def read_cycles(layer: Layer, size: EngineSize, cut: Cut, rows: int, density: float, *, again: bool) -> int:
    """Return the cycles that one bus takes for all that a grid reads; ``again``: cut channels, by columns."""
    blocks, taps = ceil(layer.channels, size.k), layer.kernel[0] * layer.kernel[1]
    outputs = ceil(ceil(layer.outputs, size.n), rows)
    columns, strips = len(cut.strips), len(cut.strips[0])
    units = sum(_units(layer, size, cut))
    groups = strips * outputs
    if cut.parts == 1:
        # Those of equal strips repeat one set of descriptors.
        sizes = [
            tuple((down[1], across[1]) for down, across in strip) for strip in zip(*cut.strips, strict=True)
        ]
        groups = 1 + sum(one != other for one, other in pairwise(sizes))
    elif again:
        units *= outputs
    commands = groups * (cut.parts * (columns + rows) + rows * columns)
    weights = (
        strips * rows * outputs * (cut.parts * size.header_beats + blocks * taps * density * size.block_beats)
    )
    beats = (
        units * size.k * size.element_bits / size.bus + weights + commands * 8 * DESCRIPTOR_BYTES / size.bus
    )
    return round(beats + commands * ASKING)
