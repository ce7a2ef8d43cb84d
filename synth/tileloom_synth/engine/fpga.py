"""The regression of an engine's netlist on an FPGA."""

from __future__ import annotations

from typing import Any

from tileloom.design import Design
from tileloom.engine.config import EngineConfig
from tileloom_sim.engine.random_jobs import random_jobs
from tileloom_sim.engine.run import run_jobs

LAYERS = 10


def regress(config: EngineConfig, design: Design, seed: int) -> dict[str, Any]:
    """Run random layers on ``design.verilog`` and return what was compared. Raises CheckError."""
    runs = run_jobs(design, random_jobs(config, LAYERS, seed))
    return {
        "layers": len(runs),
        "results_compared": sum(run.words.size for run in runs),
        "cycles": sum(run.cycles for run in runs),
    }
