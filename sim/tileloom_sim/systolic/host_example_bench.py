"""The cocotb bench of an array's worked example as a functional unit: instructions one after the other.

Nothing but the array makes anything wait. What to run is in the JSON file that TILELOOM_BENCH names; the
results go to the file that this names in turn.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, Timer

PATIENCE = 2000
"""Cycles without a result after which a program hangs: more than a vector takes through any array."""


class Bench:
    """The program, and the results so far."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        bench = json.loads(Path(os.environ["TILELOOM_BENCH"]).read_text())
        self.program: list[dict[str, int]] = bench["program"]
        self.ids = 1 << bench["id_width"]
        self.report = Path(bench["report"])
        self.results: list[int] = []
        self.idle = 0

    async def reset(self) -> None:
        """Start the clock and reset, with all inputs at 0."""
        Clock(self.dut.clk, 10, unit="ns").start()
        await FallingEdge(self.dut.clk)
        self.drive(rst=1)
        await FallingEdge(self.dut.clk)
        self.drive(rst=0)

    def drive(self, **levels: int) -> None:
        """Set inputs."""
        for pin, level in levels.items():
            getattr(self.dut, pin).value = int(level)

    def level(self, pin: str) -> int:
        """Return the level of an output."""
        return int(getattr(self.dut, pin).value)

    async def ended(self, result: int | None) -> bool:
        """Keep the result of a cycle, if there is one; return whether it was the last."""
        self.idle = 0 if result is not None else self.idle + 1
        assert self.idle < PATIENCE, f"{len(self.results)} results of {len(self.program)}"
        if result is not None:
            self.results.append(result)
        await FallingEdge(self.dut.clk)
        if len(self.results) < len(self.program):
            return False
        self.report.write_text(json.dumps(self.results))
        return True


@cocotb.test()
async def unit(dut: Any) -> None:
    """Take each operation as soon as it is ready."""
    bench = Bench(dut)
    bench.drive(operation=0, a=0, b=0, taken=0)
    await bench.reset()
    while True:
        each = bench.program[len(bench.results)]
        bench.drive(operation=each["operation"], a=each["operand"], b=0, taken=0)
        await Timer(1, "ns")
        ready = bench.level("ready")
        bench.drive(taken=ready)
        await ReadOnly()
        if await bench.ended(bench.level("result") if ready else None):
            return


@cocotb.test()
async def coprocessor(dut: Any) -> None:
    """Commit an instruction in the cycle after it was accepted, and take its result from then on."""
    bench = Bench(dut)
    inputs = ("issue_valid", "commit_valid", "commit_kill", "mem_ready", "mem_exc", "mem_result_valid")
    bench.drive(**dict.fromkeys((*inputs, "issue_rs2", "issue_rs3", "result_ready"), 0))
    await bench.reset()
    bench.drive(mem_ready=1, issue_rs_valid=7)
    taken = committed = 0
    while True:
        each = bench.program[min(taken, len(bench.program) - 1)]
        bench.drive(
            issue_valid=taken < len(bench.program),
            issue_instr=each["word"],
            issue_id=taken % bench.ids,
            issue_rs1=each["operand"],
            commit_valid=committed < taken,
            commit_id=committed % bench.ids,
            result_ready=len(bench.results) < committed,
        )
        await ReadOnly()
        committed = taken
        if bench.level("issue_valid") and bench.level("issue_ready"):
            assert bench.level("issue_accept"), f"{each['word']:08x} is refused"
            taken += 1
        comes = bench.level("result_valid") and bench.level("result_ready")
        if comes:
            assert bench.level("result_id") == len(bench.results) % bench.ids
        if await bench.ended(bench.level("result_data") if comes else None):
            return
