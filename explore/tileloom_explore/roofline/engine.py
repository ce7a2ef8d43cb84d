"""A block-sparse engine, or a grid of them, as a machine: its memories and ports are the levels.

Cycles are the estimator's (docs/engine.md, Cycles); bytes are counted from the program, as the streams have
them. On a grid each engine has its own ports.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.formats import SignMagnitude
from tileloom_golden.engine.program import Layer, Program
from tileloom_golden.engine.sparse import INDEX_BYTES
from tileloom_golden.estimate.axi.bus import Bus
from tileloom_golden.estimate.engine import estimate
from tileloom_golden.estimate.useful import useful_weights
from tileloom_sim.engine.layers import engine_size

from ..engine.traffic import engine_traffic
from ..paper.grid import compiled, pieces
from .energy import INT8_MAC, Energies, float_operation
from .layers import Mask
from .point import Counts
from .roof import Level

SOURCE = "estimated"
"""Where cycles are from."""


def operations(config: EngineConfig) -> int:
    """Return A_op of one engine: two for each multiplier."""
    return 2 * config.m * config.k * config.n


def operation_energy(config: EngineConfig) -> float:
    """Return the default pJ per operation of the core."""
    if config.core is Core.DOT_PRODUCT:
        return INT8_MAC / 2
    return float_operation(config.activation, config.weight, config.accumulator)


def levels(config: EngineConfig, energies: Energies) -> tuple[Level, ...]:
    """Return the A buffer, the accumulators, then the ports, of one engine.

    The core reads a tile of A, and reads and writes a tile of sums, in each cycle. What fills the buffer and
    empties the accumulators is counted at the ports.
    """
    unit, row = config.k * config.element_bits / 8, config.n * config.result_bits / 8
    bandwidths = {
        "a_buffer": config.m * unit,
        "accumulators": 2 * config.m * config.n * config.sum_bits / 8,
    }
    if config.port is EnginePort.AXI4:
        bandwidths |= {"read_bus": config.bus / 8, "write_bus": config.bus / 8}
    else:
        bandwidths |= {
            "weights": config.bus / 8,
            "index": INDEX_BYTES,
            "activations": unit,
            "results": config.drain_rows * row,
        }
    return tuple(Level(name, width, energies.of_level(name)) for name, width in bandwidths.items())


def edges(config: EngineConfig, energies: Energies) -> int:
    """Return how many levels are outermost: the ports."""
    return len(levels(config, energies)) - 2


def element_bits(config: EngineConfig) -> tuple[int, int, int]:
    """Return the bits of a weight, an activation and a result."""
    return config.weight_bits, config.element_bits, config.result_bits


def mask_shape(config: EngineConfig, layer: Layer) -> tuple[int, int]:
    """Return the block rows and block columns of the weights."""
    return -(-layer.channels // config.k), -(-layer.outputs // config.n)


def counts(config: EngineConfig, layer: Layer, kept: Mask, grid: tuple[int, int] = (1, 1)) -> Counts:
    """Return what a layer takes with the blocks that are kept, on a grid of engines.

    Raises
    ------
    ValueError
        The layer does not fit the engine's buffers or commands.
    """
    size = engine_size(config)
    bus = Bus(burst_beats=config.burst_beats) if config.port is EnginePort.AXI4 else None
    moved: Counter[str] = Counter()
    longest = together = passes = 0
    for piece, columns, count in pieces(layer, grid, kept, size):
        program = compiled(piece, size)
        taken = estimate(program, kept[:, columns], bus=bus).cycles
        longest, together = max(longest, taken), together + count * taken
        tiles, bytes_of = traffic(config, program, kept[:, columns])
        passes += count * tiles
        moved.update({name: count * number for name, number in bytes_of.items()})
    useful = useful_weights(kept, (layer.channels, layer.outputs), (config.k, config.n))
    per_weight = layer.output[0] * layer.output[1] * layer.kernel[0] * layer.kernel[1]
    return Counts(
        cycles=longest,
        macs=useful * per_weight,
        dense_macs=layer.macs,
        passes=passes,
        moved=dict(moved),
        core_cycles=together,
    )


def traffic(config: EngineConfig, program: Program, kept: Mask) -> tuple[int, dict[str, int]]:
    """Return the tiles that the core computes for a program, and the bytes that move at each level."""
    found, size = engine_traffic(config, program, kept), program.size
    moved = {
        "a_buffer": found.tiles * size.m * size.k * size.element_bits // 8,
        "accumulators": found.tiles * 2 * size.m * size.n * config.sum_bits // 8,
    }
    if config.port is EnginePort.AXI4:
        return found.tiles, moved | {
            "read_bus": found.read_beats * size.bus // 8,
            "write_bus": found.results,
        }
    return found.tiles, moved | {
        "weights": found.weights,
        "index": found.index,
        "activations": found.activations,
        "results": found.results,
    }


def operands(config: EngineConfig, layer: Layer, kept: Mask, rng: np.random.Generator) -> dict[str, Any]:
    """Return random operands for ``tileloom.simulate``, no weight of a kept block zero."""
    shape = (layer.outputs, *layer.kernel, layer.channels)
    image = (layer.height, layer.width, layer.channels)
    if config.core is Core.DOT_PRODUCT:
        x: Any = rng.integers(-128, 128, image, np.int8)
        magnitude: Any = rng.integers(1, 128, shape, np.int8)
    else:
        x = rng.standard_normal(image).astype(np.float32)
        if isinstance(config.weight, SignMagnitude):
            magnitude = rng.integers(1, 1 << config.weight.magnitude_bits, shape)
        else:
            magnitude = rng.uniform(0.5, 2, shape).astype(np.float32)
    weights = magnitude * rng.choice(np.array([-1, 1], magnitude.dtype), shape)
    there = np.repeat(np.repeat(kept, config.k, axis=0), config.n, axis=1)[: layer.channels, : layer.outputs]
    weights = np.where(there.T[:, None, None, :], weights, 0).astype(magnitude.dtype)
    if layer == Layer.product(layer.width, layer.channels, layer.outputs):
        return {"weights": weights[:, 0, 0], "layout": "NK", "activations": x[0]}
    return {
        "weights": weights,
        "layout": "OHWI",
        "activations": x,
        "stride": layer.stride,
        "pads": layer.pads,
    }
