"""How many cycles a systolic array takes for a GEMM, in closed form: a few maxima for each tile of weights.

Tiles are computed column by column, in the order of k within each; every stream flows, and results are taken
at once. Nothing is fitted: the numbers are those of the array's timetable.
"""

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, check_positive


def cycles(
    kept: npt.NDArray[np.bool_],
    vectors: int,
    *,
    interval: int,
    latency: int,
    released: int,
    weight_transfers: int,
    double_buffer: bool,
    psum_in: bool,
) -> int:
    """Return the cycles from reset to the last result.

    Parameters
    ----------
    kept:
        Which tiles are computed, tiles along K x tiles along N.
    vectors:
        Of activations, M.
    interval:
        Least cycles from one vector to the next.
    latency:
        Cycles from a vector's first word to its last result.
    released:
        Cycles from the first word of the vector that hands weights over (with ``double_buffer`` a tile's
        first, else its last) to that in which the next tile's weights may come.
    weight_transfers:
        Of a tile.
    double_buffer:
        Whether the next tile's weights load while this one computes.
    psum_in:
        Whether the sums of a tile come back as the next one's, a cycle after they left.

    Raises
    ------
    ValueError
        `kept` is no matrix, or `vectors` not positive.
    """
    check_ndim(kept, 2, "kept")
    check_positive(vectors, "vectors")
    busy = (vectors - 1) * interval
    loaded, start, last = weight_transfers, 0, 0
    for column in kept.sum(axis=0).tolist():
        for tile in range(column):
            # Not before the weights are there, the vector before has passed, and its own sums are back.
            begin = max(loaded, last)
            start = max(begin, start + latency + 1) if tile and psum_in else begin
            loaded = start + (0 if double_buffer else busy) + released + weight_transfers
            last = start + busy + interval
    return last - interval + latency + 1 if kept.any() else 0
