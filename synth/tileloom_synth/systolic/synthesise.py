"""Synthesis of a systolic array, or of one of its modules: the job behind ``tileloom.synthesise``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileloom.arguments import check_flags
from tileloom.cli.result import Result
from tileloom.config import did_you_mean
from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate

from ..check.report import seed_of_check
from ..options import check_period, choose_library
from ..progress import progress
from ..synthesis import synthesise as synthesise_verilog
from ..tables import remarks, sheets
from .check import check as check_netlist
from .check import refuse_module


def synthesise(
    config: SystolicConfig,
    *,
    files: Sequence[Path] = (),
    kit: str | None = None,
    clock_ps: float | None = None,
    flat: bool = False,
    detail: bool = False,
    module: str | None = None,
    check: bool = False,
    seed: int | None = None,
) -> Result:
    """Map an array to cells.

    Parameters
    ----------
    config:
        The array.
    files, kit:
        Liberty files of one library, or the name of a PDK under $PDK_ROOT; the generic library by default.
    clock_ps:
        A period to meet, in picoseconds.
    flat, detail:
        Flatten the hierarchy first; or keep the parts of the adder apart.
    module:
        Only this module, by its name without the design's: ``processing_element``, ``array_mesh``.
    check, seed:
        Hold the netlist to the golden model and its RTL, on vectors drawn with this seed.

    Raises
    ------
    CheckError
        The netlist is not the design.
    UserError
        The library cannot serve, or there is no such module.
    ToolError
        Yosys or OpenSTA fails.
    """
    check_flags({"flat": flat, "detail": detail})
    check_period(clock_ps)
    chosen = seed_of_check(check, seed)
    if check:
        refuse_module(module)
    if flat and detail:
        raise UserError("give --flat or --detail, not both")
    cells = choose_library(files, kit)
    design = generate(config)
    modules = design.manifest["modules"]
    top = f"{design.name}_{module}" if module else design.name
    if top not in modules:
        names = [name.removeprefix(f"{design.name}_") for name in modules if name != design.name]
        raise UserError(f"--module {module}: no such module{did_you_mean(str(module), names, 'modules')}")
    macs = {None: config.rows * config.columns, "row": config.columns, "processing_element": 1}
    macs["array_mesh"] = macs[None]
    with progress(f"Synthesising {top} to {cells.name}") as on_line:
        report = synthesise_verilog(
            design.verilog,
            top,
            cells,
            hierarchy="flat" if flat else "detail" if detail else "units",
            clock_ps=clock_ps,
            # Of a module below the top the clock has Amaranth's name; the top's may be AXI4-Stream's.
            clock="clk" if module else design.manifest["clock"],
            origins=modules,
            macs=macs.get(module, 0),
            on_line=on_line,
        )
    if not check:
        return Result(report.to_json(), sheets(report), remarks(report))
    checked = check_netlist(config, design, report.mapped, cells, module, chosen)
    figures = {**report.to_json(), "check": checked.to_json()}
    return Result(
        figures, [*sheets(report), checked.sheet()], [*remarks(report), f"seed of the check: {chosen}"]
    )
