"""Layers on an engine: from arrays to its streams by the golden model, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.engine import core_timing
from tileloom_golden.engine.program import SLOTS, EngineSize, Program
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import (
    activation_units,
    from_units,
    index_entries,
    packet_ends,
    weight_beats,
)
from tileloom_golden.words import packed, unpacked

from .harness import Beats, EngineRun, LayerStreams

COMMAND_BYTES = 2 * SLOTS


def engine_size(config: EngineConfig) -> EngineSize:
    """Return the golden model's account of a configuration."""
    timing = core_timing(config)
    return EngineSize(
        m=config.m,
        k=config.k,
        n=config.n,
        element_bits=config.element_bits,
        weight_bits=config.weight_bits,
        bus=config.bus,
        a_words=config.a_words,
        acc_tiles=config.acc_tiles,
        weight_beats=config.weight_beats,
        drain_rows=config.drain_rows,
        requantise=bool(config.requantise),
        activation_mask=bool(config.activation_mask),
        block_interval=timing.block_interval,
        by_rows=config.core is Core.SYSTOLIC,
        block_latency=config.k + 3 if config.core is Core.SYSTOLIC else 0,
        hazard=timing.hazard,
        latency=timing.latency,
    )


def command_beats(commands: Sequence[Sequence[int]]) -> Beats:
    """Return commands, slots each, as transfers."""
    return np.array(commands, "<u2").view(np.uint8)


def index_beats(entries: npt.NDArray[np.uint16]) -> Beats:
    """Return entries of the index as transfers."""
    return entries.astype("<u2")[:, None].view(np.uint8)


def activation_beats(program: Program, activations: npt.NDArray[Any]) -> Beats:
    """Return what a program loads of activations, H x W x C, as transfers."""
    return packed(activation_units(program, activations), program.size.element_bits)


def layer_streams(
    program: Program,
    activations: npt.NDArray[Any],
    weights: BlockSparse,
    headers: npt.NDArray[np.uint64],
    *,
    waits: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0),
    seed: int = 0,
    abandoned: int = 0,
    entries: npt.NDArray[np.uint16] | None = None,
) -> LayerStreams:
    """Return the streams of a program.

    ``activations`` are H x W x C, INT8 or words of the activations' width; ``headers`` a word for each output
    channel (``tileloom_golden.engine.streams``); ``entries`` the index of a strip where it is not that of the
    weights; the others as in ``LayerStreams``.
    """
    index = index_entries(program, weights) if entries is None else np.tile(entries, len(program.groups))
    return LayerStreams(
        commands=command_beats(program.commands()),
        index=index_beats(index),
        weights=weight_beats(program, weights, headers),
        activations=activation_beats(program, activations),
        results=len(packet_ends(program)),
        waits=waits,
        seed=seed,
        abandoned=abandoned,
    )


def outputs(program: Program, run: EngineRun, bits: int) -> npt.NDArray[np.uint64]:
    """Return what an engine computed, H_out x W_out x N words of ``bits``: the engine's result_bits."""
    size = program.size
    units = unpacked(run.results, bits, size.drain_rows * size.n)
    return from_units(program, units.reshape(-1, size.drain_rows, size.n))
