"""Sparsity that weights have already: zeros, N:M groups, and empty tiles or blocks.

Layouts are those of `sparsify`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom_golden.integers import PART
from tileloom_golden.systolic.prune import tile_norms
from tileloom_golden.xfu.sparsity import GROUPS

from .weights import as_matrix, padded


@dataclass(frozen=True)
class Found:
    """What a layer's weights are.

    Attributes
    ----------
    weights, zeros:
        How many there are, and how many of them are zero.
    m:
        The largest M of 4, 8 and 16 of which they are 1:M; None if of none.
    """

    weights: int
    zeros: int
    m: int | None


def recognise(weights: npt.NDArray[Any]) -> Found:
    """Return which sparsity a layer has.

    Parameters
    ----------
    weights:
        K x N, or C_out x h x w x C_in (of one group); any dtype.

    Returns
    -------
    Found
        Its `m` is of groups along each output channel's K, the last of which may be cut short. Fewer than M
        weights of an output channel are no sparsity, however many are zero.
    """
    rows = as_matrix(weights).T
    sparse, nonzeros = [m for m in GROUPS if rows.shape[1] >= m], 0
    together = max(1, PART // max(1, rows.shape[1]))
    for begin in range(0, len(rows), together):
        there = rows[begin : begin + together] != 0
        nonzeros += int(np.count_nonzero(there))
        sparse = [m for m in sparse if _groups_have_one(there, m)]
    return Found(rows.size, rows.size - nonzeros, max(sparse, default=None))


def _groups_have_one(rows: npt.NDArray[np.bool_], m: int) -> bool:
    """Return whether no group of M along a row has more than one non-zero."""
    return not (padded(rows, m).reshape(len(rows), -1, m).sum(axis=2, dtype=np.uint8) > 1).any()


def empty_units(weights: npt.NDArray[Any], size: tuple[int, int], *, blocks: bool = False) -> tuple[int, int]:
    """Return how many tiles, or blocks, have no weight but zeros, and how many there are.

    Parameters
    ----------
    weights:
        K x N, or C_out x h x w x C_in with the groups expanded: what is between groups is zero and counts.
    size:
        Along K and along N: the array's rows and columns, the engine's k and n.
    blocks:
        Blocks of the engine, each with all taps of its channels; else tiles of the matrix.
    """
    occupied = weights != 0
    matrix = occupied.any(axis=(1, 2)).T if blocks and weights.ndim == 4 else as_matrix(occupied)
    norms = tile_norms(matrix.astype(np.int8), *size)
    return int(np.count_nonzero(norms == 0)), norms.size
