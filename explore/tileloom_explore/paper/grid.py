"""A layer over a grid of engines, and networks on grids: the estimator's table for the paper's overlays.

A layer is divided by output pixels and by output channels; each engine has its own streams. Block columns are
dealt to the engines so that all have about as many blocks; a layer is done when its last engine is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tileloom_golden.checks import check_positive
from tileloom_golden.engine.cut import compile_layer, seen
from tileloom_golden.engine.program import EngineSize, Layer
from tileloom_golden.estimate.engine import estimate

from .networks import NETWORKS


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


GRIDS = tuple((side, side) for side in range(2, 9))
"""2 x 2 to 8 x 8."""


@dataclass(frozen=True)
class Row:
    """A network on a grid.

    Attributes
    ----------
    network:
        Its name.
    grid:
        Of engines; only their number counts.
    dense:
        Cycles with all blocks.
    sparse:
        Cycles at the sparsity asked for.
    """

    network: str
    grid: tuple[int, int]
    dense: int
    sparse: int

    @property
    def ratio(self) -> float:
        """Cycles, sparse to dense."""
        return self.sparse / self.dense


def network_table(
    grids: Iterable[tuple[int, int]] = GRIDS,
    *,
    sparsity: float = 0.5,
    size: EngineSize | None = None,
    networks: Iterable[str] = tuple(NETWORKS),
    seed: int = 1,
) -> list[Row]:
    """Estimate networks on grids, all layers after one another, each in the fastest division.

    Parameters
    ----------
    grids:
        Of engines.
    sparsity:
        The share of each layer's blocks that is missing, at random places; none of a layer with fewer input
        channels than a block, which is a network's first.
    size:
        Of each engine.
    networks:
        Names in `networks.NETWORKS`.
    seed:
        Of the places.
    """
    size = size or EngineSize()
    rows = []
    for network in networks:
        layers = [layer for _, layer in NETWORKS[network]()]
        for grid in grids:
            dense, sparse = (
                sum(
                    _layer_cycles(layer, grid, share if layer.channels >= size.k else 0.0, size, seed)
                    for layer in layers
                )
                for share in (0.0, sparsity)
            )
            rows.append(Row(network, grid, dense, sparse))
    return rows


@cache
def _layer_cycles(layer: Layer, grid: tuple[int, int], sparsity: float, size: EngineSize, seed: int) -> int:
    """Return a layer's cycles; networks repeat their layers."""
    shape = (-(-layer.channels // size.k), -(-layer.outputs // size.n))
    count, engines = shape[0] * shape[1], grid[0] * grid[1]
    kept = np.random.default_rng(seed).permutation(np.arange(count) >= round(sparsity * count)).reshape(shape)
    divisions = [(parts, engines // parts) for parts in range(1, engines + 1) if engines % parts == 0]
    return min(layer_cycles(layer, division, kept, size) for division in divisions)


compiled = cache(compile_layer)
"""``compile_layer`` that remembers: networks repeat their layers."""


def _parts(total: int, parts: int, unit: int) -> list[tuple[int, int]]:
    """Return (first, count) of at most so many even parts, in whole units but for the last."""
    units = -(-total // unit)
    ends = [min(total, unit * (units * index // parts)) for index in range(parts + 1)]
    return [(first, end - first) for first, end in pairwise(ends) if end > first]
