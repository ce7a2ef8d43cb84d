"""What solvers prove of an xDecimate unit: nothing, for it has no floating-point arithmetic."""

from __future__ import annotations

from tileloom.xfu.config import XfuConfig

from ..verify.proof import Proof


def proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a unit's floating-point arithmetic."""
    return []
