"""The command ``tileloom synth``: area, and where a clock is asked for, timing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from tileloom import yosys
from tileloom.config import SystolicConfig
from tileloom.console import UserError, config_arguments, notes, print_json, print_table, status
from tileloom.generate import Design, generate

from . import library, pdk
from .flow import Flow, Mapped, Options, faster
from .library import Library
from .report import Report, report
from .timing import Timing, analyse, estimate, opensta

_PERIOD = re.compile(r"(\d+(?:\.\d+)?) ?(ps|ns)")


def synthesise(
    design: Design,
    cells: Library,
    *,
    flat: bool = False,
    clock_ps: float | None = None,
    module: str | None = None,
) -> Report:
    """Return the report of ``design``, or of one of its modules, mapped to ``cells``.

    With ``clock_ps`` several ways to map it are tried, and the report is of the smallest that meets the
    period, or of the fastest if none does.

    Raises UserError where the design has no such module, ``yosys.YosysError`` where Yosys fails.
    """
    top = f"{design.name}_{module}" if module else design.name
    if top not in design.manifest["modules"]:
        prefix = f"{design.name}_"
        names = [name.removeprefix(prefix) for name in design.manifest["modules"] if name != design.name]
        raise UserError(f"--module {module}: no such module; modules: {', '.join(names)}")
    flow = Flow(design.verilog, top, cells)
    options = Options(flat=flat)
    timing = None
    if clock_ps is None:
        mapped = flow.map(options)
    else:
        mapped, timing = _meet(flow, options, clock_ps, design.manifest["clock"])
    result = report(mapped, cells, design.manifest["modules"], _macs(design, module))
    return replace(result, timing=timing.to_json()) if timing else result


def _meet(flow: Flow, options: Options, period_ps: float, clock: str) -> tuple[Mapped, Timing]:
    """Return the smallest variant that meets the period, or the fastest, and its timing."""
    tried = []
    for variant in faster(options, period_ps):
        mapped = flow.map(variant)
        timing = (analyse if opensta() else estimate)(mapped, flow.library, period_ps, clock)
        tried.append(
            (not timing.met, _area(mapped, flow.library) if timing.met else -timing.slack_ps, mapped, timing)
        )
    _, _, mapped, timing = min(tried, key=lambda item: item[:2])
    return mapped, timing


def _area(mapped: Mapped, cells: Library) -> float:
    return report(mapped, cells, {}, 0).area


def _macs(design: Design, module: str | None) -> int:
    config = design.manifest["config"]
    return {None: config["rows"] * config["columns"], "row": config["columns"], "processing_element": 1}.get(
        module, 0
    )


def choose_library(files: Sequence[Path], kit: str | None) -> Library:
    """Return the library that the options ``--liberty`` and ``--pdk`` name; without either the generic one.

    Raises UserError that names the file or the kit.
    """
    try:
        if files and kit:
            raise UserError("give --liberty or --pdk, not both")
        if kit:
            return library.load(pdk.find(kit))
        return library.load(files) if files else library.generic()
    except library.LibraryError as error:
        raise UserError(str(error)) from None


def _period(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Return the period in picoseconds that ``2ns`` or ``1250ps`` means."""
    if text is None:
        return None
    match = _PERIOD.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise click.BadParameter(f"{text!r} is not a period: give for example 2ns or 1250ps")
    return float(match[1]) * {"ps": 1.0, "ns": 1000.0}[match[2]]


@click.command("synth", short_help="Synthesise an array and report its area.")
@partial(config_arguments, required=True)
@click.option(
    "--liberty",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Liberty file, .gz or not; several make one library.  [default: a generic one, in gate equivalents]",
)
@click.option("--pdk", "kit", metavar="NAME", help="Library of an open PDK under $PDK_ROOT, such as sky130A.")
@click.option(
    "--clock", callback=_period, metavar="PERIOD", help="Map for a period, such as 2ns, and report timing."
)
@click.option("--flat", is_flag=True, help="Flatten the hierarchy first: slower, a little smaller.")
@click.option("--module", metavar="NAME", help="Only this module, such as processing_element.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def synth_command(
    config: SystolicConfig,
    files: Sequence[Path],
    kit: str | None,
    clock: float | None,
    flat: bool,
    module: str | None,
    as_json: bool,
) -> None:
    """Synthesise an array with Yosys and report its area by origin.

    CONFIG is a preset's name or a TOML file. Areas are those of the library's cells, without wires. A gate
    equivalent (GE) is the area of the library's smallest two-input NAND.

    \b
    Examples:
      tileloom synth stream-8x8-int8
      tileloom synth sasp-16x16-fp32 --liberty nangate45.lib.gz
      tileloom synth stream-8x8-int8 --pdk sky130A --clock 10ns
      tileloom synth stream-8x8-fp32 --module processing_element --flat --clock 2ns
    """
    cells = choose_library(files, kit)
    with status(f"Synthesising {config.name} to {cells.name}"):
        design = generate(config)
        try:
            result = synthesise(design, cells, flat=flat, clock_ps=clock, module=module)
        except yosys.YosysError as error:
            raise click.ClickException(f"Yosys: {error}") from None
    if as_json:
        print_json(result.to_json())
        return
    print_report(result)


def print_report(result: Report) -> None:
    """Print the tables of a report."""
    data: dict[str, Any] = result.to_json()
    rows = [
        (
            origin,
            f"{share['area']:,.0f}",
            f"{share['area'] / result.ge:,.0f}",
            f"{100 * share['area'] / result.area:.1f} %",
            f"{share['cells']:,}",
            f"{share['flops']:,}",
        )
        for origin, share in data["origins"].items()
    ]
    cells = sum(share["cells"] for share in data["origins"].values())
    rows.append(
        (
            "total",
            f"{result.area:,.0f}",
            f"{result.area / result.ge:,.0f}",
            "100 %",
            f"{cells:,}",
            f"{result.flops:,}",
        )
    )
    if result.macs:
        per_mac = result.area / result.macs
        rows.append(
            (f"per MAC ({result.macs})", f"{per_mac:,.0f}", f"{per_mac / result.ge:,.0f}", "", "", "")
        )
    headings = ("origin", f"area, {result.unit}", "GE", "share", "cells", "flip-flops")
    print_table(f"{result.name}: area in {result.library}", headings, rows)
    timing = result.timing
    if timing:
        verdict = "met" if timing["met"] else "NOT met"
        print_table(
            f"Timing by {timing['source']}",
            (),
            [
                ("clock period", f"{timing['period_ps']:g} ps, {verdict}"),
                ("worst slack", f"{timing['worst_slack_ps']:g} ps"),
                ("frequency", f"{timing['frequency_mhz']:g} MHz"),
                ("critical path from", timing["start"] or "not known"),
                ("to", timing["end"] or "not known"),
                ("through", f"{len(timing['path'])} cells" if timing["path"] else "not known"),
            ],
        )
    notes.print(", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in data["how"].items()))
