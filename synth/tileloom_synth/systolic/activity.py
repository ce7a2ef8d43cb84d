"""What elements of an array see while it multiplies X W: activations, weights and partial sums, in lanes.

Each lane is one element at work on one tile, drawn at random of all those that are computed: row r of the
array, a column of W, and successive vectors of X. Its partial sums are the golden model's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tileloom.errors import UserError
from tileloom.systolic.config import Port, SystolicConfig
from tileloom_golden.checks import Words
from tileloom_golden.formats import Rounding
from tileloom_golden.rounding import add, multiply, unpack
from tileloom_golden.systolic.tiles import nonzero_tiles, split_tiles
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.operands import Operands, prepare

VECTORS = 24
"""Successive vectors of X that a lane sees, or as many as there are."""


@dataclass(frozen=True)
class Activity:
    """What the elements of some lanes see.

    Attributes
    ----------
    activations, psums, results:
        Vectors x lanes, words: what comes in, and the partial sums that go out.
    starts:
        Partial sums that enter the top row, words in no order.
    weights:
        A word for each lane.
    kept, tiles:
        Tiles of weights that are computed, of how many.
    vectors:
        Rows of X.
    """

    activations: Words
    psums: Words
    results: Words
    starts: Words
    weights: Words
    kept: int
    tiles: int
    vectors: int


def random_operands(config: SystolicConfig, rng: np.random.Generator, prune: float | None = None) -> Operands:
    """Return operands of a GEMM of normally distributed data, four tiles of weights by four."""
    x = rng.normal(size=(64, 4 * config.rows)).astype(np.float32)
    w = rng.normal(size=(4 * config.rows, 4 * config.columns)).astype(np.float32)
    return prepare(config, ("activations", x), ("weights", w), prune=prune)


def activity(config: SystolicConfig, operands: Operands, rng: np.random.Generator, lanes: int) -> Activity:
    """Return the activity of ``lanes`` elements. Raises UserError where all weights are zero."""
    x, w = operands.x, operands.w
    kept = nonzero_tiles(split_tiles(w, config.rows, config.columns), reference.operand_format(config.weight))
    tiles = np.argwhere(kept)
    if not len(tiles):
        raise UserError("weights: all tiles are zero, so that the array computes nothing")
    vectors = min(VECTORS, len(x))
    chosen = tiles[rng.integers(len(tiles), size=lanes)]
    # The first lane is in the top row, so that there is one.
    row, column = rng.integers(config.rows, size=lanes), rng.integers(config.columns, size=lanes)
    row[0] = 0
    place = chosen[:, 0] * config.rows + row
    across = chosen[:, 1] * config.columns + column
    # What hangs over the edge of W is filled up with zeros.
    full_x = np.pad(x, ((0, 0), (0, kept.shape[0] * config.rows - x.shape[1])))
    padding = (0, kept.shape[0] * config.rows - w.shape[0]), (0, kept.shape[1] * config.columns - w.shape[1])
    full_w = np.pad(w, padding)
    first = rng.integers(len(x) - vectors + 1, size=lanes)
    seen = first + np.arange(vectors)[:, None]
    # On the streams a sum goes through all tiles; on the word port each of them starts from zero.
    start = chosen[:, 0] * config.rows if config.port is Port.WORD else np.zeros(lanes, np.int64)
    accumulator, rounding = reference.float_format(config.accumulator), Rounding(config.rounding.value)
    sums = np.zeros((vectors, lanes), np.uint64)
    psums = sums
    for k in range(int(place.max()) + 1):
        product = multiply(
            unpack(full_x[seen, k], reference.float_format(config.activation)),
            unpack(full_w[k, across][None], reference.operand_format(config.weight)),
            accumulator,
            rounding,
        )
        psums = np.where(k == place, sums, psums)
        sums = np.where((start <= k) & (k <= place), add(sums, product, accumulator, rounding), sums)
    return Activity(
        activations=full_x[seen, place],
        psums=psums,
        results=sums,
        starts=psums[:, row == 0].reshape(-1),
        weights=full_w[place, across],
        kept=len(tiles),
        tiles=kept.size,
        vectors=len(x),
    )
