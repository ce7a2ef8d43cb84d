"""Cycles of Y = X W by the C library of the array's address generator on CV32E40P, single-cycle memory.

A tile takes a step in each cycle, or as long as the memory port takes for its words. The core runs ahead by
one command, so that its own work shows only at the beginning and the end, and where it is longer than the
tiles: with few vectors, or many tiles left out. What the core's loops take is RTL, by least squares over
random products on 4 x 8. ``tb/systolic/test_generator_core.py`` holds the whole to within 1 % of RTL.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, check_positive

START, END = 38.8, 30
"""Of a product: before the first tile is looked at, and after the last sum is stored."""
COLUMN, TESTED, GIVEN = 20.87, 9.04, 8.35
"""Of the core, for each column of tiles, each tile, and each that is computed besides."""
CHANGED = 4.1
"""Steps that wait where the tiles of the next column begin, without sums from memory."""
CLEARED_VECTOR, CLEARED = 5.05, 4
"""Of a column without tiles: for each vector, and each word of that."""
ASKED = 13.35
"""From a command's place being free to the core's seeing it."""
LOADING, FETCHING = -17.6, 3
"""Added to the words of a tile's weights until its first step, as some come before the core goes on; and of
each of their beats, until its words are there."""


def generator_cycles(
    kept: npt.NDArray[np.bool_],
    vectors: int,
    *,
    rows: int,
    columns: int,
    weight_words: int,
    beat_words: int,
    latency: int,
    onto: bool = False,
) -> int:
    """Return the cycles of ``tileloom_fetched_gemm``, vectors at multiples of a beat.

    Parameters
    ----------
    kept:
        Which tiles are computed, tiles along K x tiles along N.
    vectors:
        Of activations, M.
    rows, columns:
        Of the array.
    weight_words:
        Of a tile.
    beat_words:
        Words of a beat of the memory port: 4, 2 or 1.
    latency:
        Cycles from a vector's last step to its first result, ``first_result_cycles`` of the manifest.
    onto:
        The product is added to what is there: ``tileloom_fetched_gemm_onto``.

    Raises
    ------
    ValueError
        `kept` is no matrix, or a number is not positive.
    """
    check_ndim(kept, 2, "kept")
    numbers = {"vectors": vectors, "rows": rows, "columns": columns, "weight_words": weight_words}
    for name, value in {**numbers, "beat_words": beat_words, "latency": latency}.items():
        check_positive(value, name)
    down, across = -(-rows // beat_words), -(-columns // beat_words)
    beats = -(-weight_words // beat_words)
    loading = weight_words + FETCHING * beats
    steps = vectors * max(rows, columns)
    # A command's place is free once the sums of the one before have been asked for.
    behind = max(0, latency + columns - 2 * beat_words)
    core, begins, ends, free = float(START), 0.0, 0.0, 0.0
    for column in kept.T:
        core += COLUMN
        first = not onto
        for tile in column:
            core += TESTED
            if not tile:
                continue
            core = (free + ASKED if core < free else core) + GIVEN
            begins = max(ends + (CHANGED if first else 0), core + LOADING + loading)
            free = begins + (0 if first else behind)
            ends = begins + max(steps, vectors * (down + (1 if first else 2) * across) + beats)
            first = False
        if first:
            core += vectors * (CLEARED * columns + CLEARED_VECTOR)
    return round(max(core, ends + latency + columns) + END)
