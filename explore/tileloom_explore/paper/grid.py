"""A layer over engines side by side, each with streams of its own that never wait.

A layer is divided by output pixels and by output channels; each engine has its own streams. Block columns are
dealt to the engines so that all have about as many blocks; a layer is done when its last engine is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tileloom_golden.checks import check_positive
from tileloom_golden.engine.cut import compile_layer, seen
from tileloom_golden.engine.program import EngineSize, Layer
from tileloom_golden.estimate.engine import estimate


def crop(layer: Layer, rows: tuple[int, int], columns: tuple[int, int] | None = None) -> Layer:
    """Return the layer that computes a part of the output, its image what that part sees.

    Parameters
    ----------
    layer:
        Whole.
    rows:
        First row of the output, and how many.
    columns:
        The same across; None is all.
    """
    _, height, top, bottom = seen(*rows, layer.stride, layer.kernel[0], layer.pads[0], layer.height)
    across, left, right = layer.width, *layer.pads[2:]
    if columns is not None:
        _, across, left, right = seen(*columns, layer.stride, layer.kernel[1], layer.pads[2], layer.width)
    return replace(layer, height=height, width=across, pads=(top, bottom, left, right))


def layer_cycles(
    layer: Layer, grid: tuple[int, int], kept: npt.NDArray[np.bool_], size: EngineSize | None = None
) -> int:
    """Return the cycles of a layer on a grid of engines.

    Parameters
    ----------
    layer:
        Convolution or product.
    grid:
        Into how many parts the output pixels and the output channels are divided; an engine for each.
    kept:
        Which blocks of the weights there are, block rows x block columns.
    size:
        Of each engine.

    Raises
    ------
    ValueError
        As in `compile_layer` and `estimate`, or a side of the grid is not positive.
    """
    size = size or EngineSize()
    return max(
        estimate(compiled(piece, size), kept[:, columns]).cycles
        for piece, columns, _ in pieces(layer, grid, kept, size)
    )


def pieces(
    layer: Layer, grid: tuple[int, int], kept: npt.NDArray[np.bool_], size: EngineSize
) -> Iterator[tuple[Layer, list[int], int]]:
    """Yield what engines of a grid compute: the layer of a part, its block columns, and how many have it.

    Engines beyond the parts that there are have nothing to do. Parameters and errors as in `layer_cycles`.
    """
    check_positive(grid[0], "grid[0]")
    check_positive(grid[1], "grid[1]")
    layer = layer.flat
    height, width = layer.output
    # Of a flat layer the pixels are across, in whole tiles.
    if height == 1:
        parts = Counter(crop(layer, (0, 1), part) for part in _parts(width, grid[0], size.m))
    else:
        parts = Counter(crop(layer, part) for part in _parts(height, grid[0], 1))
    hands = deal(kept.sum(axis=0), grid[1])
    for part, count in parts.items():
        for columns in hands:
            yield replace(part, outputs=min(len(columns) * size.n, layer.outputs)), columns, count


def deal(blocks: npt.NDArray[np.int64], engines: int) -> list[list[int]]:
    """Return which block columns each engine gets, at most so many engines.

    The column with the most blocks left goes to the engine with the fewest that may have another column: all
    have the same number, or one less.

    Parameters
    ----------
    blocks:
        Of each block column.
    engines:
        How many.
    """
    hands: list[list[int]] = [[] for _ in range(min(engines, len(blocks)))]
    held = np.zeros(len(hands), np.int64)
    least, over = divmod(len(blocks), len(hands))
    for column in np.argsort(-blocks, kind="stable").tolist():
        room = [len(hand) < least or (len(hand) == least and over > 0) for hand in hands]
        engine = int(np.argmin(np.where(room, held, np.iinfo(np.int64).max)))
        over -= len(hands[engine]) == least
        hands[engine].append(column)
        held[engine] += blocks[column]
    return [sorted(hand) for hand in hands]


compiled = cache(compile_layer)
"""``compile_layer`` that remembers: networks repeat their layers."""


def _parts(total: int, parts: int, unit: int) -> list[tuple[int, int]]:
    """Return (first, count) of at most so many even parts, in whole units but for the last."""
    units = -(-total // unit)
    ends = [min(total, unit * (units * index // parts)) for index in range(parts + 1)]
    return [(first, end - first) for first, end in pairwise(ends) if end > first]
