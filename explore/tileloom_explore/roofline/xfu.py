"""A core with xDecimate as a machine: its data bus is the memory level. Cycles are exact, as are its bytes.

Layers run as INT8 kernels, of 1:M weights with xDecimate, else dense ones; im2col is in cycles and bytes.
"""

from __future__ import annotations

import numpy as np

from tileloom.errors import CheckError, UserError
from tileloom.families import design_name
from tileloom.xfu.config import XfuConfig
from tileloom_golden.engine.layer import Layer
from tileloom_golden.integers import convolve
from tileloom_sim.xfu.hosts import xfu_system
from tileloom_sim.xfu.layers import Kernel, run_layer, shape_of

from ..network.recognise import recognise
from ..xfu.cost import kernel_cost, kernel_layer
from ..xfu.traffic import WORD, has_simd, unmodelled
from .energy import INT8_MAC, Energies
from .layers import Mask
from .point import Counts
from .roof import Level

SOURCE = "exact"
"""Where cycles are from."""


def operations(config: XfuConfig) -> int:
    """Return A_op: two for each byte of a dot product, or for a multiplication."""
    return 8 if has_simd(config) else 2


def operation_energy(config: XfuConfig) -> float:
    """Return the default pJ per operation: of the multiplier, without the core around it."""
    return INT8_MAC / 2


def levels(config: XfuConfig, energies: Energies) -> tuple[Level, ...]:
    """Return the data bus. Raises UserError for the unit alone, which has none, and on PCPI."""
    if reason := unmodelled(config):
        raise UserError(f"{design_name(config)}: no roofline; {reason.format('kernels')}")
    return (Level("data_bus", WORD, energies.of_level("data_bus")),)


def edges(config: XfuConfig, energies: Energies) -> int:
    """Return how many levels are outermost: the bus."""
    return 1


def element_bits(config: XfuConfig) -> tuple[int, int, int]:
    """Return the bits of a weight, without its offset, of an activation and of a sum."""
    return 8, 8, 32


def mask_shape(config: XfuConfig, layer: Layer) -> tuple[int, int]:
    """Return K x N: each weight is there or not."""
    return layer.channels * layer.kernel[0] * layer.kernel[1], layer.outputs


def random_mask(config: XfuConfig, layer: Layer, sparsity: float, rng: np.random.Generator) -> Mask:
    """Return which weights there are, K x N: all, or of each group of M one at a random place.

    Raises UserError for a share that no 1:M leaves out, and for rows that are no whole groups.
    """
    length, outputs = mask_shape(config, layer)
    kept = np.ones((length, outputs), np.bool_)
    if not sparsity:
        return kept
    group = next((m for m in config.group_sizes if sparsity == 1 - 1 / m), None)
    if group is None:
        able = ", ".join(f"{1 - 1 / m:g}" for m in config.group_sizes)
        raise UserError(f"--sparsity {sparsity:g}: {design_name(config)} leaves out {able} of the weights")
    if length % group:
        raise UserError(f"--sparsity {sparsity:g}: a row of {length} weights is no whole groups of {group}")
    place = rng.integers(group, size=(length // group, outputs))
    return np.asarray((np.arange(group)[:, None] == place[:, None]).reshape(kept.shape))


def counts(config: XfuConfig, layer: Layer, kept: Mask) -> Counts:
    """Return what a layer takes with the weights that are kept: those of 1:M, or all.

    Raises
    ------
    ValueError
        A row has more groups than the unit's counter tells apart.
    """
    cost = kernel_cost(config, kernel_layer(layer, _group(config, kept)))
    return Counts(
        cycles=cost.cycles,
        macs=cost.macs,
        dense_macs=layer.macs,
        passes=cost.actions["multiplications"] // cost.peak,
        moved={"data_bus": cost.bytes},
        core_cycles=cost.cycles,
    )


def measure(config: XfuConfig, layer: Layer, kept: Mask, rng: np.random.Generator) -> int:
    """Return the cycles of the RTL on random operands. Raises CheckError where a sum is wrong."""
    group = _group(config, kept)
    kernel = kernel_layer(layer, group)
    x = rng.integers(-128, 128, (kernel.height, kernel.width, kernel.channels), np.int8)
    weights = rng.integers(1, 128, (kernel.rows, kernel.length), np.int8) * kept.T
    how = Kernel.XDECIMATE if group else Kernel.DENSE_4X2
    run = run_layer(xfu_system(config), shape_of(kernel), how, x, weights, group=group or 4)
    window = (*(kernel.kernel or (1, 1)), kernel.channels)
    expected = convolve(x, weights.reshape(-1, *window), kernel.stride).reshape(run.results.shape)
    if wrong := int((run.results != expected).sum()):
        raise CheckError(
            f"{design_name(config)}: {wrong} of {expected.size} sums differ from the golden model"
        )
    return run.cycles


def _group(config: XfuConfig, kept: Mask) -> int | None:
    if kept.all():
        return None
    found = recognise(kept).m or 0
    return max((m for m in config.group_sizes if m <= found), default=None)
