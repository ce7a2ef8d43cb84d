"""The regression of a systolic array's netlist on an FPGA."""

from __future__ import annotations

from typing import Any

from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom.systolic.config import SystolicConfig
from tileloom_sim.systolic.regression import regress_design


def regress(config: SystolicConfig, design: Design, seed: int) -> dict[str, Any]:
    """Run the random regression on ``design.verilog`` and return its figures. Raises CheckError."""
    regression = regress_design(design, seed=seed)
    if not regression.passed:
        lines = regression.failures or ["the simulation ended early:", *regression.run.log.splitlines()[-12:]]
        raise CheckError("\n".join([f"{design.name} on the FPGA:", *lines, f"--seed {seed} replays it"]))
    return {"results_compared": regression.compared, "cycles": regression.cycles}
