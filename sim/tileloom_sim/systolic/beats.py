"""Vectors of words to bus transfers and back, for whole matrices at a time.

A transfer ("beat") is a row of uint32, its first word the least significant 32 bits of the bus: the layout in
which the compiled harness reads them from files and Verilator keeps them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.systolic.config import WORD_BITS, Port, SystolicConfig
from tileloom_golden.checks import Words
from tileloom_golden.words import packed, unpacked

Beats = npt.NDArray[np.uint32]


def pack(vectors: Words, width: int) -> Beats:
    """Return vectors (n x elements, words of ``width`` bits) as n beats, element 0 least significant.

    Bits above the elements are 0.
    """
    raw = packed(vectors, width)
    return np.pad(raw, ((0, 0), (0, -raw.shape[1] % 4))).view("<u4")


def unpack(beats: Beats, elements: int, width: int) -> Words:
    """Return the vectors (n x elements) that n beats hold, as ``pack`` lays them out."""
    return unpacked(np.ascontiguousarray(beats, "<u4").view(np.uint8), width, elements)


def weight_beats(config: SystolicConfig, tiles: Words) -> Beats:
    """Return tiles of weights (n x rows x columns words) as beats, in the order of transfer."""
    width = config.weight.width
    rows = tiles.reshape(-1, config.columns)
    if config.port is Port.STREAM:
        return pack(rows, width)
    # A bus word starts with its first weight in the most significant bits, and its low bits may be unused.
    per_word = config.weights_per_word
    padded = np.pad(rows, ((0, 0), (0, -config.columns % per_word))).reshape(-1, per_word)
    unused = WORD_BITS - per_word * width
    words = pack(padded[:, ::-1], width)[:, 0]
    return np.left_shift(words, np.uint32(unused)).reshape(-1, 1)


def vector_beats(config: SystolicConfig, vectors: Words, width: int) -> Beats:
    """Return vectors (n x elements words) as beats: one each, or on the word port one for each element."""
    if config.port is Port.WORD:
        return pack(vectors.reshape(-1, 1), WORD_BITS)
    return pack(vectors, width)


def integers(beats: Beats) -> list[int]:
    """Return beats as Python integers."""
    raw: Any = np.ascontiguousarray(beats, "<u4")
    return [int.from_bytes(beat.tobytes(), "little") for beat in raw]
