"""Sparsifying a network: one entry for tiles of an array, N:M groups and blocks of an engine.

Weights lie as K x N (a matrix product) or as C_out x h x w x C_in (a convolution, OHWI; C_in of one group
where it is grouped). Tiles are those of the matrix that im2col multiplies with, its K in the order of h, w,
C_in; blocks are b_k input by b_n output channels with all taps, as the engine has them; a group of N:M
follows an output channel's K. All layers are ranked together, so that one with small weights loses more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom_golden.checks import refuse
from tileloom_golden.engine.masks import block_scores, choose_blocks
from tileloom_golden.systolic.prune import tile_norms
from tileloom_golden.xfu.sparsity import prune_nm

from .sparsity import Kind, Sparsity
from .weights import as_matrix, expand_groups, from_matrix, own_groups, padded

Scope = Literal["model", "layer"]


@dataclass(frozen=True, eq=False)
class Sparsified:
    """A layer after it, and what was removed.

    Attributes
    ----------
    weights:
        A copy, of the same shape and dtype.
    kept:
        Which tiles or blocks are left, along K x along N; those between groups of a convolution are not. None
        for N:M.
    units, removed:
        Tiles, blocks, or weights of an N:M layer, without those between groups; and how many of them were
        removed that were not zero before.
    lost:
        Share of the layer's L1 norm that went.
    """

    weights: npt.NDArray[Any]
    kept: npt.NDArray[np.bool_] | None
    units: int
    removed: int
    lost: float


def sparsify(
    layers: Mapping[str, npt.NDArray[Any]],
    sparsity: Sparsity,
    size: tuple[int, int] | None = None,
    *,
    groups: Mapping[str, int] | None = None,
    scope: Scope = "model",
) -> dict[str, Sparsified]:
    """Remove the least important tiles, blocks or weights of layers.

    Parameters
    ----------
    layers:
        Weights by name, K x N or C_out x h x w x C_in, floating or signed integer dtype.
    sparsity:
        What to remove.
    size:
        Of a tile or block, along K and along N: the array's rows and columns, the engine's k and n. None for
        N:M.
    groups:
        Of convolutions that have more than one. Tiles and blocks between groups are not there and count
        neither as kept nor as removed.
    scope:
        "model" ranks the tiles or blocks of all layers together, "layer" removes the share from each.

    Returns
    -------
    dict[str, Sparsified]
        Of each layer. Units that are zero already are the first to go, and are not counted as removed.
        Between equal scores the earlier layer's goes, and in a layer the one with the smaller index row by
        row.

    Raises
    ------
    UserError
        Weights that are NaN, infinite or of a wrong dtype or shape; the message begins with the layer's name.
    """
    groups = groups or {}
    for name, weights in layers.items():
        _guarded(name, _check, weights)
    if sparsity.kind == "nm":
        assert sparsity.m is not None
        return {
            name: _guarded(name, _prune_nm, weights, sparsity.m, groups.get(name, 1))
            for name, weights in layers.items()
        }
    assert sparsity.share is not None and size is not None
    ranked = {
        name: _guarded(name, _scores, weights, sparsity, size, groups.get(name, 1))
        for name, weights in layers.items()
    }
    there = {name: scores[present] for name, (scores, present) in ranked.items()}
    if scope == "model":
        chosen = choose_blocks(there, sparsity.share)
    else:
        chosen = {name: choose_blocks({name: each}, sparsity.share)[name] for name, each in there.items()}
    done = {}
    for name, weights in layers.items():
        _, present = ranked[name]
        kept = np.zeros(present.shape, np.bool_)
        kept[present] = chosen[name]
        mask = _elements(kept, weights, sparsity, size, groups.get(name, 1))
        pruned = np.where(mask, weights, weights.dtype.type(0))
        removed = int(_occupied(weights, sparsity, size, groups.get(name, 1))[~kept].sum())
        done[name] = Sparsified(pruned, kept, int(present.sum()), removed, _lost(weights, pruned))
    return done


def _guarded(name: str, function: Any, *arguments: Any) -> Any:
    """Return what a function of the golden models does; its mistakes begin with the layer's name."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from None


def _check(weights: npt.NDArray[Any]) -> None:
    if weights.dtype.kind not in "fi":
        raise ValueError(f"weights has dtype {weights.dtype}, neither a float nor a signed integer")
    refuse(~np.isfinite(weights), "weights", "is NaN or infinite")


def _whole(weights: npt.NDArray[Any], kind: Kind, groups: int) -> npt.NDArray[Any]:
    """Return weights as units are cut from them: a matrix for tiles, groups expanded."""
    dense = expand_groups(weights, groups)
    return as_matrix(dense) if kind == "tiles" else dense


def _scores(
    weights: npt.NDArray[Any], sparsity: Sparsity, size: tuple[int, int], groups: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the score of each unit, and which there are: not those between groups."""
    whole = _whole(weights, sparsity.kind, groups)
    if sparsity.kind == "tiles":
        scores = tile_norms(whole, *size)
    else:
        scores = block_scores(whole, size, sparsity.criterion)
    if groups == 1:
        return scores, np.ones(scores.shape, np.bool_)
    return scores, _occupied(np.ones(weights.shape, np.int8), sparsity, size, groups)


def _occupied(
    weights: npt.NDArray[Any], sparsity: Sparsity, size: tuple[int, int], groups: int
) -> npt.NDArray[np.bool_]:
    """Return which units have a weight that is not zero."""
    there = (_whole(weights, sparsity.kind, groups) != 0).astype(np.int8)
    return np.asarray(
        (tile_norms(there, *size) if sparsity.kind == "tiles" else block_scores(there, size)) > 0
    )


def _elements(
    kept: npt.NDArray[np.bool_],
    weights: npt.NDArray[Any],
    sparsity: Sparsity,
    size: tuple[int, int],
    groups: int,
) -> npt.NDArray[np.bool_]:
    """Return which weights of a layer are in units that are kept, in the weights' shape."""
    spread = kept.repeat(size[0], 0).repeat(size[1], 1)
    dense_shape = (*weights.shape[:-1], weights.shape[-1] * groups)
    if weights.ndim == 2:
        return spread[: weights.shape[0], : weights.shape[1]]
    if sparsity.kind == "tiles":
        matrix = spread[: int(np.prod(dense_shape[1:])), : dense_shape[0]]
        return own_groups(from_matrix(matrix, dense_shape), groups)
    channels = spread[: dense_shape[3], : dense_shape[0]].T[:, None, None, :]
    return own_groups(np.broadcast_to(channels, dense_shape), groups)


def _prune_nm(weights: npt.NDArray[Any], m: int, groups: int) -> Sparsified:
    """Keep the largest of every M along each output channel's K, filled up with zeros to whole groups."""
    rows = as_matrix(weights).T
    pruned = from_matrix(prune_nm(padded(rows, m), m)[:, : rows.shape[1]].T, weights.shape)
    removed = int(np.count_nonzero(weights) - np.count_nonzero(pruned))
    return Sparsified(pruned, None, weights.size, removed, _lost(weights, pruned))


def _lost(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> float:
    total = float(np.abs(before.astype(np.float64)).sum())
    return 1 - float(np.abs(after.astype(np.float64)).sum()) / total if total else 0.0
