"""Lanes to lanes and back: bit ``l % 64`` of word ``l // 64`` of a net is its value in lane ``l``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tileloom_golden import words as golden_words

from .boolean import Lanes

Bools = npt.NDArray[np.bool_]

LANES = 64
"""Lanes of a word."""


def words_of(lanes: int) -> int:
    """Return how many words ``lanes`` take."""
    return -(-lanes // LANES)


def to_nets(bits: Bools) -> Lanes:
    """Return lanes x nets of bits as nets x words; lanes that fill the last word up are 0."""
    filled = np.pad(bits, ((0, -len(bits) % LANES), (0, 0)))
    return np.packbits(np.ascontiguousarray(filled.T), axis=1, bitorder="little").view(np.uint64)


def to_lanes(nets: Lanes, lanes: int) -> Bools:
    """Return nets x words as lanes x nets of bits, the first ``lanes`` of them."""
    raw = np.ascontiguousarray(nets).view(np.uint8)
    return np.unpackbits(raw, axis=1, bitorder="little")[:, :lanes].T.astype(np.bool_)


def of_words(values: npt.NDArray[np.uint64], width: int) -> Lanes:
    """Return lanes x elements of words of ``width`` bits as nets x words, the first element's bits first."""
    values = values.reshape(len(values), -1)
    raw = golden_words.packed(values, width)
    bits = np.unpackbits(raw.view(np.uint8).reshape(len(values), -1), axis=1, bitorder="little")
    return to_nets(bits[:, : values.shape[1] * width].astype(np.bool_))


def as_words(nets: Lanes, lanes: int, width: int) -> npt.NDArray[np.uint64]:
    """Return what ``of_words`` made nets of: lanes x elements."""
    bits = to_lanes(nets, lanes)
    raw = np.packbits(bits, axis=1, bitorder="little")
    return golden_words.unpacked(np.ascontiguousarray(raw), width, bits.shape[1] // width)


def one(values: Bools) -> Lanes:
    """Return a bit for each lane as the words of one net, 1 x words."""
    return to_nets(values[:, None])
