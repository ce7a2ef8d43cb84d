"""A layer on a configuration of a family: what hardware computes, what is prepared around it, what it costs.

Each family has its room beside this module, and in its `mapping` a `map_layer(config, layer)`. What hardware
lacks is done by preparing data, so that results come out right, and said as a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import family_of
from tileloom_golden.integers import PART

from ..cost import Cost, Run
from .layer import NetworkLayer
from .room import TooLargeError

Image = npt.NDArray[Any]
"""N x H x W x C, or results N x H_out x W_out x C_out, as the network has them."""


class RefusedError(UserError):
    """A layer that a configuration cannot take; the message names the layer and the reason."""


@dataclass(frozen=True, eq=False)
class Simulated:
    """A layer that ran in RTL, every word equal to the golden model's: results, cycles, words compared."""

    results: Image
    cycles: int
    compared: int


class Mapping(Protocol):
    """A layer on a configuration."""

    @property
    def notes(self) -> Sequence[str]:
        """What is prepared because the hardware does not do it."""

    @property
    def tables(self) -> dict[str, npt.NDArray[Any]]:
        """What the hardware is given besides weights, by name.

        `mask.N`: which tiles or blocks of the weights' part N are computed, along K x along N. Of each output
        channel `bias` (INT32 with all corrections of zero points, or float32) and, of an engine that
        requantises, `scale` (16 bits), `shift`, and `zero_point` where the engine adds it.
        """

    def compute(self, image: Image) -> Image:
        """Return the results for an image, by the golden model."""

    def simulate(self, image: Image) -> Simulated:
        """Return the results for an image from the RTL. Raises CheckError where a word differs."""

    def cost(self, image: tuple[int, ...]) -> Cost:
        """Return what an image of a shape takes."""

    def runs(self, image: tuple[int, ...]) -> list[Run]:
        """Return what hardware computes for an image of a shape, one after another."""


def map_layer(config: Config, layer: NetworkLayer) -> Mapping:
    """Return a layer on a configuration of any family. Raises RefusedError with the reason."""
    try:
        mapping: Mapping = family_of(config).room(str(__package__), "mapping").map_layer(config, layer)
    except TooLargeError as error:
        raise RefusedError(f"{layer.name}: {error}") from None
    return mapping


def kept_units(matrix: npt.NDArray[Any], size: tuple[int, int], least: float = 0) -> npt.NDArray[np.bool_]:
    """Return which tiles of a K x N matrix, or blocks, have a magnitude above ``least``."""
    (rows, columns), (length, outputs) = size, matrix.shape
    across, together = np.arange(0, outputs, columns), rows * max(1, PART // (rows * outputs))
    found = []
    for begin in range(0, length, together):
        part = matrix[begin : begin + together]
        occupied = (part > least) | (part < -least)
        down = np.logical_or.reduceat(occupied, np.arange(0, len(part), rows), axis=0)
        found.append(np.logical_or.reduceat(down, across, axis=1))
    return np.concatenate(found)


def within(weights: npt.NDArray[Any], low: int, high: int) -> tuple[npt.NDArray[Any], Any]:
    """Return integer weights as sums of ones in a range, and which input channel each of these goes with.

    Weights less their zero point need 9 bits. A channel of them that leaves the range is there twice, or more
    often, with parts that add up; the activations are then repeated, and every sum stays exact.

    Parameters
    ----------
    weights:
        C_out x h x w x C_in.
    low, high:
        The range, around 0.

    Returns
    -------
    tuple
        C_out x h x w x C_in', and (C_in',) indices of the input channels.
    """
    if weights.min(initial=0) >= low and weights.max(initial=0) <= high:
        return weights, np.arange(weights.shape[3])
    parts, channels = [], []
    rest, left = weights.astype(np.int16), np.arange(weights.shape[3])
    while left.size:
        part = np.clip(rest, low, high)
        parts.append(part)
        channels.append(left)
        more = (rest != part).any(axis=(0, 1, 2))
        rest, left = (rest - part)[..., more], left[more]
    return np.concatenate(parts, axis=3), np.concatenate(channels)
