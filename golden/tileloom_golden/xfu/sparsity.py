"""1:M sparse INT8 matrices: pruning by magnitude, and non-zeros with their offsets.

Daghero et al., "Lightweight Software Kernels and Hardware Extensions for Efficient Sparse DNNs on MCUs":
of every M weights that follow each other along a row at most one is not zero. A row is an output channel
of a layer, its columns the reduction; for a convolution they are fy, fx, c in the order of im2col. Kept
of each group of M are its non-zero and that weight's offset in the group. A group of zeros is a weight 0
at offset 0. `packing` puts both into memory.

    group         0                 1                 2
    row of 1:4    0   0  17   0  |  -5  0   0   0  |  0   0   0   0     17 -5 0 at offsets 2 0 0
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, refuse
from ..integers import PART, check_int8

GROUPS = (4, 8, 16)
"""The M of 1:M that kernels and instructions exist for."""


def check_m(m: int) -> None:
    """Raise ValueError unless M is of `GROUPS`."""
    if m not in GROUPS:
        raise ValueError(f"m is {m!r}, not 4, 8 or 16")


def prune_nm(weights: npt.ArrayLike, m: int, n: int = 1) -> npt.NDArray[Any]:
    """Keep of every group of M weights the N of largest magnitude, the first of equals; zero the others.

    >>> prune_nm(np.array([[3, -9, 1, 9, 0, 0, 2, 1]]), 4).tolist()
    [[0, -9, 0, 0, 0, 0, 2, 0]]
    >>> prune_nm(np.array([[3, -9, 1, 9, 0, 0, 2, 1]]), 4, 2).tolist()
    [[0, -9, 0, 9, 0, 0, 2, 1]]

    Parameters
    ----------
    weights:
        Rows x columns, a floating or signed integer dtype.
    m:
        4, 8 or 16.
    n:
        1 to M.

    Returns
    -------
    A pruned copy of the same shape and dtype.

    Raises
    ------
    ValueError
        Dtype, dimensions, M or N are wrong, columns are not a multiple of M (the message has the
        first group that is cut short), or a weight is NaN or infinite (the message has its index).
    """
    array = np.asarray(weights)
    if array.dtype.kind not in "fi":
        raise ValueError(f"weights has dtype {array.dtype}, neither a float nor a signed integer")
    groups = _groups(array, m)
    refuse(~np.isfinite(array), "weights", "is NaN or infinite")
    # In float64, where the magnitude of -128 does not overflow.
    magnitudes = np.abs(groups.astype(np.float64))
    _check_n(n, m)
    if n == 1:
        kept = np.arange(m) == magnitudes.argmax(axis=2)[..., None]
    else:
        order = np.argsort(-magnitudes, axis=2, kind="stable")
        kept = np.zeros(groups.shape, np.bool_)
        np.put_along_axis(kept, order[..., :n], True, axis=2)
    return np.where(kept, groups, array.dtype.type(0)).reshape(array.shape)


def split_nm(weights: npt.ArrayLike, m: int, n: int) -> npt.NDArray[np.int8]:
    """Return N matrices, 1:M each, whose sum an N:M matrix is: groups' first non-zeros, their second ones.

    >>> split_nm(np.array([[3, -9, 0, 0, 0, 0, 2, 0]]), 4, 2).tolist()
    [[[3, 0, 0, 0, 0, 0, 2, 0]], [[0, -9, 0, 0, 0, 0, 0, 0]]]

    Parameters
    ----------
    weights:
        Rows x columns of any integer dtype, N:M sparse, -128 to 127.
    m:
        4, 8 or 16.
    n:
        1 to M.

    Returns
    -------
    int8, N x rows x columns.

    Raises
    ------
    ValueError
        As `compress`, or N is out of range; the message has the first group with more than N non-zeros.
    """
    matrix = check_int8(weights, "weights", 2)
    groups = _groups(matrix, m)
    _check_n(n, m)
    rank = np.cumsum(groups != 0, axis=2)
    if (rank[..., -1] > n).any():
        row, group = np.unravel_index(int(np.argmax(rank[..., -1] > n)), rank.shape[:2])
        raise ValueError(
            f"weights[{row}, {group * m}:{(group + 1) * m}] has {rank[row, group, -1]} non-zeros: {n}:{m} "
            f"allows {n}"
        )
    parts = [np.where((rank == part) & (groups != 0), groups, np.int8(0)) for part in range(1, n + 1)]
    return np.stack(parts).reshape(n, *matrix.shape)


def compress(weights: npt.ArrayLike, m: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
    """Return the non-zeros and their offsets, both rows x columns / M: what is packed, in no layout yet.

    Parameters
    ----------
    weights:
        Rows x columns of any integer dtype, 1:M sparse, -128 to 127.
    m:
        4, 8 or 16.

    Raises
    ------
    ValueError
        Dtype, dimensions or M are wrong, a weight does not fit INT8 (the message has its
        index), columns are not a multiple of M, or a group has more than one non-zero (the message
        has the first such group).
    """
    groups = _groups(check_int8(weights, "weights", 2), m)
    values, offsets = np.empty(groups.shape[:2], np.int8), np.empty(groups.shape[:2], np.uint8)
    together = max(1, PART // max(1, groups[:1].size))
    for begin in range(0, len(groups), together):
        some = slice(begin, begin + together)
        there = groups[some] != 0
        nonzeros = there.sum(axis=2, dtype=np.uint8)
        if (nonzeros > 1).any():
            row, group = np.unravel_index(int(np.argmax(nonzeros > 1)), nonzeros.shape)
            where = f"weights[{begin + row}, {group * m}:{(group + 1) * m}]"
            raise ValueError(
                f"{where} has {nonzeros[row, group]} non-zeros: 1:{m} allows one (prune_nm makes it so)"
            )
        found = there.argmax(axis=2)
        offsets[some] = found
        values[some] = np.take_along_axis(groups[some], found[..., None], axis=2)[..., 0]
    return values, offsets


def expand(values: npt.NDArray[np.int8], offsets: npt.NDArray[np.uint8], m: int) -> npt.NDArray[np.int8]:
    """Return the dense matrix, rows x columns, that `compress` took apart."""
    check_m(m)
    dense = np.where(np.arange(m) == offsets[..., None], values[..., None], np.int8(0))
    return dense.reshape(values.shape[0], -1)


def _check_n(n: int, m: int) -> None:
    if not 1 <= n <= m:
        raise ValueError(f"n is {n!r}, not 1 to {m}")


def _groups(array: npt.NDArray[Any], m: int) -> npt.NDArray[Any]:
    """Return a matrix as rows x groups x M."""
    check_m(m)
    check_ndim(array, 2, "weights")
    rows, columns = array.shape
    if columns % m:
        start = columns - columns % m
        raise ValueError(
            f"weights has {columns} columns, not a multiple of {m}: group weights[0, {start}:{start + m}] "
            f"has {columns % m}"
        )
    return array.reshape(rows, columns // m, m)
