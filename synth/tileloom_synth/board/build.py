"""Builds a project: runs its tools one after the other, and reads what they say of area and timing."""

from __future__ import annotations

import json
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tileloom import processes, yosys
from tileloom.errors import ToolError

from ..fpga import tools
from ..fpga.boards import BOARDS
from .project import REPORT, TOP, Project

VIVADO_MET = "All user specified timing constraints are met."
"""A line of Vivado's report_timing_summary."""


@dataclass
class Built:
    """What came of a build.

    Attributes
    ----------
    product:
        The file to program the board with.
    cells:
        Used and available, by what they are; empty after Vivado, which writes reports of its own.
    fmax_mhz:
        Of the block's clock, after routing, or None.
    seconds:
        By tool.
    processor_seconds:
        Of all of them, which on a busy machine are fewer.
    """

    product: Path
    cells: dict[str, tuple[int, int]] = field(default_factory=dict)
    fmax_mhz: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    processor_seconds: float = 0.0


def build(made: Project, folder: Path, show: Callable[[str], None]) -> Built:
    """Build the project, whose files are in ``folder``; ``show`` is called with the tool that runs.

    Raises ToolError where a tool is missing or fails; where timing is missed it says what would be met.
    """
    kind = BOARDS[made.name]
    text = made.files[f"build_{TOP}.json"]
    commands = [
        command
        for command in json.loads(text)["commands"]
        if command[0] in (tools.YOSYS, *tools.WHEELS, *tools.OTHERS)  # a suffix for DFU is not needed
    ]
    programs = [_program(command[0]) for command in commands]
    found = Built(folder / kind.family.product)
    # What an earlier build left must not pass for this one's.
    for path in (folder / REPORT, found.product):
        path.unlink(missing_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for program, (tool, *arguments) in zip(programs, commands, strict=True):
        show(tool)
        began = time.monotonic()
        wrong = _run(program, arguments, folder)
        found.seconds[tool] = time.monotonic() - began
        if wrong:
            _check_timing(made, folder)
            raise ToolError(f"{tool}: {wrong}; logs are in {folder}")
    found.processor_seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    if kind.family.nextpnr is not None:
        _check_timing(made, folder)
        _read(made, folder, found)
    else:
        _check_vivado(folder, found.product)
    return found


def _program(tool: str) -> Path | None:
    """Return the program of a tool; None is the Yosys of pyosys, which is a library."""
    if tool == tools.YOSYS:
        native = tools.installed(tool)
        return native.program if native else None
    return tools.find(tool).program


def _run(program: Path | None, arguments: list[str], folder: Path) -> str:
    """Run a tool, and return why it failed, or nothing."""
    if program is None:
        try:
            yosys.run(f"tee -q -o {TOP}.rpt script {TOP}.ys", folder=folder)
        except yosys.YosysError as error:
            return str(error)
        return ""
    done = processes.run([program, *arguments], folder=folder, merge=True)
    if not done.status:
        return ""
    lines = [line for line in done.output.splitlines() if "ERROR" in line] or [done.reason]
    return lines[-1].removeprefix("ERROR: ")


def _check_vivado(folder: Path, product: Path) -> None:
    """Raise ToolError, and leave no bitstream, where Vivado's report does not say that timing is met."""
    report = folder / f"{TOP}_timing.rpt"
    if not report.exists() or VIVADO_MET not in report.read_text(encoding="utf-8", errors="replace"):
        product.unlink(missing_ok=True)
        raise ToolError(f"timing: not met, see {report}: give a slower --clock, or more stages")


def _report(folder: Path) -> Any:
    path = folder / REPORT
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"fmax": {}, "utilization": {}}


def _clocks(made: Project, folder: Path) -> list[float]:
    """Return what was achieved for each clock at the frequency of the block's."""
    wanted = made.board.clock_hz / 1e6
    fmax = _report(folder)["fmax"].values()
    return [clock["achieved"] for clock in fmax if clock["constraint"] >= 0.99 * wanted]


def _check_timing(made: Project, folder: Path) -> None:
    wanted = made.board.clock_hz / 1e6
    reached = min(_clocks(made, folder), default=wanted)
    if reached < 0.999 * wanted:
        raise ToolError(
            f"timing: {reached:.2f} MHz at most, not {wanted:g}: give --clock {int(reached)}, or more stages"
        )


def _read(made: Project, folder: Path, found: Built) -> None:
    family = BOARDS[made.name].family
    used = _report(folder)["utilization"]
    for what, name in family.reported.items():
        if name in used:
            found.cells[what] = used[name]["used"], used[name]["available"]
    found.fmax_mhz = min(_clocks(made, folder), default=None)
    if "flip-flops" not in found.cells:
        netlist = json.loads((folder / f"{TOP}.json").read_text(encoding="utf-8"))
        types = Counter(cell["type"] for cell in netlist["modules"][TOP]["cells"].values())
        flops = sum(count for name, count in types.items() if name.startswith(family.flip_flop))
        found.cells["flip-flops"] = flops, found.cells["logic cells"][1]


def loader(made: Project, product: Path) -> list[str]:
    """Return the command that programs the board."""
    return ["openFPGALoader", "-b", BOARDS[made.name].loader, str(product)]
