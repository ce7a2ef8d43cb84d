"""How a layer's weights lie: as a convolution (C_out x h x w x C_in), as its matrix, with groups or without.

A convolution's matrix has a row for each (y, x, C_in) of the window, in that order, and a column for each
output channel: the product with im2col. A grouped convolution is a dense one whose weights between groups are
zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError

from .room import require_room


def as_matrix(weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return K x N of weights that are that already, or C_out x h x w x C_in without groups.

    Raises
    ------
    UserError
        Neither two nor four dimensions.
    """
    if weights.ndim == 2:
        return weights
    if weights.ndim == 4:
        return weights.reshape(len(weights), -1).T
    raise UserError(f"weights has shape {weights.shape}, neither K x N nor C_out x h x w x C_in")


def from_matrix(matrix: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return a matrix in the shape of the weights that `as_matrix` made it of."""
    return matrix if len(shape) == 2 else matrix.T.reshape(shape)


def expand_groups(weights: npt.NDArray[Any], groups: int) -> npt.NDArray[Any]:
    """Return a grouped convolution's weights as those of a dense one.

    Parameters
    ----------
    weights:
        C_out x h x w x C_in / groups; of a matrix, K x N, there is one group.
    groups:
        A divisor of C_out.

    Returns
    -------
    npt.NDArray[Any]
        C_out x h x w x C_in, zeros between groups.

    Raises
    ------
    UserError
        The groups are not a divisor of C_out, or the weights no convolution's; TooLargeError for a machine
        without room for them.
    """
    if groups == 1:
        return weights
    if weights.ndim != 4 or groups < 1 or len(weights) % groups:
        raise UserError(f"weights has shape {weights.shape}: no C_out x h x w x C_in of {groups} groups")
    outputs, height, width, inner = weights.shape
    each = outputs // groups
    shape = (outputs, height, width, groups * inner)
    require_room(f"weights of {groups} groups as dense ones", shape, item=weights.itemsize)
    dense = np.zeros((groups, each, height, width, groups, inner), weights.dtype)
    group = np.arange(groups)
    dense[group, :, :, :, group] = weights.reshape(groups, each, height, width, inner)
    return dense.reshape(outputs, height, width, groups * inner)


def own_groups(dense: npt.NDArray[Any], groups: int) -> npt.NDArray[Any]:
    """Return C_out x h x w x C_in / groups, each output channel's own group, of what `expand_groups` made."""
    if groups == 1:
        return dense
    outputs, height, width, channels = dense.shape
    split = dense.reshape(groups, outputs // groups, height, width, groups, channels // groups)
    group = np.arange(groups)
    return split[group, :, :, :, group].reshape(outputs, height, width, channels // groups)


def padded(rows: npt.NDArray[Any], multiple: int) -> npt.NDArray[Any]:
    """Return rows with zeros added up to a multiple of so many columns."""
    more = -rows.shape[1] % multiple
    return np.pad(rows, ((0, 0), (0, more))) if more else rows
