"""Cycles of Y = X W by the C library of an array with a memory of sums on CV32E40P, single-cycle memory.

As ``coprocessor``: inner loops are counted, and what stands around them is RTL, by least squares over 90
small products on 4 x 8 with 64 words of sums. ``tb/systolic/test_accumulators.py`` holds the whole to within
1 % of RTL.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, check_positive
from .coprocessor import CLEARED, LAG

START, COLUMN, PART, TESTED = 97.6, 20.65, 62.1, 11.16
"""Of a product, of each column of tiles, of each part of one, and of each tile of that, there or not."""
TILE, TILE_LONG, TILE_ROW_MAJOR = 59.1, 11.8, 2
"""Of each tile that is computed; with more than LAG vectors; and of a row-major one, on top."""
EMPTY, CLEARED_VECTOR = 21.3, 8
"""Of a part without tiles, and of each vector of it besides its words."""
READ = 8.74
"""Of each word that is read out at the end."""


def accumulated_cycles(
    kept: npt.NDArray[np.bool_],
    vectors: int,
    *,
    steps: int,
    columns: int,
    weight_words: int,
    accumulators: int,
    row_major: bool = False,
) -> int:
    """Return the cycles of ``tileloom_accumulated_gemm``.

    Parameters
    ----------
    kept:
        Which tiles are computed, tiles along K x tiles along N.
    vectors:
        Of activations, M.
    steps:
        Words of a vector, max(rows, columns) of the array.
    columns:
        Of the array.
    weight_words:
        Of a tile.
    accumulators:
        Sums that the array holds, those of three vectors or more.
    row_major:
        X and Y are row-major, not tile after tile.

    Raises
    ------
    ValueError
        `kept` is no matrix, a number is not positive, or there are too few accumulators.
    """
    check_ndim(kept, 2, "kept")
    numbers = {"vectors": vectors, "steps": steps, "columns": columns, "weight_words": weight_words}
    for name, value in numbers.items():
        check_positive(value, name)
    if accumulators < 3 * columns:
        raise ValueError(f"accumulators: must be {3 * columns} or more, the sums of three vectors")
    vectors = max(vectors, LAG)
    lengths = parts(vectors, accumulators // columns)
    by_column = kept.sum(axis=0)
    computed = by_column[by_column > 0]
    empty, tiles = len(by_column) - len(computed), int(computed.sum())
    cycles: float = START + COLUMN * len(by_column)
    cycles += len(lengths) * (PART * len(by_column) + TESTED * kept.size + EMPTY * empty)
    cycles += empty * vectors * (CLEARED * columns + CLEARED_VECTOR)
    if not tiles:
        return round(cycles)
    # A word by itself waits a cycle for its load. The last tile of a column stores its sums.
    held, last = (words * steps + steps % 4 + (2 if row_major else 0) for words in (2, 3))
    cycles += vectors * (len(computed) * last + (tiles - len(computed)) * held)
    # The last vectors are not stepped but read out, and the first ones fed in.
    cycles += LAG * (3 * steps + 1 - last + columns * READ)
    weights = weight_words // 4 * 9 + weight_words % 4 * 3
    for length in lengths:
        cycles += tiles * (weights + TILE + TILE_LONG * (length > LAG) + TILE_ROW_MAJOR * row_major)
    return round(cycles)


def parts(vectors: int, most: int) -> list[int]:
    """Return how many vectors each part of a column has, all about as many, and ``most`` at most."""
    count, done = -(-vectors // most), 0
    lengths = []
    for left in range(count, 0, -1):
        lengths.append((vectors - done) // left)
        done += lengths[-1]
    return lengths
