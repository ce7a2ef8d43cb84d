"""What solvers prove of xDecimate: that a unit and its adapters do what is specified, and the streams."""

from __future__ import annotations

from tileloom.xfu.config import Host, XfuConfig

from ..verify.proof import Proof
from ..verify.streams import stream_proofs
from .adapter import adapter_proofs
from .instructions import instruction_proofs


def proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a unit by itself, or on CV-X-IF; its loads are held as its instructions say."""
    if config.host is Host.CV_X_IF:
        return adapter_proofs(config)
    if config.host is Host.CV32E40P:
        return []
    return [*stream_proofs(config, ("loads",)), *instruction_proofs(config)]
