"""A design on a board's FPGA: the job behind ``tileloom synth --fpga``, of every family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tileloom.cli.console import Sheet
from tileloom.cli.result import Result
from tileloom.config import Config
from tileloom.errors import UserError
from tileloom.families import family_of

from ..check.report import seed_of_check
from ..options import check_period
from ..progress import progress
from .boards import Board, find
from .check import regress
from .mapping import Mapped, map_design
from .placing import Routed, TooLargeError, place

ROWS = {"lut": "LUTs", "flip_flops": "flip-flops", "dsp": "DSP blocks", "ram": "block memories"}


@dataclass(frozen=True)
class OnFpga(Result):
    """What came of it.

    Attributes
    ----------
    name, netlist:
        Of the design, and its netlist of the FPGA's primitives, Verilog.
    """

    name: str = ""
    netlist: str = field(default="", repr=False)

    def files(self, folder: Path) -> dict[Path, str]:
        """Return what ``tileloom synth --fpga -o`` writes to ``folder``: text by path."""
        return {
            folder / name: text
            for name, text in zip(file_names(self.name), (self.netlist, self.json), strict=True)
        }


def file_names(name: str) -> list[str]:
    """Return the names of the files that a design of this name leaves."""
    return [f"{name}.fpga.v", f"{name}.fpga.json"]


def synthesise(
    config: Config,
    *,
    fpga: str,
    clock_ps: float | None = None,
    check: bool = False,
    seed: int | None = None,
    routed: bool = True,
) -> OnFpga:
    """Map a design to a board's FPGA; place and route it where nextpnr knows the FPGA and the design fits.

    Parameters
    ----------
    config:
        Of any family; of an xDecimate unit without a core around it.
    fpga:
        The board's name, as in ``boards.BOARDS``.
    clock_ps:
        The period to place and route for, in picoseconds; by default the board's own.
    check, seed:
        Simulate the netlist: the family's regression, with this seed.
    routed:
        Place and route it; else it is mapped alone.

    Raises
    ------
    CheckError
        The netlist gives another bit than the golden model.
    UserError
        There is no such board, or an option changes nothing.
    ToolError
        Yosys or nextpnr fails, or is missing.
    """
    board = find(fpga)
    check_period(clock_ps)
    if clock_ps is not None and board.family.nextpnr is None:
        raise UserError(f"--clock: nothing places and routes for {board.name} here, so that nothing is timed")
    chosen = seed_of_check(check, seed)
    family = family_of(config)
    if check and not family.has_room("tileloom_synth", "fpga"):
        raise UserError(f"--check: with --fpga there is none of an {family.title} without its core")
    design = family.room("tileloom", "design").generate(config)
    if design.file_list:
        raise UserError("--fpga: is for what stands alone; this one is the sources of a host core, too")
    with progress(f"Mapping {design.name} to {board.part}") as shown:
        mapped = map_design(design, board, shown)
        used = mapped.used(board.family)
        fits = all(count <= getattr(board, name) for name, count in used.items())
        regression = regress(config, design, mapped, board.family, chosen) if check else None
        timing: Routed | None = None
        packed: dict[str, tuple[int, int]] = {}
        if routed and fits and board.family.nextpnr is not None:
            period = clock_ps or board.period_ps
            try:
                timing = place(mapped, board, design.manifest["clock"], period, shown)
            except TooLargeError as error:
                fits, packed = False, error.packed
    return _result(design.name, board, mapped, used, fits, packed, timing, regression)


def _result(
    name: str,
    board: Board,
    mapped: Mapped,
    used: Mapping[str, int],
    fits: bool,
    packed: Mapping[str, tuple[int, int]],
    routed: Routed | None,
    regression: Mapping[str, Any] | None,
) -> OnFpga:
    there = {resource: getattr(board, resource) for resource in used}
    figures: dict[str, Any] = {
        "name": name,
        "board": board.name,
        "part": board.part,
        "used": dict(used),
        "available": there,
        "fits": fits,
        "packed": {name: {"used": used, "available": of} for name, (used, of) in packed.items()},
        "cells": dict(sorted(mapped.cells.items())),
        "products": dict(mapped.products),
        "timing": None,
    }
    rows = [
        (text, f"{used[resource]:,}", f"{there[resource]:,}", f"{used[resource] / there[resource]:.0%}")
        for resource, text in ROWS.items()
    ]
    sheets = [Sheet(f"{name} on {board.name}, {board.part}", ("", "used", "available", "share"), rows)]
    said = [f"products in {made}: {count}" for made, count in mapped.products.items()]
    if not fits:
        said += [f"nextpnr packs it into {used:,} {name} of {of:,}" for name, (used, of) in packed.items()]
        said.append(f"does not fit {board.part}: not placed")
    if routed is not None:
        figures["timing"] = {**asdict(routed), "met": routed.met}
        met = "met" if routed.met else "NOT met"
        times = [
            ("frequency", f"{routed.fmax_mhz:.1f} MHz"),
            ("placed and routed for", f"{routed.period_ps:g} ps, {1e6 / routed.period_ps:.1f} MHz: {met}"),
        ]
        sheets.append(Sheet(f"Timing by {routed.tool}", (), times))
        path = [(step.what, f"{step.arrival_ns:.2f}") for step in routed.path]
        sheets.append(Sheet("Longest path", ("to", "ns"), path))
    if regression is not None:
        figures["check"] = dict(regression)
        compared = [
            (name.replace("_", " "), f"{value:,}") for name, value in regression.items() if name != "seed"
        ]
        sheets.append(Sheet("Netlist held to the golden model", (), compared))
        said.append(f"seed of the check: {regression['seed']}")
    return OnFpga(figures, sheets, said, name=name, netlist=mapped.verilog)
