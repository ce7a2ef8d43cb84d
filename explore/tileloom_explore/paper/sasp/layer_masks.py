"""What one ranking of all feed-forward tiles leaves of each matrix, as `examples/pruned_encoder.py` keeps it.

A file has an encoder's shape, how many tiles each matrix has left, and in how many of its columns of tiles:
the run time follows from these two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tileloom.errors import UserError
from tileloom_golden.systolic.tiles import tile_grid

from ..kept import plain_of, to_text
from .encoder import FEED_FORWARD, Encoder, Mask

Left = tuple[int, int]
"""Of a matrix: tiles, and columns of tiles with at least one."""


@dataclass(frozen=True)
class Point:
    """What is left for tiles of a size at a share pruned: for each block, by the product's name."""

    size: int
    share: float
    left: tuple[Mapping[str, Left], ...]


@dataclass(frozen=True)
class LayerMasks:
    """An encoder's shape and points.

    Attributes
    ----------
    network, command:
        What it is; what made the file.
    encoder:
        Its shape.
    points:
        See there.
    """

    network: str
    command: str
    encoder: Encoder
    points: tuple[Point, ...]

    def masks(self, size: int, share: float) -> list[dict[str, Mask]]:
        """Return masks with as many tiles and columns for each block.

        Raises UserError where there are none.
        """
        for point in self.points:
            if (point.size, point.share) == (size, share):
                shapes = {each.name: tile_grid(each.k, each.n, size, size) for each in self.encoder.products}
                return [
                    {name: _mask(shapes[name], *left) for name, left in block.items()} for block in point.left
                ]
        shares = sorted({point.share for point in self.points if point.size == size})
        raise UserError(f"tiles of {size} x {size}, {share:g} pruned: not measured; there are {shares}")

    def text(self) -> str:
        """Return it as JSON, a line for each point."""
        head = {"network": self.network, "command": self.command, "encoder": asdict(self.encoder)}
        return to_text(head, "points", map(asdict, self.points))


def read_masks(path: Path) -> LayerMasks:
    """Return what a file has. Raises UserError that names it where it is not such a file."""
    with plain_of(path, "examples/pruned_encoder.py writes") as plain:
        encoder = Encoder(**plain["encoder"])
        names = {each.name for each in encoder.products if each.layer == FEED_FORWARD}
        points = []
        for each in plain["points"]:
            left = tuple(
                {name: (int(left[0]), int(left[1])) for name, left in block.items()} for block in each["left"]
            )
            if len(left) != encoder.blocks or any(set(block) != names for block in left):
                raise ValueError("blocks")
            points.append(Point(each["size"], each["share"], left))
        found = LayerMasks(plain["network"], plain["command"], encoder, tuple(points))
        for each in points:
            found.masks(each.size, each.share)
    return found


def left_of(mask: Mask) -> Left:
    """Return what is left of a matrix."""
    return int(mask.sum()), int(mask.any(axis=0).sum())


def _mask(shape: tuple[int, int], tiles: int, columns: int) -> Mask:
    """Return a mask with so many tiles, at least one in each of so many columns."""
    # Tiles are filled in column by column from the right, after one for each column.
    mask = np.zeros(shape, bool)
    mask[0, shape[1] - columns :] = True
    further = np.zeros((columns, shape[0] - 1), bool)
    further.flat[: tiles - columns] = True
    mask[1:, shape[1] - columns :] = further.T[:, ::-1]
    if left_of(mask) != (tiles, columns):
        raise ValueError("tiles")
    return mask
