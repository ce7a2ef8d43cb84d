"""What an engine's compute core sees while it multiplies X W: blocks, tiles of A and partial sums, in lanes.

Each lane is the core at work on one block of weights, drawn at random of all that are kept, and on successive
tiles of A. Its partial sums are the golden model's, of the blocks above it in its column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig
from tileloom.errors import UserError
from tileloom_golden.checks import Words
from tileloom_sim.engine.operands import Operands, prepare

from .core_check import numbers_of

SPREAD = 32
"""Standard deviation of random INT8 activations and weights."""


@dataclass(frozen=True)
class Activity:
    """What the core sees in some lanes.

    Attributes
    ----------
    blocks:
        Lanes x k x n: a block of weights for each lane.
    tiles, psums:
        Steps x lanes x m x k, and x m x n: what comes in, one tile in every cycle.
    kept, grid:
        Blocks of weights that are computed, of how many.
    tiles_of_a:
        Tiles of A that each block is multiplied with.
    """

    blocks: Words
    tiles: Words
    psums: Words
    kept: int
    grid: int
    tiles_of_a: int


def random_operands(config: EngineConfig, rng: np.random.Generator, prune: float | None = None) -> Operands:
    """Return operands of a GEMM of normally distributed data, of 16 tiles of A and four by four blocks."""
    x: Any = rng.normal(size=(16 * config.m, 4 * config.k))
    w: Any = rng.normal(size=(4 * config.k, 4 * config.n))
    if config.core is Core.DOT_PRODUCT:
        x, w = (np.clip(np.rint(each * SPREAD), -128, 127).astype(np.int8) for each in (x, w))
    return prepare(config, ("activations", x), ("weights", w), "KN", prune=prune)


def activity(
    config: EngineConfig, operands: Operands, rng: np.random.Generator, *, lanes: int, steps: int
) -> Activity:
    """Return the activity of ``lanes`` cores over ``steps`` cycles, beginning anew after the last tile of A.

    Raises UserError where no block is kept, or there is one tile of A, so that nothing moves.
    """
    kept = operands.kept
    if not len(kept.blocks):
        raise UserError("weights: all blocks are zero, so that the engine computes nothing")
    down, across = kept.grid
    x = _words(operands.x[0])
    tiles_of_a = -(-len(x) // config.m)
    if tiles_of_a < 2:
        raise UserError(
            f"activations: {len(x)} rows are one tile of A; give {config.m + 1} at least, so that it changes"
        )
    # What hangs over the edges is filled up with zeros.
    x = np.pad(x, ((0, tiles_of_a * config.m - len(x)), (0, down * config.k - x.shape[1])))
    by_tile = x.reshape(tiles_of_a, config.m, down, config.k)
    blocks = _words(kept.blocks[:, 0, 0])
    chosen = rng.integers(len(blocks), size=lanes)
    tile = (rng.integers(tiles_of_a, size=lanes) + np.arange(steps)[:, None]) % tiles_of_a
    numbers = numbers_of(config, rng)
    first = kept.column_pointers[kept.block_columns[chosen]]
    above = chosen - first
    psums = np.zeros((steps, lanes, config.m, config.n), np.uint64)
    for place in range(int(above.max(initial=0))):
        lane = np.flatnonzero(above > place)
        each = first[lane] + place
        a = by_tile[tile[:, lane], :, kept.block_rows[each]]
        block = np.broadcast_to(blocks[each], (steps, len(lane), config.k, config.n))
        psums[:, lane] = _result(numbers, a, block, psums[:, lane])
    return Activity(
        blocks=blocks[chosen],
        tiles=by_tile[tile, :, kept.block_rows[chosen]],
        psums=psums,
        kept=len(blocks),
        grid=down * across,
        tiles_of_a=tiles_of_a,
    )


def _result(numbers: Any, a: Words, block: Words, psum: Words) -> Words:
    """Return what tiles give with blocks, of all steps and lanes."""
    flat = [each.reshape(-1, *each.shape[2:]) for each in (a, block, psum)]
    result: Words = numbers.result(*flat)
    return result.reshape(psum.shape)


def _words(values: npt.NDArray[Any]) -> Words:
    """Return INT8 as words of eight bits; words stay as they are."""
    return (values.view(np.uint8) if values.dtype == np.int8 else values).astype(np.uint64)
