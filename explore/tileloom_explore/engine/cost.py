"""What layers take on a block-sparse engine; networks and the analytical model ask here.

Counts that do not depend on data are those of the RTL (`tb/explore/model/test_counters.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from tileloom.engine.config import EngineConfig, EnginePort
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.estimate.axi.bus import Bus
from tileloom_golden.estimate.engine import estimate
from tileloom_sim.engine.layers import engine_size

from ..cost import Cost, Run, added
from .traffic import EngineTraffic, engine_traffic


def engine_cost(
    config: EngineConfig, runs: Sequence[Run], activations: npt.NDArray[Any] | None = None
) -> Cost:
    """Return what layers take one after another, each with the blocks of its weights that are kept.

    Parameters
    ----------
    config:
        The engine.
    runs:
        The layers.
    activations:
        H x W x C of all of them, for an engine that skips their tiles of zeros; None is none of zeros.

    Raises
    ------
    ValueError
        A layer does not fit the engine's buffers or commands.
    """
    axi = config.port is EnginePort.AXI4
    bus = Bus(burst_beats=config.burst_beats) if axi else None
    cycles = macs = blocks = kept = loading = computing = 0
    moved: list[EngineTraffic] = []
    for run in runs:
        program = compile_layer(run.geometry, engine_size(config))
        taken = estimate(program, run.kept, bus=bus, activations=activations)
        found = engine_traffic(config, program, run.kept, activations)
        cycles += run.times * taken.cycles
        macs += run.times * taken.macs
        blocks += run.times * run.kept.size
        kept += run.times * int(run.kept.sum())
        computing += run.times * found.tiles
        loading += run.times * found.block_beats
        moved += run.times * [found]
    return Cost(
        cycles=cycles,
        source="estimated",
        macs=macs,
        peak=config.m * config.k * config.n,
        weight_bytes=sum(each.weights + each.index for each in moved),
        activation_bytes=sum(each.activations for each in moved),
        result_bytes=sum(each.results for each in moved),
        units=blocks,
        skipped=blocks - kept,
        transfers=added(each.transfers(config) for each in moved),
        actions=added(each.actions(config) for each in moved),
        computing=computing,
        loading=loading,
    )
