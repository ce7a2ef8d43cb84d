"""Random tiles as jobs of an array behind registers: which go together, and what of them is sent."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tileloom.formats import FloatFormat, Format
from tileloom.systolic.config import SystolicConfig
from tileloom_golden import registers as common
from tileloom_golden.checks import Words
from tileloom_golden.systolic import registers as golden
from tileloom_golden.systolic.gemm import tile_result

from . import reference
from .tiles import Beat, Tile, feeds


@dataclass(frozen=True)
class Job:
    """Tiles of one number of vectors.

    Attributes
    ----------
    tiles:
        One or more.
    psum_in, keep:
        Bits of JOB. Without ``psum_in`` the tiles' partial sums are 0.
    kept:
        The job before kept its weights, which are those of the first tile.
    """

    tiles: Sequence[Tile]
    psum_in: bool
    keep: bool
    kept: bool

    @property
    def vectors(self) -> int:
        """Of each tile."""
        return len(self.tiles[0].x)


def cut(
    config: SystolicConfig, tiles: Sequence[Tile], rng: np.random.Generator, kept: Words | None = None
) -> list[Job]:
    """Return tiles as jobs; sums and weights of some are replaced, as their jobs want it.

    ``kept`` are weights of the first tile that the array has.
    """
    groups: list[list[Tile]] = []
    for tile in tiles:
        fits = groups and len(groups[-1][0].x) == len(tile.x)
        if fits and rng.random() < 0.8:
            groups[-1].append(tile)
        else:
            groups.append([tile])
    jobs: list[Job] = []
    for group in groups:
        if kept is not None:
            group[0] = replace(group[0], w=kept)
        psum_in, keep = (bool(bit) for bit in rng.integers(0, 2, 2))
        if not psum_in:
            group = [replace(tile, psum=np.zeros_like(tile.psum)) for tile in group]
        done = [
            replace(tile, result=tile_result(tile.x, tile.w, tile.psum, **reference.arithmetic(config)))
            for tile in group
        ]
        jobs.append(Job(done, psum_in, keep, kept is not None))
        kept = group[-1].w if keep else None
    return jobs


def job_feeds(config: SystolicConfig, jobs: Sequence[Job], rng: np.random.Generator) -> dict[str, list[Beat]]:
    """Return the beats of every stream, as ``tiles.feeds``; of some jobs TLAST comes anywhere."""
    streams: dict[str, list[Beat]] = {"weights": [], "activations": [], "psum_in": [], "results": []}
    for job in jobs:
        beats = feeds(config, job.tiles, rng)
        if job.kept:
            del beats["weights"][: config.rows]
        if not job.psum_in:
            beats["psum_in"] = []
        if rng.random() < 0.3:
            flips = rng.random(len(beats["activations"])) < 0.2
            marked = zip(beats["activations"], flips.tolist(), strict=True)
            beats["activations"] = [(data, last ^ flip) for (data, last), flip in marked]
        for name, sent in beats.items():
            streams[name] += sent
    return streams


def built(config: SystolicConfig) -> dict[int, int]:
    """Return what the registers say of how an array was built, by address (docs/registers.md)."""
    major, minor, patch = map(int, importlib.metadata.version("tileloom").split("."))
    broadcast = config.columns_per_register
    latency = config.multiply_stages + config.rows * config.add_stages + (config.columns - 1) // broadcast
    sums = _bits(config.accumulator)
    return {
        common.ID: 0x544C0101,
        common.VERSION: major << 16 | minor << 8 | patch,
        golden.SIZE: config.rows | config.columns << 8,
        golden.OPTIONS: (config.rounding.value == "nearest-even")
        | config.double_buffer << 1
        | bool(config.carry_save) << 2
        | config.gate_zeros << 3,
        golden.STAGES: config.multiply_stages
        | config.add_stages << 8
        | config.step_interval << 16
        | broadcast << 24,
        golden.LATENCY: latency + (1 if config.step_interval == 1 else 2),
        common.FORMATS_IN: _bits(config.activation) | _bits(config.weight) << 16,
        common.FORMATS_OUT: sums | sums << 16,
    }


def _bits(word_format: Format) -> int:
    exponent = word_format.exponent_bits if isinstance(word_format, FloatFormat) else 0
    return word_format.width | exponent << 8


def special(beat: int, elements: int, word_format: Format) -> bool:
    """Return whether a vector has infinity or NaN: an exponent of ones."""
    if not isinstance(word_format, FloatFormat):
        return False
    ones = (1 << word_format.exponent_bits) - 1
    shifts = (word_format.width * element + word_format.fraction_bits for element in range(elements))
    return any(beat >> shift & ones == ones for shift in shifts)
