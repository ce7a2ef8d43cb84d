"""How a tile is stored: for each rank what it keeps besides the values, in items of so many bits.

The formats are Sparseloop's (MICRO 2022, section 3.2), one for each rank of a tile: uncompressed (U), bitmask
(B), coordinate and payload (CP), run lengths (RLE), uncompressed offset pairs (UOP).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from .density import Density, Floats


class Kind(enum.Enum):
    """What a rank keeps."""

    U = "U"
    B = "B"
    CP = "CP"
    RLE = "RLE"
    UOP = "UOP"


COMPRESSED = (Kind.B, Kind.CP, Kind.RLE)
"""The kinds whose coordinates without a non-zero have no payload."""


@dataclass(frozen=True)
class Rank:
    """The format of one rank.

    Attributes
    ----------
    kind:
        What it keeps.
    bits:
        Of an item; None: one word of the level's metadata (of a bitmask: one bit).
    dimensions:
        Whose loops make up this rank; empty: from the inside the next loop that is not trivial, and the
        outermost rank all that are left.
    """

    kind: Kind
    bits: int | None = None
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """The formats of a tensor's ranks at a level, the outermost first."""

    ranks: tuple[Rank, ...]

    @property
    def compressed(self) -> bool:
        """Whether zeros take no storage."""
        return any(rank.kind in COMPRESSED for rank in self.ranks)

    def widths(self, word: int) -> tuple[int, ...]:
        """Return the bits of an item of each rank, where a word of metadata has ``word`` bits."""
        return tuple(rank.bits or (1 if rank.kind is Kind.B else max(word, 1)) for rank in self.ranks)


def items(form: Format, tiles: Floats, law: Density) -> Floats:
    """Return how many items each rank keeps (..., ranks).

    Parameters
    ----------
    form:
        The format.
    tiles:
        Extents (..., ranks + 1, axes): the whole tile, then the part below one coordinate of each rank of the
        format, down to a word. A rank whose part is as large as what it is a part of is trivial: it keeps
        nothing.
    law:
        Of the tensor's non-zeros.
    """
    words = np.prod(tiles, axis=-1, dtype=np.float64)
    kept = [1 - law.empty(tiles[..., depth, :]) for depth in range(len(form.ranks))]
    result = np.zeros((*tiles.shape[:-2], len(form.ranks)))
    fibers = np.ones(tiles.shape[:-2])
    for depth, rank in enumerate(form.ranks):
        shape = words[..., depth] / words[..., depth + 1]
        total = words[..., 0] / words[..., depth + 1]
        last = depth + 1 == len(form.ranks)
        there = total * (law.share * words[..., depth + 1] if last else kept[depth + 1])
        present = fibers * shape if rank.kind is Kind.U else np.minimum(there, fibers * shape)
        if rank.kind is Kind.UOP:
            count = fibers * (shape + 1)
        elif rank.kind is Kind.B:
            count = fibers * shape
        elif rank.kind is Kind.CP:
            count = np.ceil(present - 1e-9)
        else:
            count = present if rank.kind is Kind.RLE else np.zeros_like(shape)
        nothing = (shape <= 1) & (not last or rank.kind is Kind.UOP)
        result[..., depth] = np.where(nothing, 0.0, count)
        fibers = present
    return result
