"""Synthesis of an xDecimate unit, and of its core without and with it: the job of ``tileloom.synthesise``."""

from __future__ import annotations

from typing import Any, Unpack

from tileloom.arguments import check_flags
from tileloom.cli.console import Sheet, step
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.xfu.config import Host, XfuConfig
from tileloom.xfu.design import generate

from ..check.report import seed_of_check
from ..handoff.result import Synthesis
from ..options import TargetOptions, target
from ..progress import progress
from ..synthesis import synthesise as synthesise_verilog
from ..tables import remarks, sheets
from .check import check as check_netlist
from .overhead import Overhead, core_overhead

CORES = {Host.CV32E40P: "cv32e40p", Host.CV_X_IF: "cv32e40x", Host.PCPI: "picorv32"}
"""The core that a host's unit is compared in."""


def synthesise(
    config: XfuConfig,
    *,
    flat: bool = False,
    check: bool = False,
    seed: int | None = None,
    **options: Unpack[TargetOptions],
) -> Synthesis:
    """Map a unit to cells, and its core without it and with it.

    Parameters
    ----------
    config:
        The unit. In CV32E40P the core is mapped, on CV-X-IF and PCPI the coprocessor and its core, else the
        unit.
    flat:
        Flatten the hierarchy first.
    check, seed:
        Hold the unit's netlist to golden harts, where it is alone or in the coprocessor for CV32E40X, and
        prove the whole equal to its RTL; vectors drawn with this seed.
    options:
        Library, period and constraints, as in ``TargetOptions``; a period is for the unit or the coprocessor
        alone, without a core.

    Returns
    -------
    Synthesis
        Its ``figures`` have ``overhead`` where a core was mapped.

    Raises
    ------
    CheckError
        The netlist is not the design.
    UserError
        The library cannot serve, or the clock of a core was asked for.
    ToolError
        Yosys or OpenSTA fails, or the core is not installed.
    """
    check_flags({"flat": flat})
    chosen = seed_of_check(check, seed)
    if check and config.host is Host.CV32E40P:
        raise UserError(
            "--check: is for xfu-unit, xfu-cv-x-if and xfu-picorv32; in CV32E40P the unit is spread over the "
            "core"
        )
    core = CORES.get(config.host)
    if config.host is Host.CV_X_IF and not config.for_cv32e40x:
        core = None
    if config.host is Host.CV32E40P and options.get("clock_ps") is not None:
        raise UserError(
            "--clock: is for xfu-unit, xfu-cv-x-if and xfu-picorv32; CV32E40P's clock is the core's own"
        )
    goal = target(**options)
    cells = goal.library
    figures: dict[str, Any] = {}
    shown: list[Sheet] = []
    said: list[str] = []
    report = clock = None
    if config.host is not Host.CV32E40P:
        design = generate(config)
        clock = design.manifest["clock"]
        with progress(f"Synthesising {design.name} to {cells.name}") as shown_progress:
            report = synthesise_verilog(
                design.verilog,
                design.name,
                cells,
                hierarchy="flat" if flat else "units",
                constraints=goal.constraints,
                clock=clock,
                origins=design.manifest["modules"],
                progress=shown_progress,
            )
        figures, shown, said = report.to_json(), list(sheets(report)), list(remarks(report))
        if check:
            checked = check_netlist(config, design, report.mapped, cells, chosen)
            figures["check"] = checked.to_json()
            shown.append(checked.sheet())
            said.append(f"seed of the check: {chosen}")
    if core is not None and goal.constraints is None:
        with step(f"Synthesising {core}") as under_way:
            overhead = core_overhead(core, config, cells, flatten=flat, on_step=under_way.show)
        figures |= {"name": design_name(config), "library": cells.name, "overhead": _plain(overhead)}
        shown.append(_sheet(core, overhead))
    return Synthesis(
        figures, shown, said, name=design_name(config), report=report, library=cells, clock=clock
    )


def _plain(overhead: Overhead) -> dict[str, Any]:
    return {
        "without": {"area": overhead.without.area, "gate_equivalents": overhead.without.gate_equivalents},
        "with": {"area": overhead.with_unit.area, "gate_equivalents": overhead.with_unit.gate_equivalents},
        "gate_equivalents": overhead.gate_equivalents,
        "flops": overhead.with_unit.flops - overhead.without.flops,
        "share": overhead.share,
    }


def _sheet(core: str, overhead: Overhead) -> Sheet:
    rows = [
        (area.name, f"{area.area:,.0f}", f"{area.gate_equivalents:,.0f}", f"{area.flops:,}", share)
        for area, share in ((overhead.without, ""), (overhead.with_unit, f"+ {overhead.share:.2%}"))
    ]
    headings = ("", f"area, {overhead.without.unit}", "GE", "flip-flops", "adds")
    return Sheet(f"xDecimate in {core}: area in {overhead.library}", headings, rows)
