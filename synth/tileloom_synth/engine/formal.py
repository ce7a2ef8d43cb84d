"""What solvers prove of an engine: the arithmetic of its core, where that is a systolic array."""

from __future__ import annotations

from tileloom.engine.config import Core, EngineConfig

from ..systolic.formal import proofs as proofs_of_array
from ..verify.proof import Proof


def proofs(config: EngineConfig) -> list[Proof]:
    """Return the proofs of an engine's floating-point arithmetic."""
    return proofs_of_array(config.systolic) if config.core is Core.SYSTOLIC else []
