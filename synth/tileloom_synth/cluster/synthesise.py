"""Synthesis of a cluster's fabric: the job behind ``tileloom.synthesise``."""

from __future__ import annotations

from typing import Unpack

from tileloom.cluster.config import ClusterConfig
from tileloom.cluster.design import generate

from ..handoff.result import Synthesis
from ..options import TargetOptions, target
from ..progress import progress
from ..synthesis import synthesise as synthesise_verilog
from ..tables import remarks, sheets


def synthesise(config: ClusterConfig, **options: Unpack[TargetOptions]) -> Synthesis:
    """Map a fabric to cells; cores and memories are outside of it.

    ``options`` are library, period and constraints, as in ``TargetOptions``. Raises UserError where the
    library cannot serve, ToolError where Yosys or OpenSTA fails.
    """
    goal = target(**options)
    design = generate(config)
    clock = design.manifest["clock"]
    with progress(f"Synthesising {design.name} to {goal.library.name}") as shown:
        report = synthesise_verilog(
            design.verilog,
            design.name,
            goal.library,
            hierarchy="detail",
            constraints=goal.constraints,
            clock=clock,
            origins=design.manifest["modules"],
            progress=shown,
        )
    return Synthesis(
        report.to_json(),
        list(sheets(report)),
        list(remarks(report)),
        name=design.name,
        report=report,
        library=goal.library,
        clock=clock,
    )
