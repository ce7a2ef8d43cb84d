"""Synthesis of a systolic array, or of one of its modules: the job behind ``tileloom.synthesise``."""

from __future__ import annotations

from typing import Unpack

from tileloom.arguments import check_flags
from tileloom.config import did_you_mean
from tileloom.errors import ConfigError, UserError
from tileloom.systolic.config import Host, SystolicConfig
from tileloom.systolic.design import generate

from ..check.report import seed_of_check
from ..handoff.result import Synthesis
from ..options import TargetOptions, target
from ..progress import progress
from ..synthesis import synthesise as synthesise_verilog
from ..tables import remarks, sheets
from ..techmap.memories import models, without
from .check import check as check_netlist
from .check import refuse_module


def synthesise(
    config: SystolicConfig,
    *,
    flat: bool = False,
    detail: bool = False,
    module: str | None = None,
    check: bool = False,
    seed: int | None = None,
    **options: Unpack[TargetOptions],
) -> Synthesis:
    """Map an array to cells; its memory of partial sums is taken to be a macro and left out.

    Parameters
    ----------
    config:
        The array.
    flat, detail:
        Flatten the hierarchy first; or keep the parts of the adder apart.
    module:
        Only this module, by its name without the design's: ``processing_element``, ``array_mesh``.
    check, seed:
        Hold the netlist to the golden model and its RTL, on vectors drawn with this seed.
    options:
        Library, period and constraints, as in ``TargetOptions``.

    Returns
    -------
    Synthesis
        Its ``figures`` have ``memory_bits``, the bits of the memory that was left out, where there is one.

    Raises
    ------
    CheckError
        The netlist is not the design.
    ConfigError
        The array is in a core.
    UserError
        The library cannot serve, or there is no such module.
    ToolError
        Yosys or OpenSTA fails.
    """
    check_flags({"flat": flat, "detail": detail})
    chosen = seed_of_check(check, seed)
    if config.host is Host.CV32E40P:
        raise ConfigError("host: a core's files are not mapped with its array; take host unit, or cv-x-if")
    if check:
        refuse_module(module)
    if flat and detail:
        raise UserError("give --flat or --detail, not both")
    goal = target(**options)
    cells = goal.library
    design = generate(config)
    parts = design.manifest["modules"]
    memories = [name for name, part in parts.items() if part == "memory"]
    modules = {name: part for name, part in parts.items() if name not in memories}
    top = f"{design.name}_{module}" if module else design.name
    if top not in modules:
        names = [name.removeprefix(f"{design.name}_") for name in modules if name != design.name]
        raise UserError(f"--module {module}: no such module{did_you_mean(str(module), names, 'modules')}")
    macs = {None: config.rows * config.columns, "row": config.columns, "processing_element": 1}
    macs["array_mesh"] = macs["array_array_mesh"] = macs[None]
    # Of a module below the top the clock has Amaranth's name; the top's may be AXI4-Stream's.
    clock = "clk" if module else design.manifest["clock"]
    with progress(f"Synthesising {top} to {cells.name}") as shown:
        report = synthesise_verilog(
            without(design.verilog, memories),
            top,
            cells,
            hierarchy="flat" if flat else "detail" if detail else "units",
            constraints=goal.constraints,
            clock=clock,
            origins=modules,
            macs=macs.get(module, 0),
            progress=shown,
        )
    figures, shown_sheets, said = report.to_json(), sheets(report), remarks(report)
    if config.accumulators:
        figures["memory_bits"] = {"sums": config.accumulators * config.accumulator.width}
        said = [*said, f"left out: sums {figures['memory_bits']['sums']:,} bits"]
    if check:
        checked = check_netlist(config, design, report.mapped, cells, module, chosen)
        figures["check"] = checked.to_json()
        shown_sheets = [*shown_sheets, checked.sheet()]
        said = [*said, f"seed of the check: {chosen}"]
    return Synthesis(
        figures,
        shown_sheets,
        said,
        name=top,
        report=report,
        library=cells,
        clock=clock,
        memories=models(design.verilog, memories),
    )
