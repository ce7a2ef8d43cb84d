"""Synthesis of an engine without its memories: the job behind ``tileloom.synthesise``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileloom.cli.result import Result
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate

from ..check.report import seed_of_check
from ..library.standard_cells import Library
from ..options import check_period, choose_library
from ..progress import progress
from ..report import Report
from ..synthesis import synthesise as synthesise_verilog
from ..tables import remarks, sheets
from ..techmap.memories import without
from .check import check as check_netlist


def synthesise(
    config: EngineConfig,
    *,
    files: Sequence[Path] = (),
    kit: str | None = None,
    clock_ps: float | None = None,
    check: bool = False,
    seed: int | None = None,
) -> Result:
    """Map an engine to cells; its A buffer and accumulators are taken to be macros and left out.

    Parameters
    ----------
    config:
        The engine.
    files, kit:
        Liberty files of one library, or the name of a PDK under $PDK_ROOT; the generic library by default.
    clock_ps:
        A period to meet, in picoseconds.
    check, seed:
        Hold the compute core's netlist to the golden model and that of control to its RTL, on vectors drawn
        with this seed.

    Returns
    -------
    Result
        Its ``figures`` have ``memory_bits``, the bits of the memories that were left out.

    Raises
    ------
    CheckError
        The netlist is not the design.
    UserError
        The library cannot serve.
    ToolError
        Yosys or OpenSTA fails.
    """
    check_period(clock_ps)
    chosen = seed_of_check(check, seed)
    cells = choose_library(files, kit)
    report = map_engine(config, cells, clock_ps)
    bits = memory_bits(config)
    left_out = "left out: " + ", ".join(f"{part} {count:,} bits" for part, count in bits.items())
    figures = {**report.to_json(), "memory_bits": bits}
    tables, told = sheets(report), [*remarks(report), left_out]
    if check:
        checked = check_netlist(config, generate(config), report.mapped, cells, chosen)
        figures["check"] = checked.to_json()
        tables.append(checked.sheet())
        told.append(f"seed of the check: {chosen}")
    return Result(figures, tables, told)


def map_engine(config: EngineConfig, cells: Library, clock_ps: float | None = None) -> Report:
    """Return the report of an engine whose A buffer and accumulators have no area. Raises ToolError."""
    design = generate(config)
    modules = design.manifest["modules"]
    memories = [name for name, part in modules.items() if part == "memory"]
    with progress(f"Synthesising {design.name} to {cells.name}") as on_line:
        return synthesise_verilog(
            without(design.verilog, memories),
            design.name,
            cells,
            clock_ps=clock_ps,
            clock=design.manifest["clock"],
            origins=modules,
            macs=config.m * config.k * config.n,
            on_line=on_line,
        )


def memory_bits(config: EngineConfig) -> dict[str, int]:
    """Return the bits of the memories that are left out."""
    bits = {
        "A buffer": 2 * config.m * config.a_words * config.k * config.element_bits,
        "accumulators": 2 * config.acc_tiles * config.m * config.n * config.sum_bits,
    }
    if config.activation_mask:
        bits["mask of A"] = 2 * config.a_words * config.acc_tiles
    return bits
