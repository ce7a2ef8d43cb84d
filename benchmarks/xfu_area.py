"""What xDecimate costs in area: CV32E40P and CV32E40X with and without it, and the unit alone.

Run: python benchmarks/xfu_area.py [FOLDER] [--json]
FOLDER holds nangate45_typ.lib.gz; without it the generic library stands in. Takes about ten minutes.
Target: at most 2 % of CV32E40P (COREV_PULP = 1); the paper's unit took 5.0 % of its core.

Both cores keep their modules, so that what does not change is mapped the same to the cell. For all M they are
also measured flat, where what serves nothing is gone and 200 GE of a difference may be ABC's chance. The one
clock gate of each, a model for simulation, is left out. CV32E40X is built for CV-X-IF (X_EXT = 1), with
and without the adapter, its debug request tied off; flat, without the adapter, what serves CV-X-IF goes too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import notes, print_json, print_table, status
from tileloom.cores import CV32E40P, CV32E40X, Sources
from tileloom.errors import UserError
from tileloom.xfu.config import GROUP_SIZES, XfuConfig
from tileloom.xfu.cv32e40p import stages as cv32e40p
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom.xfu.design import Form, generate_xfu
from tileloom_sim.riscv.system import HERE
from tileloom_synth.library import standard_cells as library
from tileloom_synth.library.standard_cells import Library
from tileloom_synth.report import Report
from tileloom_synth.synthesis import synthesise
from tileloom_synth.system_verilog import to_verilog

TARGET_PERCENT = 2.0
PAPER_PERCENT = 5.0
REAL = "nangate45_typ.lib.gz"
CONFIGS = (GROUP_SIZES, *((size,) for size in GROUP_SIZES))


def ungated(sources: Sources) -> Sources:
    """Return the sources with the model of a clock gate replaced by a wire."""
    gate = next(name for name in sources if name.endswith("sim_clock_gate.sv"))
    (module,) = re.findall(r"^module (\w+)", sources[gate], re.MULTILINE)
    ports = "input clk_i, en_i, scan_cg_en_i, output clk_o"
    wire = f"module {module} #(parameter LIB = 0) ({ports}); assign clk_o = clk_i; endmodule\n"
    return {**sources, gate: wire}


def cv32e40p_core(sizes: tuple[int, ...] | None, cells: Library, *, flatten: bool) -> Report:
    """Return the report of CV32E40P with the unit for these M, or without any."""
    sources = CV32E40P.sources()
    if sizes:
        sources = patch_sources(sources, XfuConfig(group_sizes=sizes))
    top = "cv32e40p_core"
    verilog = to_verilog(ungated(sources), top, parameters={"COREV_PULP": 1}, flatten=flatten)
    return synthesise(verilog, top, cells)


def cv32e40x_core(sizes: tuple[int, ...] | None, cells: Library, *, flatten: bool) -> Report:
    """Return the report of CV32E40X with the adapter for these M attached, or with none."""
    sources, defines = ungated(CV32E40X.sources()), {}
    if sizes:
        adapter = generate_xfu(XfuConfig(group_sizes=sizes))
        sources["adapter.v"] = adapter.verilog
        defines["TILELOOM_COPROCESSOR"] = adapter.name
    sources["wrapper.sv"] = (HERE / "rtl" / "cv32e40x.sv").read_text()
    top = "tileloom_riscv_core"
    return synthesise(to_verilog(sources, top, defines=defines, flatten=flatten), top, cells)


def unit_parts(sizes: tuple[int, ...], cells: Library) -> Iterator[tuple[str, Report]]:
    """Yield the reports of the unit's forms, alone."""
    config = XfuConfig(group_sizes=sizes)
    verilog = cv32e40p.stages(config)
    for stage in ("decode", "execute", "merge"):
        yield f"CV32E40P, {stage}", synthesise(verilog, f"{cv32e40p.PREFIX}_{stage}", cells, hierarchy="flat")
    for name, form in (("unit", Form.UNIT), ("CV-X-IF adapter", Form.CV_X_IF)):
        design = generate_xfu(config, form)
        yield name, synthesise(design.verilog, design.name, cells, hierarchy="flat")


def measure(cells: Library) -> list[dict[str, Any]]:
    """Return all figures: areas in gate equivalents, and overheads in percent."""
    figures = []
    for name, core in (("CV32E40P", cv32e40p_core), ("CV32E40X", cv32e40x_core)):
        for flatten, configs in ((False, CONFIGS), (True, CONFIGS[:1])):
            title = f"{name}, flat" if flatten else name
            with status(f"{title}, without xDecimate"):
                alone = core(None, cells, flatten=flatten)
            figures.append(figure(title, "", alone))
            for sizes in configs:
                with status(f"{title}, with xDecimate for M of {words(sizes)}"):
                    report = core(sizes, cells, flatten=flatten)
                figures.append(figure(f"{title}: with", words(sizes), report, alone))
    for sizes in CONFIGS:
        figures += [figure(name, words(sizes), report) for name, report in unit_parts(sizes, cells)]
    return figures


def words(sizes: tuple[int, ...]) -> str:
    """Return group sizes for people."""
    return ", ".join(map(str, sizes))


def figure(name: str, sizes: str, report: Report, alone: Report | None = None) -> dict[str, Any]:
    """Return one row; with ``alone``, the core without the unit, the overhead too."""
    row = {"name": name, "m": sizes, "ge": round(report.gate_equivalents), "flops": report.flops}
    if alone is not None:
        row["overhead_ge"] = round(report.gate_equivalents - alone.gate_equivalents)
        row["overhead_percent"] = round(100 * (report.area / alone.area - 1), 2)
    return row


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(folder: Path | None, as_json: bool) -> None:
    """Print the area of cores and unit; FOLDER holds Nangate45."""
    path = folder / REAL if folder else None
    if path and path.is_file():
        try:
            cells = library.load([path])
        except library.LibraryError as error:
            raise UserError(str(error)) from None
    else:
        notes.print(f"{path or 'FOLDER'}: no {REAL}; the generic library stands in", highlight=False)
        cells = library.generic()
    figures = measure(cells)
    if as_json:
        print_json({"library": cells.name, "target_percent": TARGET_PERCENT, "figures": figures})
        return
    rows = []
    for one in figures:
        percent = one.get("overhead_percent")
        judged = percent is not None and one["name"].startswith("CV32E40P")
        met = ("met" if percent <= TARGET_PERCENT else "NOT met") if judged else ""
        cost = ("", "") if percent is None else (str(one["overhead_ge"]), f"{percent:.2f} %")
        rows.append((one["name"], one["m"], str(one["ge"]), str(one["flops"]), *cost, met))
    title = f"xDecimate in {cells.name}, gate equivalents"
    target = f"<= {TARGET_PERCENT:g} %"
    print_table(title, ("", "M", "GE", "flip-flops", "adds", f"paper {PAPER_PERCENT:g} %", target), rows)


if __name__ == "__main__":
    main()
