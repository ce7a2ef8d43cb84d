"""Structured pruning in tiles: whole tiles of a weight matrix become zero, and the array skips them.

This is the pruning of SASP (Palacios et al., "Systolic Arrays and Structured Pruning Co-design for
Efficient Transformers in Edge Systems"): tiles are the size of the array, and those with the smallest
L1 norm are removed.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, refuse
from .tiles import split_tiles, tile_grid

STRIP = 1 << 20
"""Weights, about, whose norms are computed at a time."""


def tile_norms(weights: npt.ArrayLike, tile_rows: int, tile_columns: int) -> npt.NDArray[np.float64]:
    """Return the L1 norm of each tile, tiles along K x tiles along N; arguments as in `prune_tiles`.

    Raises
    ------
    ValueError
        Dtype, dimensions or tile size are wrong, or a weight is NaN or infinite (the message has its index).
    """
    array = np.asarray(weights)
    if array.dtype.kind not in "fi":
        raise ValueError(f"weights has dtype {array.dtype}, neither a float nor a signed integer")
    check_ndim(array, 2, "weights")
    refuse(~np.isfinite(array), "weights", "is NaN or infinite")
    k, n = array.shape
    norms = np.empty(tile_grid(k, n, tile_rows, tile_columns))
    # Some rows of tiles at a time, since in float64, where neither the magnitude of -128 nor a sum of float16
    # overflows, a large matrix is many times as large.
    together = max(1, STRIP // (n * tile_rows))
    for row in range(0, len(norms), together):
        part = array[row * tile_rows : (row + together) * tile_rows].astype(np.float64)
        norms[row : row + together] = split_tiles(np.abs(part), tile_rows, tile_columns).sum(axis=(2, 3))
    return norms


def prune_tiles(weights: npt.ArrayLike, tile_rows: int, tile_columns: int, rate: float) -> npt.NDArray[Any]:
    """Set the share `rate` of the tiles, those with the smallest L1 norm, to zero.

    Parameters
    ----------
    weights:
        K x N, floating or signed integer dtype.
    tile_rows:
        Of a tile, the array's rows.
    tile_columns:
        Of a tile, the array's columns.
    rate:
        0 to 1; the number of tiles is rounded to the nearest, ties to even. Tiles cut short by the matrix
        count as tiles. Between equal norms the tile with the smaller index, row by row, goes.

    Returns
    -------
    npt.NDArray[Any]
        A pruned copy, K x N, of the same dtype.

    Raises
    ------
    ValueError
        Dtype, dimensions, tile size or rate are wrong, or a weight is NaN or infinite (the message has its
        index).
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}, not 0 to 1")
    array = np.asarray(weights)
    norms = tile_norms(array, tile_rows, tile_columns)
    doomed = np.argsort(norms, axis=None, kind="stable")[: round(rate * norms.size)]
    keep = np.ones(norms.shape, np.bool_)
    keep.flat[doomed] = False
    mask = keep.repeat(tile_rows, axis=0).repeat(tile_columns, axis=1)
    return np.where(mask[: array.shape[0], : array.shape[1]], array, array.dtype.type(0))
