"""Random work for one array: adversarial tiles of weights with their vectors, and what must come of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tileloom.systolic.config import Port, SystolicConfig
from tileloom_golden.checks import Words
from tileloom_golden.systolic.gemm import tile_result

from . import beats, reference
from .stimulus import float_words, gemm_words, integer_words

Beat = tuple[int, int]
"""Data and ``last`` of one transfer; ``last`` is 0 on streams without one."""


@dataclass(frozen=True)
class Tile:
    """One tile of weights and its vectors, as words.

    Attributes
    ----------
    x, w, psum, result:
        M x rows, rows x columns, M x columns, M x columns.
    """

    x: Words
    w: Words
    psum: Words
    result: Words


def random_tiles(config: SystolicConfig, lengths: Sequence[int], rng: np.random.Generator) -> list[Tile]:
    """Return a tile for each of ``lengths``, which are numbers of vectors."""
    return [_tile(config, vectors, rng) for vectors in lengths]


def _tile(config: SystolicConfig, vectors: int, rng: np.random.Generator) -> Tile:
    rows, columns = config.rows, config.columns
    x, w, psum = gemm_words(
        rng, (vectors, rows, columns), config.activation, config.weight, config.accumulator
    )
    kind = rng.integers(0, 5)
    if kind == 0:  # nothing coordinated: the whole range of every format, and infinity coming in
        x = float_words(rng, config.activation, x.shape)
        psum = float_words(rng, config.accumulator, psum.shape, infinity=True)
    elif kind == 1 and hasattr(config.weight, "bits"):
        w = integer_words(rng, config.weight.bits, w.shape)
    elif kind == 2 and rng.random() < 0.5:
        w = np.zeros_like(w)
    if config.port is Port.WORD:
        psum = np.zeros_like(psum)
    return Tile(x, w, psum, tile_result(x, w, psum, **reference.arithmetic(config)))


def feeds(config: SystolicConfig, tiles: Sequence[Tile], rng: np.random.Generator) -> dict[str, list[Beat]]:
    """Return the beats of every stream, by its name: what to send, and under ``results`` what must come."""
    streams: dict[str, list[Beat]] = {"weights": [], "activations": [], "psum_in": [], "results": []}
    for tile in tiles:
        streams["weights"] += _beats(beats.weight_beats(config, tile.w[None]))
        x = beats.vector_beats(config, tile.x, config.activation.width)
        marks = np.zeros(len(x), int)
        if config.port is Port.WORD:  # on the other words of a vector `last` must not matter
            marks = rng.integers(0, 2, len(x))
            marks[config.rows - 1 :: config.rows] = 0
        marks[-1] = 1
        streams["activations"] += _beats(x, marks)
        width = config.accumulator.width
        results = beats.vector_beats(config, tile.result, width)
        streams["results"] += _beats(results, np.arange(len(results)) == len(results) - 1)
        if config.port is Port.STREAM:
            streams["psum_in"] += _beats(beats.vector_beats(config, tile.psum, width))
    if config.port is Port.WORD:
        del streams["psum_in"]
    return streams


def _beats(data: beats.Beats, last: object = None) -> list[Beat]:
    marks = [0] * len(data) if last is None else [int(mark) for mark in np.asarray(last)]
    return list(zip(beats.integers(data), marks, strict=True))
