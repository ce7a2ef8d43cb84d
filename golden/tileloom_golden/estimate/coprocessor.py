"""Cycles of Y = X W by the C library of the array as a coprocessor of CV32E40P, single-cycle memory.

The inner loops are counted, an instruction a cycle. What stands around them, calls and loops of C, is
constant for each tile or column of tiles: those numbers are RTL, by least squares over 50 small products
on 4 x 8. ``tb/systolic/test_array_library.py`` holds the whole to within 1 % of RTL.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, check_positive

LAG = 2
"""Vectors in the array: what the library feeds in before a result comes, and reads out after all."""

START, COLUMN, TESTED = 82, 15.7, 11.16
"""Of a product, of each column of tiles, and of each tile, whether it is there or not."""
TILE, TILE_LONG, TILE_ROW_MAJOR = 84, 15, 2
"""Of each tile that is computed; with more than LAG vectors; and of a row-major one, on top."""
EMPTY, CLEARED_VECTOR, CLEARED = 6, 8, 4
"""Of a column without tiles, of each vector of it, and of each word of that."""
READ_FIRST, READ_FURTHER = 9, 9.8
"""Of each word that is read out at the end, of a first tile and of a further one."""


def array_cycles(
    kept: npt.NDArray[np.bool_],
    vectors: int,
    *,
    steps: int,
    columns: int,
    weight_words: int,
    row_major: bool = False,
) -> int:
    """Return the cycles of ``tileloom_gemm``.

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
    row_major:
        X and Y are row-major, not tile after tile.

    Raises
    ------
    ValueError
        `kept` is no matrix, or a number is not positive.
    """
    check_ndim(kept, 2, "kept")
    for value, name in ((vectors, "vectors"), (steps, "steps"), (columns, "columns")):
        check_positive(value, name)
    vectors = max(vectors, LAG)
    by_column = kept.sum(axis=0)
    computed = by_column[by_column > 0]
    empty = len(by_column) - len(computed)
    tiles = int(computed.sum())
    cycles: float = START + COLUMN * len(by_column) + TESTED * kept.size
    cycles += empty * (EMPTY + vectors * (CLEARED * columns + CLEARED_VECTOR))
    if not tiles:
        return round(cycles)
    # A word by itself waits a cycle for its load.
    first = 3 * steps + steps % 4 + (2 if row_major else 0)
    further = 4 * steps + steps % 4 + (2 if row_major else 0)
    cycles += vectors * (len(computed) * first + (tiles - len(computed)) * further)
    # The last vectors are not stepped but read out, and the first ones fed in.
    stepped, read = (further, READ_FURTHER) if computed[-1] > 1 else (first, READ_FIRST)
    cycles += LAG * (3 * steps + 1 - stepped + columns * read)
    cycles += tiles * (weight_words // 4 * 9 + weight_words % 4 * 3 + TILE)
    cycles += tiles * (TILE_LONG * (vectors > LAG) + TILE_ROW_MAJOR * row_major)
    return round(cycles)
