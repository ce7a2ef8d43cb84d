"""A systolic array as a machine: its ports are the memory levels. Cycles are exact, a closed form of the RTL.

A convolution is the product of its unrolled image (im2col). Each tile that is kept takes its weights once and
every vector of activations; on the stream port partial sums come in and go out with each vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tileloom.formats import SignMagnitude
from tileloom.systolic.config import WORD_BITS, Port, SystolicConfig
from tileloom_golden.engine.convolution import im2col
from tileloom_golden.engine.program import Layer

from ..cost import Run
from ..systolic.cost import array_cost
from .energy import Energies, float_operation
from .layers import Mask
from .point import Counts
from .roof import Level

SOURCE = "exact"
"""Where cycles are from."""


def operations(config: SystolicConfig) -> int:
    """Return A_op: two for each processing element."""
    return 2 * config.rows * config.columns


def operation_energy(config: SystolicConfig) -> float:
    """Return the default pJ per operation of the formats."""
    return float_operation(config.activation, config.weight, config.accumulator)


def levels(config: SystolicConfig, energies: Energies) -> tuple[Level, ...]:
    """Return the ports, all of them outermost; their energy is that of the memory behind them."""
    config.require_no_host("roofline")
    if config.port is Port.WORD:
        bandwidths = dict.fromkeys(("weights", "activations", "results"), WORD_BITS / 8)
    else:
        vector = config.columns * config.accumulator.width / 8 / config.step_interval
        bandwidths = {
            "weights": config.columns * config.weight.width / 8,
            "activations": config.rows * config.activation.width / 8 / config.step_interval,
            "psum_in": vector,
            "results": vector,
        }
    return tuple(Level(name, width, energies.of_level(name)) for name, width in bandwidths.items())


def edges(config: SystolicConfig, energies: Energies) -> int:
    """Return how many levels are outermost: every port."""
    return len(levels(config, energies))


def element_bits(config: SystolicConfig) -> tuple[int, int, int]:
    """Return the bits of a weight, an activation and a result."""
    return config.weight.width, config.activation.width, config.accumulator.width


def mask_shape(config: SystolicConfig, layer: Layer) -> tuple[int, int]:
    """Return the tiles of the weights along K and N."""
    return -(-_inner(layer) // config.rows), -(-layer.outputs // config.columns)


def counts(config: SystolicConfig, layer: Layer, kept: Mask) -> Counts:
    """Return what a layer takes with the tiles that are kept."""
    cost = array_cost(config, [Run(layer, kept, 1)])
    bits = _transfer_bits(config)
    return Counts(
        cycles=cost.cycles,
        macs=cost.macs,
        dense_macs=layer.macs,
        passes=int(kept.sum()) * layer.output[0] * layer.output[1],
        moved={name: -(-count * bits[name] // 8) for name, count in cost.transfers.items()},
        core_cycles=cost.cycles,
    )


def operands(config: SystolicConfig, layer: Layer, kept: Mask, rng: np.random.Generator) -> dict[str, Any]:
    """Return random operands for ``tileloom.simulate``, no weight of a kept tile zero."""
    inner = _inner(layer)
    image = rng.standard_normal((layer.height, layer.width, layer.channels)).astype(np.float32)
    shape = (inner, layer.outputs)
    if isinstance(config.weight, SignMagnitude):
        magnitude: Any = rng.integers(1, 1 << config.weight.magnitude_bits, shape)
    else:
        magnitude = rng.uniform(0.5, 2, shape).astype(np.float32)
    weights = magnitude * rng.choice([-1, 1], shape)
    whole = np.repeat(np.repeat(kept, config.rows, axis=0), config.columns, axis=1)
    weights = np.where(whole[:inner, : layer.outputs], weights, 0).astype(magnitude.dtype)
    return {
        "weights": weights,
        "layout": "KN",
        "activations": im2col(image, layer.kernel, layer.channels, layer.stride, layer.pads),
    }


def _inner(layer: Layer) -> int:
    """Return K: rows of the matrix of weights."""
    return layer.kernel[0] * layer.kernel[1] * layer.channels


def _transfer_bits(config: SystolicConfig) -> dict[str, int]:
    """Return the bits of a transfer by port."""
    if config.port is Port.WORD:
        return dict.fromkeys(("weights", "activations", "results"), WORD_BITS)
    sums = config.columns * config.accumulator.width
    return {
        "weights": config.columns * config.weight.width,
        "activations": config.rows * config.activation.width,
        "psum_in": sums,
        "results": sums,
    }
