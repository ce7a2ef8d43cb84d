"""Cutting a weight matrix into tiles the size of the array: the unit of loading, pruning and skipping.

Tile (i, j) covers rows i * rows onward and columns j * columns onward of the K x N matrix. Tiles at the
lower and right edges may be cut short by it; the array sees them filled up with zeros.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import Words, check_ndim, check_positive, check_words
from ..formats import Float, Integer
from ..rounding import nonzero


def tile_grid(k: int, n: int, rows: int, columns: int) -> tuple[int, int]:
    """Return how many tiles a K x N matrix has along K and along N.

    Raises
    ------
    ValueError
        `rows` or `columns` is not a positive integer.
    """
    check_positive(rows, "rows")
    check_positive(columns, "columns")
    return -(-k // rows), -(-n // columns)


def split_tiles(weights: npt.NDArray[Any], rows: int, columns: int) -> npt.NDArray[Any]:
    """Return a K x N matrix as tiles.

    Parameters
    ----------
    weights:
        K x N, any dtype (words or values).
    rows:
        Of a tile.
    columns:
        Of a tile.

    Returns
    -------
    npt.NDArray[Any]
        A copy of the same dtype and shape (tiles along K, tiles along N, rows, columns), zeros added.

    Raises
    ------
    ValueError
        Not two-dimensional, or `rows` or `columns` is not a positive integer.
    """
    weights = np.asarray(weights)
    check_ndim(weights, 2, "weights")
    k, n = weights.shape
    down, across = tile_grid(k, n, rows, columns)
    padded = np.pad(weights, ((0, down * rows - k), (0, across * columns - n)))
    return padded.reshape(down, rows, across, columns).swapaxes(1, 2).copy()


def kept_tiles(
    weights: npt.ArrayLike, rows: int, columns: int, weight_format: Float | Integer
) -> npt.NDArray[np.bool_]:
    """Return which tiles have a weight that is not zero in value, and so have to be computed.

    Parameters
    ----------
    weights:
        K x N words of any integer dtype.
    rows:
        Of a tile.
    columns:
        Of a tile.
    weight_format:
        Of the words; a float with exponent field 0 and either integer zero are zero.

    Returns
    -------
    npt.NDArray[np.bool_]
        Bool of shape (tiles along K, tiles along N).

    Raises
    ------
    ValueError
        As `checks.check_words` and `split_tiles`.
    """
    words = check_words(weights, weight_format, "weights")
    return nonzero_tiles(split_tiles(words, rows, columns), weight_format)


def nonzero_tiles(tiles: Words, weight_format: Float | Integer) -> npt.NDArray[np.bool_]:
    """Return the same of words that have been checked, as `split_tiles` returns them."""
    return np.asarray(nonzero(tiles, weight_format).any(axis=(2, 3)))
