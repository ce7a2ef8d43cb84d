"""What solvers prove of an xDecimate unit: that it does what is specified, and its streams."""

from __future__ import annotations

from tileloom.xfu.config import Host, XfuConfig

from ..verify.proof import Proof
from ..verify.streams import stream_proofs
from .instructions import instruction_proofs


def proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a unit by itself; that its loads are held is part of those of its instructions."""
    if config.host is not Host.UNIT:
        return []
    return [*stream_proofs(config, ("loads",)), *instruction_proofs(config)]
