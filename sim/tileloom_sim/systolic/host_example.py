"""The worked example of an array that is a functional unit: two vectors through a tile, as instructions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom import scratch
from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom.package.pins import Ports
from tileloom.systolic.config import Host, SystolicConfig
from tileloom.systolic.coprocessor.instruction import FORMS, Operation, encode
from tileloom_golden.systolic.coprocessor import Coprocessor
from tileloom_golden.systolic.packing import pack_weights

from ..build.cocotb_run import run_cocotb
from ..package.example import SHOWN, table
from ..package.timing_diagram import Diagram
from ..package.trace import Trace, read_trace
from . import reference

RESULT, OPERAND = 10, 11
"""Registers of the example: rd, and rs1; partial sums are x0."""


@dataclass(frozen=True)
class Step:
    """An instruction of the example: its operand rs1, the result that rd gets, and what it is for."""

    operation: Operation
    operand: int
    result: int
    what: str

    @property
    def word(self) -> int:
        """The instruction."""
        form = FORMS[self.operation]
        return encode(self.operation, rd=RESULT * form.rd, rs1=OPERAND * form.rs1)

    @property
    def assembler(self) -> str:
        """The instruction, for people."""
        form = FORMS[self.operation]
        registers = {"rd": f"x{RESULT}", "rs1": f"x{OPERAND}", "rs2": "x0"}
        return f"{form.name} {', '.join(registers[name] for name in form.operands)}"


def run_example(
    design: Design, ports: Ports, config: SystolicConfig, x: npt.NDArray[Any], w: npt.NDArray[Any]
) -> tuple[list[Step], Trace]:
    """Return what the example executes, and what the pins did; ``x`` and ``w`` are words.

    Raises CheckError where a result is not the golden model's, ToolError where a tool is missing or fails.
    """
    steps = _program(config, x, w)
    with scratch.folder() as folder:
        bench, report, waves = folder / "bench.json", folder / "report.json", folder / "pins.vcd"
        program = [
            {"operation": int(step.operation), "word": step.word, "operand": step.operand} for step in steps
        ]
        id_width = config.id_width if config.host is Host.CV_X_IF else 0
        bench.write_text(json.dumps({"program": program, "id_width": id_width, "report": str(report)}))
        run = run_cocotb(
            design.verilog,
            design.name,
            "tileloom_sim.systolic.host_example_bench",
            folder=folder,
            waves=waves,
            environment={"TILELOOM_BENCH": str(bench)},
            testcase="unit" if config.host is Host.UNIT else "coprocessor",
        )
        if not run.passed:
            raise CheckError("\n".join(["the example did not run:", *run.log.splitlines()[-12:]]))
        found = json.loads(report.read_text())
        for number, (step, word) in enumerate(zip(steps, found, strict=True)):
            if FORMS[step.operation].rd and word != step.result:
                said = f"instruction {number}, {step.assembler}: {word:08x}"
                raise CheckError(f"{said}, the golden model has {step.result:08x}")
        return steps, read_trace(waves, ports)


def _program(config: SystolicConfig, x: npt.NDArray[Any], w: npt.NDArray[Any]) -> list[Step]:
    golden = Coprocessor(
        rows=config.rows,
        columns=config.columns,
        double_buffer=config.double_buffer,
        **reference.arithmetic(config),
    )
    per, columns = config.weights_per_word, config.columns
    steps = []
    places = [(row, first) for row in range(config.rows) for first in range(0, columns, per)]
    words = np.asarray(pack_weights(w, config.weight.width)).reshape(-1).tolist()
    for (row, first), word in zip(places, words, strict=True):
        golden.weight(word)
        last = min(first + per, columns) - 1
        steps.append(
            Step(
                Operation.WEIGHT,
                word,
                0,
                f"W[{row}, {first}..{last}]" if last > first else f"W[{row}, {first}]",
            )
        )
    for m, vector in enumerate(x.tolist()):
        for k in range(golden.steps):
            word = vector[k] if k < config.rows else 0
            what = f"X[{m}, {k}]" if k < config.rows else "nothing"
            steps.append(Step(Operation.STEP, word, golden.step(word), f"gives {what}"))
    for m in range(len(x)):
        for n in range(columns):
            steps.append(Step(Operation.READ, 0, golden.read(), f"returns Y[{m}, {n}]"))
    return steps


def listed(steps: Sequence[Step]) -> str:
    """Return the instructions as a table: of many of a kind the first ones and the last."""
    rows: list[tuple[str, ...]] = []
    for operation in (Operation.WEIGHT, Operation.STEP, Operation.READ):
        mine = [(number, step) for number, step in enumerate(steps) if step.operation is operation]
        form = FORMS[operation]
        shown = [
            (
                f"#{number}",
                f"`{step.word:08x}`",
                f"`{step.assembler}`",
                f"`{step.operand:08x}`" if form.rs1 else "",
                f"`{step.result:08x}`" if form.rd else "",
                step.what,
            )
            for number, step in mine
        ]
        if len(shown) > 2 * SHOWN:
            shown = [*shown[:SHOWN], ("...", "", "", "", "", f"{len(shown) - SHOWN - 1} more"), shown[-1]]
        rows += shown
    return table(("", "word", "instruction", "rs1", "rd afterwards", ""), rows)


def diagrams(config: SystolicConfig, ports: Ports) -> list[Diagram]:
    """Return the first instructions."""
    by_name = {channel.name: channel for interface in ports.interfaces for channel in interface.channels}
    names = ("unit",) if config.host is Host.UNIT else ("issue", "commit", "result")
    shown = [by_name[name] for name in names]
    return [Diagram("The first instructions", shown, cycles=range(10))]
