"""The cocotb bench of the worked example: a program on a unit, or on a coprocessor behind a short pipeline.

Nothing waits, memory answers in the next cycle. What to run is in the JSON file that TILELOOM_BENCH names;
results and addresses go to the file that this names in turn.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, Timer

from tileloom.families import families
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import FUNCT2
from tileloom.xfu.unit import instruction_layout

PATIENCE = 200
"""Cycles after which a program must have ended."""


class Bench:
    """The program, the registers and the memory of a bench, and what came of it."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        bench = json.loads(Path(os.environ["TILELOOM_BENCH"]).read_text())
        config = families()["xfu"].load(bench["config"], "bench")
        assert isinstance(config, XfuConfig)
        self.config = config
        self.program: list[dict[str, int]] = bench["program"]
        self.registers = [bench["registers"].get(str(number), 0) for number in range(32)]
        self.memory = {int(address): byte for address, byte in bench["memory"].items()}
        self.report = Path(bench["report"])
        self.results: list[tuple[int, int]] = []
        self.loads: list[int] = []

    async def reset(self, **levels: int) -> None:
        """Start the clock and reset, with these inputs; all others at 0."""
        Clock(self.dut.clk, 10, unit="ns").start()
        await FallingEdge(self.dut.clk)
        self.drive(rst=1, **levels)
        await FallingEdge(self.dut.clk)
        self.drive(rst=0)

    def drive(self, **levels: int) -> None:
        """Set inputs."""
        for pin, level in levels.items():
            getattr(self.dut, pin).value = int(level)

    def level(self, pin: str) -> int:
        """Return the level of an output."""
        return int(getattr(self.dut, pin).value)

    def retire(self, rd: int, data: int) -> None:
        """Take a result."""
        self.results.append((rd, data if rd else 0))
        if rd:
            self.registers[rd] = data

    def end(self) -> None:
        """Write what came of it."""
        self.report.write_text(json.dumps({"results": self.results, "loads": self.loads}))


@cocotb.test()
async def unit(dut: Any) -> None:
    """Offer an instruction a cycle, each committed in the cycle after it was taken."""
    bench = Bench(dut)
    layout = instruction_layout(bench.config, bench.config.id_width)
    tags = 1 << bench.config.id_width
    await bench.reset(instructions__valid=0, commit_valid=0, loaded_valid=0, loaded_fault=0)
    bench.drive(loads__ready=1, results__ready=1, commit_kill=0)
    taken, committed, asked = 0, 0, -1
    for _ in range(PATIENCE):
        offered = taken < len(bench.program)
        each = bench.program[min(taken, len(bench.program) - 1)]
        fields: dict[str, Any] = {"tag": taken % tags, "rd": each["rd"], "rs1": bench.registers[each["rs1"]]}
        if each["m"]:
            fields |= {"rs2": bench.registers[each["rs2"]], "rs3": bench.registers[each["rd"]]}
            if len(bench.config.group_sizes) > 1:
                fields["funct2"] = FUNCT2[each["m"]]
        else:
            fields["swap"] = 1
        bench.drive(
            instructions__valid=offered,
            instructions__payload=int(layout.const(fields).as_value().value),
            commit_valid=committed < taken,
            commit_tag=committed % tags,
            loaded_valid=asked >= 0,
            loaded_byte=bench.memory[asked] if asked >= 0 else 0,
        )
        await ReadOnly()
        committed, asked = taken, -1
        if bench.level("loads__valid"):
            asked = bench.level("loads__payload") >> bench.config.id_width
            bench.loads.append(asked)
        if bench.level("results__valid"):
            payload = bench.level("results__payload") >> bench.config.id_width + 1
            bench.retire(payload & 31, payload >> 5 & 0xFFFFFFFF)
        taken += offered and bench.level("instructions__ready")
        await FallingEdge(dut.clk)
        if len(bench.results) == len(bench.program):
            bench.end()
            return
    raise AssertionError(f"{len(bench.results)} results of {len(bench.program)}")


@cocotb.test()
async def coprocessor(dut: Any) -> None:
    """Have instructions in ID, EX and WB of a host, which commits in EX and writes back with the result."""
    bench = Bench(dut)
    ids = 1 << bench.config.id_width
    await bench.reset(issue_valid=0, commit_valid=0, mem_result_valid=0, mem_exc=0, result_ready=0)
    bench.drive(issue_rs_valid=7, commit_kill=0, mem_exc=0, mem_result_err=0)
    taken, asked = 0, -1
    execute: dict[str, Any] | None = None
    write_back: dict[str, Any] | None = None
    for _ in range(PATIENCE):
        each = bench.program[min(taken, len(bench.program) - 1)]
        # A load that may still trap holds up what is behind it.
        held = bench.config.precise_errors and write_back is not None and bool(write_back["m"])
        commits = execute is not None and not execute["committed"] and not held
        bench.drive(
            result_ready=write_back is not None,
            mem_result_valid=asked >= 0,
            mem_result_id=write_back["id"] if write_back else 0,
            mem_result_rdata=_word_at(bench.memory, asked) if asked >= 0 else 0,
            commit_valid=commits,
            commit_id=execute["id"] if execute else 0,
            issue_valid=0,
            mem_ready=1,
        )
        await Timer(1, "ns")  # what the host does next depends on whether the result is there
        done = write_back is not None and bench.level("result_valid")
        requests = bench.level("mem_valid")
        if execute is not None:
            execute["committed"] |= commits
        ready = held or execute is None or execute["committed"]
        flows = ready and (write_back is None or bool(done))
        moves = flows and not requests and not held
        waits = any(
            stage is not None and stage["rd"] and stage["rd"] in (each["rs1"], each["rs2"], each["rd"])
            for stage in (execute, None if done else write_back)
        )
        registers = list(bench.registers)
        if done and write_back is not None and write_back["rd"]:
            registers[write_back["rd"]] = bench.level("result_data")
        bench.drive(
            mem_ready=requests or flows,
            issue_valid=taken < len(bench.program) and not waits,
            issue_instr=each["word"],
            issue_id=taken % ids,
            issue_rs1=registers[each["rs1"]],
            issue_rs2=registers[each["rs2"]],
            issue_rs3=bench.registers[each["rd"]] if each["m"] else 0,
        )
        await ReadOnly()
        asked = -1
        if requests:
            asked = bench.level("mem_addr")
            bench.loads.append(asked)
        accepted = int(dut.issue_valid.value) and bench.level("issue_ready")
        if done and write_back is not None:
            bench.retire(write_back["rd"], bench.level("result_data"))
            write_back = None
        if moves:
            write_back, execute = execute, None
        if accepted:
            assert bench.level("issue_accept") and moves
            execute = {**each, "id": taken % ids, "committed": False}
            taken += 1
        await FallingEdge(dut.clk)
        if len(bench.results) == len(bench.program):
            bench.end()
            return
    raise AssertionError(f"{len(bench.results)} results of {len(bench.program)}")


def _word_at(memory: dict[int, int], address: int) -> int:
    """Return the word around a byte, the byte in its lane."""
    return sum(memory.get((address & ~3) + lane, 0) << 8 * lane for lane in range(4))
