"""Synthesis of an engine without its memories: the job behind ``tileloom.synthesise``."""

from __future__ import annotations

from typing import Unpack

from tileloom.design import Design
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate

from ..check.report import seed_of_check
from ..handoff.result import Synthesis
from ..options import Target, TargetOptions, target
from ..progress import progress
from ..report import Report
from ..synthesis import synthesise as synthesise_verilog
from ..tables import remarks, sheets
from ..techmap.memories import models, without
from .check import check as check_netlist


def synthesise(
    config: EngineConfig, *, check: bool = False, seed: int | None = None, **options: Unpack[TargetOptions]
) -> Synthesis:
    """Map an engine to cells; its A buffer and accumulators are taken to be macros and left out.

    Parameters
    ----------
    config:
        The engine.
    check, seed:
        Hold the netlists of compute core and requantisation to the golden model, and all around their
        arithmetic to its RTL, on vectors drawn with this seed.
    options:
        Library, period and constraints, as in ``TargetOptions``.

    Returns
    -------
    Synthesis
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
    chosen = seed_of_check(check, seed)
    goal = target(**options)
    design = generate(config)
    report = map_engine(config, design, goal)
    bits = memory_bits(config)
    left_out = "left out: " + ", ".join(f"{part} {count:,} bits" for part, count in bits.items())
    figures = {**report.to_json(), "memory_bits": bits}
    tables, said = list(sheets(report)), [*remarks(report), left_out]
    if check:
        checked = check_netlist(config, design, report.mapped, goal.library, chosen)
        figures["check"] = checked.to_json()
        tables.append(checked.sheet())
        said.append(f"seed of the check: {chosen}")
    return Synthesis(
        figures,
        tables,
        said,
        name=design.name,
        report=report,
        library=goal.library,
        clock=design.manifest["clock"],
        memories=models(design.verilog, memory_modules(design)),
    )


def map_engine(config: EngineConfig, design: Design, goal: Target) -> Report:
    """Return the report of an engine whose A buffer and accumulators have no area. Raises ToolError."""
    with progress(f"Synthesising {design.name} to {goal.library.name}") as shown:
        return synthesise_verilog(
            without(design.verilog, memory_modules(design)),
            design.name,
            goal.library,
            constraints=goal.constraints,
            clock=design.manifest["clock"],
            origins=design.manifest["modules"],
            macs=config.macs,
            progress=shown,
        )


def memory_modules(design: Design) -> list[str]:
    """Return the names of the modules that macros stand for."""
    return [name for name, part in design.manifest["modules"].items() if part == "memory"]


def memory_bits(config: EngineConfig) -> dict[str, int]:
    """Return the bits of the memories that are left out."""
    bits = {
        "A buffer": 2 * config.m * config.a_words * config.k * config.element_bits,
        "accumulators": 2 * config.acc_tiles * config.m * config.n * config.sum_bits,
    }
    if config.activation_mask:
        bits["mask of A"] = 2 * config.a_words * config.acc_tiles
    rows, columns = config.grid
    bits = {part: count * rows * columns for part, count in bits.items()}
    if config.grid_tile_words:
        bits["memory tiles"] = columns * 2 * config.grid_tile_words * config.k * config.element_bits
    return bits
