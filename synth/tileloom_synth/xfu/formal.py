"""What solvers prove of an xDecimate unit: its streams, where it has some."""

from __future__ import annotations

from tileloom.xfu.config import Host, XfuConfig

from ..verify.proof import Proof
from ..verify.streams import stream_proofs


def proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a unit; its loads are held while nothing is answered that was not asked."""
    return [*stream_proofs(config, ("loads",))] if config.host is Host.UNIT else []
