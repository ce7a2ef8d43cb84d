"""What products take on a systolic array: cycles, bytes, transfers on its ports, actions of its elements.

Networks, the analytical model and rooflines ask here. Counts that do not depend on data are those of the RTL
(`tb/explore/model/test_counters.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from tileloom.systolic.config import Port, SystolicConfig
from tileloom.systolic.design import timing
from tileloom_golden.estimate.useful import useful_weights

from ..cost import Cost, Run
from .cycles import array_cycles


def array_cost(config: SystolicConfig, runs: Sequence[Run]) -> Cost:
    """Return what products take one after another, each with the tiles of its weights that are kept.

    A run's geometry is a product, or a convolution that is unrolled (im2col).
    """
    figures, elements = timing(config), config.rows * config.columns
    cycles = macs = tiles = computed = across = vectors = 0
    for run in runs:
        layer, kept = run.geometry, int(run.kept.sum())
        rows = layer.output[0] * layer.output[1]
        inner = layer.channels * layer.kernel[0] * layer.kernel[1]
        useful = useful_weights(run.kept, (inner, layer.outputs), (config.rows, config.columns))
        cycles += run.times * array_cycles(config, run.kept, rows)
        macs += run.times * rows * useful
        tiles += run.times * run.kept.size
        computed += run.times * kept
        vectors += run.times * kept * rows
        across += run.times * int(run.kept.any(axis=0).sum()) * rows
    # Partial sums enter with each tile and leave; a column's first are zeros, and no bytes. On the word port
    # there are none to enter.
    sums = 2 * vectors - across if config.port is Port.STREAM else vectors
    transfers = {
        "weights": computed * figures["weight_transfers_per_tile"],
        "activations": vectors * figures["activation_transfers_per_vector"],
        "results": vectors * figures["result_transfers_per_vector"],
    }
    if config.port is Port.STREAM:
        transfers["psum_in"] = transfers["results"]
    actions = {"weights_written": computed * elements, "multiplications": vectors * elements}
    if config.double_buffer:
        actions["weights_swapped"] = computed * elements
    return Cost(
        cycles=cycles,
        source="exact",
        macs=macs,
        peak=elements,
        weight_bytes=-(-computed * elements * config.weight.width // 8),
        activation_bytes=vectors * -(-config.rows * config.activation.width // 8),
        result_bytes=sums * config.columns * config.accumulator.width // 8,
        units=tiles,
        skipped=tiles - computed,
        transfers=transfers,
        actions=actions,
        computing=vectors * figures["cycles_per_vector"],
        loading=transfers["weights"],
    )
