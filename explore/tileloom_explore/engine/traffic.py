"""What an engine's core computes for a program, and what crosses its ports: tiles, beats, bytes.

Networks and rooflines ask here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig
from tileloom_golden.engine.program import Program
from tileloom_golden.engine.sparse import INDEX_BYTES


@dataclass(frozen=True)
class EngineTraffic:
    """Counts of a program.

    Attributes
    ----------
    tiles:
        That the core computes, one in a cycle.
    block_beats:
        Of the weights' bus, without headers: as many cycles the core takes weights.
    weights, index, activations, results:
        Bytes, of weights with their headers.
    read_beats:
        Of the bus of an AXI4 engine: weights, index and activations, each in whole beats; descriptors, 64
        bytes for each command, are left out.
    """

    tiles: int
    block_beats: int
    weights: int
    index: int
    activations: int
    results: int
    read_beats: int


def engine_traffic(config: EngineConfig, program: Program, kept: npt.NDArray[np.bool_]) -> EngineTraffic:
    """Return the counts of a program with the blocks that are ``kept``, block rows x block columns."""
    size = program.size
    tiles = block_beats = beats = entries = activations = results = read = 0
    for group, count in program.runs:
        for load, conv in group.parts:
            mask = kept[conv.block : conv.block + conv.blocks, conv.column : conv.column + conv.columns]
            blocks = int(mask.sum()) * conv.kernel[0] * conv.kernel[1]
            tiles += count * blocks * conv.rows * conv.tiles
            whole = blocks * size.block_beats + conv.columns * size.header_beats
            # An empty column has an entry that says so.
            here = int(np.maximum(mask.sum(axis=0), 1).sum())
            bits = load.rows * load.width * load.blocks * size.k * size.element_bits
            block_beats += count * blocks * size.block_beats
            beats += count * whole
            entries += count * here
            activations += count * bits
            read += count * (whole - (-bits // size.bus) - (-here * 8 * INDEX_BYTES // size.bus))
        write = group.write
        rows = write.rows * -(-write.width // size.drain_rows) * size.drain_rows
        results += count * rows * write.columns * size.n * config.result_bits
    weights = beats * size.bus // 8
    index = entries * INDEX_BYTES
    return EngineTraffic(tiles, block_beats, weights, index, activations // 8, results // 8, read)
