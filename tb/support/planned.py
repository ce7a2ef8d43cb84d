"""Runs a cocotb bench of ``tb`` by a plan of what it is to do: JSON, in the file that TILELOOM_PLAN names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tileloom.design import Design
from tileloom_sim.build.cocotb_run import Run, run_cocotb


def run_planned(
    design: Design,
    bench: str,
    plan: Mapping[str, Any],
    *,
    folder: Path,
    seed: int,
    modules: Sequence[str] = (),
) -> Run:
    """Run the bench, a module, in a folder that gets the plan; ``modules`` is as ``run_cocotb`` has it."""
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    environment = {"TILELOOM_PLAN": str(path), "COCOTB_LOG_LEVEL": "WARNING"}
    return run_cocotb(
        design.verilog,
        design.name,
        bench,
        folder=folder,
        environment=environment,
        seed=seed,
        modules=modules,
    )
