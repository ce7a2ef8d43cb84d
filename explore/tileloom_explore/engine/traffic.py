"""What an engine does for a program: tiles computed, what crosses its ports, its memories' accesses.

Networks, the analytical model and rooflines ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig, EnginePort
from tileloom_golden.engine.memory_map import kept_blocks
from tileloom_golden.engine.program import Program
from tileloom_golden.engine.sparse import INDEX_BYTES
from tileloom_golden.engine.streams import to_blocks
from tileloom_golden.estimate.clock import drained, tiles_of


@dataclass(frozen=True, kw_only=True)
class EngineTraffic:
    """Counts of a program.

    Attributes
    ----------
    commands:
        Of twelve slots.
    tiles:
        Of A that the core multiplies by a block, one in a cycle.
    blocks:
        Taken by the core, each tap's one.
    block_beats:
        Of the weights' bus, without headers: as many cycles the core takes weights.
    weight_beats:
        With headers.
    entries:
        Of the index.
    units:
        Of A that come in.
    filled:
        Units written into the A buffer, padding among them.
    drained:
        Tiles of sums that are read to be written out.
    rows:
        Transfers of results, ``drain_rows`` rows each.
    weights, index, activations, results:
        Bytes, of weights with their headers.
    read_beats:
        Of the bus of an AXI4 engine: weights, index and activations, each in whole beats; descriptors, 64
        bytes for each command, are left out.
    """

    commands: int
    tiles: int
    blocks: int
    block_beats: int
    weight_beats: int
    entries: int
    units: int
    filled: int
    drained: int
    rows: int
    weights: int
    index: int
    activations: int
    results: int
    read_beats: int

    def transfers(self, config: EngineConfig) -> dict[str, int]:
        """Return beats by port, of an AXI4 master without descriptors."""
        if config.port is EnginePort.AXI4:
            return {"read_bus": self.read_beats, "write_bus": -(-self.results * 8 // config.bus)}
        return {
            "commands": self.commands,
            "index": self.entries,
            "weights": self.weight_beats,
            "activations": self.units,
            "results": self.rows,
        }

    def actions(self, config: EngineConfig) -> dict[str, int]:
        """Return units of the A buffer, tiles of the accumulators, blocks of the core, multiplications."""
        return {
            "a_buffer_written": self.filled,
            "a_buffer_read": self.tiles * config.m,
            "accumulators_written": self.tiles,
            "accumulators_read": self.tiles + self.drained,
            "blocks_taken": self.blocks,
            "multiplications": self.tiles * config.m * config.k * config.n,
        }


def engine_traffic(
    config: EngineConfig,
    program: Program,
    kept: npt.NDArray[np.bool_],
    activations: npt.NDArray[Any] | None = None,
) -> EngineTraffic:
    """Return the counts of a program.

    Parameters
    ----------
    config:
        The engine.
    program:
        Of a layer.
    kept:
        Which blocks of the weights there are, block rows x block columns.
    activations:
        H x W x C, for an engine that skips their tiles of zeros; None is none of zeros.
    """
    size, layer = program.size, program.layer
    kinds, blocked = program.kinds, None
    if activations is not None and size.activation_mask:
        kinds = [(group, 1) for group in program.groups]
        blocked = to_blocks(np.reshape(activations, (layer.height, layer.width, layer.channels)), size.k) != 0
    tiles = taken = headers = entries = units = filled = drains = rows = results = read = 0
    for group, count in kinds:
        for load, conv in group.parts:
            mask = kept_blocks(conv, kept)
            taps = conv.kernel[0] * conv.kernel[1]
            blocks = int(mask.sum()) * taps
            tiles += count * taps * int(tiles_of(load, conv, size, blocked) @ mask.sum(axis=1))
            taken += count * blocks
            headers += count * conv.columns
            # An empty column has an entry that says so.
            here = int(np.maximum(mask.sum(axis=0), 1).sum())
            entries += count * here
            inside = load.rows * load.width * load.blocks
            units += count * inside
            filled += count * load.padded[0] * load.padded[1] * load.blocks
            whole = blocks * size.block_beats + conv.columns * size.header_beats
            whole -= -inside * size.k * size.element_bits // size.bus
            read += count * (whole - (-here * 8 * INDEX_BYTES // size.bus))
        write = group.write
        drains += count * write.rows * -(-write.width // size.m) * write.columns
        rows += count * drained(group, size) * write.columns
        results += count * drained(group, size) * size.drain_rows * write.columns
    beats = taken * size.block_beats + headers * size.header_beats
    return EngineTraffic(
        commands=len(program.commands()),
        tiles=tiles,
        blocks=taken,
        block_beats=taken * size.block_beats,
        weight_beats=beats,
        entries=entries,
        units=units,
        filled=filled,
        drained=drains,
        rows=rows,
        weights=beats * size.bus // 8,
        index=entries * INDEX_BYTES,
        activations=units * size.k * size.element_bits // 8,
        results=results * size.n * config.result_bits // 8,
        read_beats=read,
    )
