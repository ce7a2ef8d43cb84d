"""Which blocks of the weights to keep: those with the largest L1, L2 or variance, in a layer or a model.

A block's score is the mean over its elements, |w| for L1, w^2 for L2 (under a root), (w - mean)^2 for the
variance, so that blocks of any size, those cut short by an edge and those of other layers, compare.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..checks import refuse
from ..systolic.tiles import tile_grid
from .sparse import check_block, column_strips

Criterion = Literal["l1", "l2", "variance"]
CRITERIA: tuple[Criterion, ...] = ("l1", "l2", "variance")


def block_scores(
    weights: npt.ArrayLike, block: tuple[int, int] = (8, 8), criterion: Criterion = "l1"
) -> npt.NDArray[np.float64]:
    """Return how much each block of one layer weighs.

    Parameters
    ----------
    weights:
        K x N, or C_out x h x w x C_in of a convolution; floating or signed integer dtype.
    block:
        (b_k, b_n).
    criterion:
        "l1", "l2" or "variance".

    Returns
    -------
    npt.NDArray[np.float64]
        Block rows x block columns, 0 or more.

    Raises
    ------
    ValueError
        Dtype, dimensions, block or criterion are wrong, or a weight is NaN or infinite (the message has its
        index).
    """
    if criterion not in CRITERIA:
        raise ValueError(f"criterion is {criterion!r}, not one of {', '.join(CRITERIA)}")
    check_block(block)
    array = np.asarray(weights)
    if array.dtype.kind not in "fi":
        raise ValueError(f"weights has dtype {array.dtype}, neither a float nor a signed integer")
    if array.ndim not in (2, 4):
        raise ValueError(f"weights has shape {array.shape}, neither 2 nor 4 dimensions")
    if array.dtype.kind == "f":
        refuse(~np.isfinite(array), "weights", "is NaN or infinite")
    if array.ndim == 2:
        array = array.T[:, None, None, :]
    n, k = len(array), array.shape[3]
    grid = tile_grid(k, n, *block)
    # Elements that exist, of each row and column of a block; (block columns, block rows, 1, 1, b_k, b_n).
    rows, columns = (
        np.arange(count * side).reshape(count, side) < size
        for count, side, size in zip(grid, block, (k, n), strict=True)
    )
    scores = np.empty(grid[::-1])
    column = 0
    for tiles in column_strips(array, block):
        part = slice(column, column + len(tiles))
        there = rows[None, :, None, None, :, None] & columns[part, None, None, None, None, :]
        scores[part] = _scores(tiles.astype(np.float64), there, criterion)
        column += len(tiles)
    return scores.T


def _scores(
    tiles: npt.NDArray[np.float64], there: npt.NDArray[np.bool_], criterion: Criterion
) -> npt.NDArray[np.float64]:
    """Return the score of each block of a strip; `there` are its elements that are no filling."""
    elements = (2, 3, 4, 5)
    count = there.sum(axis=elements) * tiles.shape[2] * tiles.shape[3]
    if criterion == "l1":
        return np.asarray(np.abs(tiles).sum(axis=elements) / count)
    if criterion == "l2":
        return np.asarray(np.sqrt((tiles**2).sum(axis=elements) / count))
    # From the mean, not from sums of squares, which cancel.
    mean = (tiles.sum(axis=elements) / count)[..., None, None, None, None]
    return np.asarray((((tiles - mean) * there) ** 2).sum(axis=elements) / count)


def choose_blocks(
    scores: Mapping[str, npt.NDArray[np.float64]], sparsity: float
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which blocks are kept when the share ``sparsity`` of all, with the smallest scores, goes.

    Parameters
    ----------
    scores:
        Of each layer's blocks, any shape.
    sparsity:
        0 to 1; the number of blocks that go is rounded to the nearest, ties to even. Between equal scores the
        block of the earlier layer, with the smaller index row by row, goes.

    Raises
    ------
    ValueError
        `sparsity` is not 0 to 1.
    """
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparsity is {sparsity}, not 0 to 1")
    if not scores:
        return {}
    flat = np.concatenate([layer.ravel() for layer in scores.values()])
    keep = np.ones(flat.shape, np.bool_)
    keep[np.argsort(flat, kind="stable")[: round(sparsity * flat.size)]] = False
    ends = np.cumsum([layer.size for layer in scores.values()])
    parts = np.split(keep, ends[:-1])
    return {name: part.reshape(scores[name].shape) for name, part in zip(scores, parts, strict=True)}


def block_mask(
    weights: npt.ArrayLike, sparsity: float, block: tuple[int, int] = (8, 8), criterion: Criterion = "l1"
) -> npt.NDArray[np.bool_]:
    """Return which blocks of one layer are kept, block rows x block columns; errors as in the parts."""
    return choose_blocks({"": block_scores(weights, block, criterion)}, sparsity)[""]


def model_masks(
    layers: Mapping[str, Any], sparsity: float, block: tuple[int, int] = (8, 8), criterion: Criterion = "l1"
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return the masks of all layers of a model, chosen globally: one threshold for all blocks.

    Parameters
    ----------
    layers:
        Weights of each layer, as `block_scores` takes them.
    sparsity:
        Of all blocks of the model.
    block:
        (b_k, b_n).
    criterion:
        "l1", "l2" or "variance".

    Raises
    ------
    ValueError
        As in `block_scores`, the message begins with the layer's name, and as in `choose_blocks`.
    """
    scores = {}
    for name, weights in layers.items():
        try:
            scores[name] = block_scores(weights, block, criterion)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return choose_blocks(scores, sparsity)
