"""What solvers prove of an engine: its streams, and the arithmetic of a core that is a systolic array."""

from __future__ import annotations

from dataclasses import replace

from tileloom.engine.config import Core, EngineConfig

from ..systolic.formal import arithmetic
from ..verify.proof import Proof
from ..verify.streams import stream_proofs

SIDE = 2
"""Rows and columns of a tile and a block of the engine whose streams are proved, at most."""

HELD_WHERE_IT_COMES_TO = ("status",)
"""Of an AXI4 master: it depends on counts that no state that it comes to has wrong."""


def proofs(config: EngineConfig) -> list[Proof]:
    """Return the proofs of an engine; of a large one the streams are those of a small one."""
    own = arithmetic(config.systolic) if config.core is Core.SYSTOLIC else []
    return [*own, *stream_proofs(small(config), HELD_WHERE_IT_COMES_TO)]


def small(config: EngineConfig) -> EngineConfig:
    """Return an engine with everything but the size as ``config`` has it."""
    m, k, n = (min(size, SIDE) for size in (config.m, config.k, config.n))
    return replace(config, m=m, k=k, n=n, drain_rows=min(config.drain_rows, m))
