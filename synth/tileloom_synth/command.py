"""The command ``tileloom synth``: area, and where a clock is asked for, timing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from tileloom import yosys
from tileloom.cli.console import config_arguments, print_json
from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import Design, generate
from tileloom_explore.paper import chart, sasp

from .library import pdk
from .library import standard_cells as library
from .library.standard_cells import Library
from .progress import progress
from .report import Report
from .synthesis import synthesise
from .tables import print_report
from .timing import TimingError

_PERIOD = re.compile(r"(\d+(?:\.\d+)?) ?(ps|ns)")


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


def synthesise_module(
    design: Design, cells: Library, module: str | None, *, hierarchy: str, clock_ps: float | None
) -> Report:
    """Return the report of ``design``, or of one of its modules by its name without that of the top.

    Raises UserError where there is no such module, click.ClickException where a tool fails.
    """
    top = f"{design.name}_{module}" if module else design.name
    modules = design.manifest["modules"]
    if top not in modules:
        names = [name.removeprefix(f"{design.name}_") for name in modules if name != design.name]
        raise UserError(f"--module {module}: no such module; modules: {', '.join(names)}")
    rows, columns = (design.manifest["config"][name] for name in ("rows", "columns"))
    macs = {None: rows * columns, "mesh": rows * columns, "row": columns, "processing_element": 1}
    # Of a module below the top the clock has Amaranth's name; the top's may be AXI4-Stream's.
    clock = "clk" if module else design.manifest["clock"]
    with _tool_errors(), progress(f"Synthesising {top} to {cells.name}") as on_line:
        return synthesise(
            design.verilog,
            top,
            cells,
            hierarchy=hierarchy,
            clock_ps=clock_ps,
            clock=clock,
            origins=modules,
            macs=macs.get(module, 0),
            on_line=on_line,
        )


def parse_period(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Return the period in picoseconds that ``2ns`` or ``1250ps`` means."""
    if text is None:
        return None
    match = _PERIOD.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise click.BadParameter(f"{text!r} is not a period: give for example 2ns or 1250ps")
    return float(match[1]) * {"ps": 1.0, "ns": 1000.0}[match[2]]


def library_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to map to, and how fast: ``files``, ``kit``, ``clock`` (picoseconds)."""
    options = (
        click.option(
            "--liberty",
            "files",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Liberty file, .gz or not; several make one library.  "
            "[default: a generic one, in gate equivalents]",
        ),
        click.option(
            "--pdk", "kit", metavar="NAME", help="Library of an open PDK under $PDK_ROOT, such as sky130A."
        ),
        click.option(
            "--clock",
            callback=parse_period,
            metavar="PERIOD",
            help="Map for a period, such as 2ns, and report timing.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command("synth", short_help="Synthesise an array and report its area.")
@partial(config_arguments, required=False)
@click.option("--table", type=click.Choice(["sasp"]), help="The paper's eight arrays, in place of CONFIG.")
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --table: draw area by origin to this file.",
)
@library_options
@click.option("--flat", is_flag=True, help="Flatten the hierarchy first: much slower, a little smaller.")
@click.option("--detail", is_flag=True, help="Show the parts of the adder, which makes it a little larger.")
@click.option("--module", metavar="NAME", help="Only this module, such as processing_element.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def synth_command(
    config: SystolicConfig | None,
    table: str | None,
    svg: Path | None,
    files: Sequence[Path],
    kit: str | None,
    clock: float | None,
    flat: bool,
    detail: bool,
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
      tileloom synth --table sasp --svg area.svg
    """
    if (config is None) == (table is None):
        raise click.UsageError("give either CONFIG or --table")
    if flat and detail:
        raise UserError("give --flat or --detail, not both")
    if table and module:
        raise click.UsageError("--module goes with CONFIG, not with --table")
    if svg and not table:
        raise click.UsageError("--svg goes with --table")
    hierarchy = "flat" if flat else "detail" if detail else "units"
    cells = choose_library(files, kit)
    if config is None:
        _print_table(cells, hierarchy, clock, svg, as_json)
        return
    result = synthesise_module(generate(config), cells, module, hierarchy=hierarchy, clock_ps=clock)
    if as_json:
        print_json(result.to_json())
    else:
        print_report(result)


def _print_table(
    cells: Library, hierarchy: str, clock_ps: float | None, svg: Path | None, as_json: bool
) -> None:
    with _tool_errors(), progress(f"Synthesising eight arrays to {cells.name}") as on_line:
        rows = sasp.measure(cells, hierarchy=hierarchy, clock_ps=clock_ps, on_line=on_line)
    if svg:
        try:
            svg.write_text(chart.draw(rows), encoding="utf-8")
        except OSError as error:
            raise UserError(f"{svg}: {error.strerror}") from None
    if as_json:
        print_json(sasp.to_json(rows))
    else:
        sasp.print_rows(rows)


@contextmanager
def _tool_errors() -> Iterator[None]:
    try:
        yield
    except (yosys.YosysError, TimingError) as error:
        raise click.ClickException(str(error)) from None
