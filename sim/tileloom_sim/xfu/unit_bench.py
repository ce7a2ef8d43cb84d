"""The cocotb regression of the core-agnostic unit: a core at random, a golden hart beside it, resets.

What to run is in the JSON file that TILELOOM_BENCH names; what was compared and hit goes to the file that
this names in turn.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from tileloom.families import families
from tileloom.xfu.config import XfuConfig

from .coverage import CoveredLane

OUTPUTS = (
    *("instructions__ready", "loads__valid", "loads__payload", "results__valid", "results__payload"),
    "counter",
)


@cocotb.test()
async def regression(dut: Any) -> None:
    """Random instructions, commits, kills, waits and faults; resets in the midst of them."""
    bench = json.loads(Path(os.environ["TILELOOM_BENCH"]).read_text())
    config = families()["xfu"].load(bench["config"], "bench")
    assert isinstance(config, XfuConfig)
    rng, seen, completed = np.random.default_rng(bench["seed"]), Counter[str](), 0
    Clock(dut.clk, 10, unit="ns").start()
    lane: CoveredLane | None = None
    for cycles in bench["phases"]:
        if lane is not None:
            lane.reset()
            seen.update(lane.seen)
        lane = CoveredLane(config, len(dut.loaded_fault), rng)
        await FallingEdge(dut.clk)
        dut.rst.value = 1
        for port, level in lane.drive().items():
            getattr(dut, port).value = int(level)
        await FallingEdge(dut.clk)
        dut.rst.value = 0
        for _ in range(cycles):
            for port, level in lane.drive().items():
                getattr(dut, port).value = int(level)
            await ReadOnly()
            for name, got, expected in lane.observe(
                {port: int(getattr(dut, port).value) for port in OUTPUTS}
            ):
                assert got == expected, f"{name}: {got:#x}, expected {expected:#x}"
            await FallingEdge(dut.clk)
        completed += lane.completed
    assert lane is not None and completed
    seen.update(lane.seen)
    Path(bench["report"]).write_text(
        json.dumps({"completed": completed, "seen": {name: int(hits) for name, hits in seen.items()}})
    )
