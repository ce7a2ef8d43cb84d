"""Block columns over the rows of a grid so that no row has more blocks than it must (docs/grid.md)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def balanced(counts: npt.NDArray[np.int64], sizes: Sequence[int], *, together: bool) -> list[int]:
    """Return block columns in the order in which rows of engines have them, one row behind the other.

    The fullest column that is left goes to the row with the fewest blocks that has room: R. Graham, "Bounds
    on multiprocessing timing anomalies" (SIAM J. Appl. Math. 1969), with a number of columns for each row.
    A row's own are in that order. Where the fullest row would not have fewer blocks, columns stay as they
    are.

    Parameters
    ----------
    counts:
        Kept blocks of each column.
    sizes:
        Columns of each row, all of them.
    together:
        Rows wait for one another in each column: those that they have at once are to be alike.
    """
    falling = np.argsort(-counts, kind="stable").tolist()
    rows: list[list[int]] = [[] for _ in sizes]
    load = [0] * len(sizes)
    for place, column in enumerate(falling):
        free = [row for row, size in enumerate(sizes) if len(rows[row]) < size]
        row = place % len(sizes) if together else min(free, key=load.__getitem__)
        rows[row].append(column)
        load[row] += int(counts[column])
    found = [column for row in rows for column in row]
    as_it_is = list(range(len(counts)))
    return (
        found
        if _cost(counts, found, sizes, together) < _cost(counts, as_it_is, sizes, together)
        else as_it_is
    )


def _cost(counts: npt.NDArray[np.int64], order: Sequence[int], sizes: Sequence[int], together: bool) -> int:
    """Return the blocks that the fullest row has; or of columns at the same place, the fullest of each."""
    rows = np.split(counts[list(order)], np.cumsum(sizes)[:-1])
    return int(np.max(rows, axis=0).sum()) if together else max(int(row.sum()) for row in rows)
