"""``tileloom synth`` of a cluster's fabric."""

from __future__ import annotations

from typing import Any

from tileloom.cluster.config import ClusterConfig
from tileloom.families import design_name

from ..run import common_options, run_job
from .synthesise import synthesise

OPTIONS = common_options()


def run(config: ClusterConfig, **options: Any) -> None:
    """Synthesise a cluster's fabric with Yosys and report its area by part.

    CONFIG is a preset's name or a TOML file. Cores and memories stand outside of it; the DMA engine's queues
    are of registers. Areas are those of the library's cells, without wires.

    \b
    Examples:
      tileloom synth cluster-8
      tileloom synth cluster-8 --liberty nangate45.lib.gz --clock 2ns -o silicon

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """
    run_job(synthesise, config, design_name(config), **options)
