"""What solvers prove of an engine: its streams, its parts, AXI4, and a systolic core's arithmetic."""

from __future__ import annotations

from dataclasses import replace

from tileloom.engine.config import Core, EngineConfig, EnginePort

from ..systolic.formal import arithmetic
from ..verify.proof import Proof
from ..verify.streams import stream_proofs
from .accumulator_halves import accumulator_half_proofs
from .accumulators import accumulator_proofs
from .bursts import burst_proofs
from .commands import command_proofs
from .drain import drain_proofs
from .halves import half_proofs
from .loader import loader_proofs
from .master import master_proofs
from .queue_words import queue_proofs
from .runs import run_proofs
from .tiles import tile_proofs
from .units import unit_proofs
from .walker import walker_proofs

SIDE = 2
"""Rows and columns of a tile and a block of the engine whose streams are proved, at most."""

HELD_BY_MASTER = ("status",)
"""Of an AXI4 engine, in ``master``: it is held if nothing comes on R that was not asked for."""

TILES = 4
"""C tiles in each half of the accumulators that are proved; each is like any other."""


def proofs(config: EngineConfig) -> list[Proof]:
    """Return the proofs of an engine, of a grid those of each of its engines.

    Of a large one all but the arithmetic are those of a small one.
    """
    config = config.engine
    own = arithmetic(config.systolic) if config.core is Core.SYSTOLIC else []
    engine = small(config)
    numbered = replace(engine, acc_tiles=max(2, engine.acc_tiles))
    found = [
        *own,
        *stream_proofs(engine, HELD_BY_MASTER, queues=True),
        *queue_proofs(),
        *command_proofs(engine),
        *walker_proofs(),
        *half_proofs(engine),
        *loader_proofs(engine),
        *accumulator_proofs(replace(engine, acc_tiles=TILES)),
        *accumulator_half_proofs(engine),
        *tile_proofs(numbered),
        *drain_proofs(numbered),
    ]
    if config.port is not EnginePort.AXI4:
        return found
    return [*found, *run_proofs(engine), *burst_proofs(engine), *unit_proofs(engine), *master_proofs(engine)]


def small(config: EngineConfig) -> EngineConfig:
    """Return an engine with everything but the size as ``config`` has it."""
    m, k, n = (min(size, SIDE) for size in (config.m, config.k, config.n))
    return replace(config, m=m, k=k, n=n, drain_rows=min(config.drain_rows, m))
