"""What solvers prove of xDecimate: that the unit and its adapters do what is specified, and the streams."""

from __future__ import annotations

from tileloom.xfu.config import Host, XfuConfig, refuse_others

from ..verify.proof import Proof
from ..verify.streams import stream_proofs
from .adapter import adapter_proofs
from .core import installed, with_unit
from .instructions import instruction_proofs
from .pcpi import pcpi_proofs
from .pipeline import stages_queries
from .twin import same_queries


def proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of a unit, by itself or in its host.

    That the unit's loads are held is part of those of its instructions. Of CV32E40P the package is needed.
    """
    if config.host is Host.PCPI:
        return pcpi_proofs(config)
    refuse_others(config, "--formal")
    if config.host is Host.CV_X_IF:
        return adapter_proofs(config)
    if config.host is Host.CV32E40P:
        return core_proofs(config)
    return [*stream_proofs(config, ("loads",)), *instruction_proofs(config)]


def core_proofs(config: XfuConfig) -> list[Proof]:
    """Return the proofs of CV32E40P with the unit in its pipeline."""
    of = (config.label, "", 0)
    return [
        Proof(
            "pipeline: as installed without xDecimate",
            *of,
            "induction",
            lambda: same_queries(with_unit(config), installed()),
        ),
        Proof(
            "pipeline: rd, counter, loads, no endless wait",
            *of,
            "induction",
            lambda: stages_queries(config, with_unit(config)),
        ),
    ]
