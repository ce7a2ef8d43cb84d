"""What xDecimate costs in area: CV32E40P and CV32E40X with and without it, and the unit alone.

Run: python benchmarks/xfu_area.py [LIBERTY] [--json]
Without a liberty file (figures are quoted for nangate45_typ.lib.gz) the generic library stands in. Takes ten
minutes.
Target: at most 2 % of CV32E40P (COREV_PULP = 1); the paper's unit took 5.0 % of its core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.xfu.config import GROUP_SIZES, Host, XfuConfig
from tileloom_synth.library import standard_cells
from tileloom_synth.library.standard_cells import Library
from tileloom_synth.xfu.overhead import Area, Overhead, core_area, core_overhead, unit_areas

TARGET_PERCENT = 2.0
PAPER_PERCENT = 5.0
CONFIGS = (GROUP_SIZES, *((size,) for size in GROUP_SIZES))
CORES = {"cv32e40p": Host.CV32E40P, "cv32e40x": Host.CV_X_IF}


def measure(cells: Library) -> list[dict[str, Any]]:
    """Return all figures: areas in gate equivalents, and overheads in percent."""
    figures = []
    for core, host in CORES.items():
        for flatten, configs in ((False, CONFIGS), (True, CONFIGS[:1])):
            flat = ", flat" if flatten else ""
            with step(f"{core}{flat}"):
                alone = core_area(core, None, cells, flatten=flatten)
            figures.append(figure(f"{core}{flat}", "", alone))
            for sizes in configs:
                with step(f"{core}{flat}, with xDecimate for M of {words(sizes)}"):
                    overhead = core_overhead(
                        core, XfuConfig(host=host, group_sizes=sizes), cells, flatten=flatten, without=alone
                    )
                figures.append(figure(f"{core}{flat}: with", words(sizes), overhead.with_unit, overhead))
    for sizes in CONFIGS:
        with step(f"the unit for M of {words(sizes)}"):
            areas = unit_areas(XfuConfig(group_sizes=sizes), cells)
        figures += [figure(area.name, words(sizes), area) for area in areas]
    return figures


def words(sizes: tuple[int, ...]) -> str:
    """Return group sizes for people."""
    return ", ".join(map(str, sizes))


def figure(name: str, sizes: str, area: Area, overhead: Overhead | None = None) -> dict[str, Any]:
    """Return one row; with ``overhead``, what the unit adds too."""
    row = {"name": name, "m": sizes, "ge": round(area.gate_equivalents), "flops": area.flops}
    if overhead is not None:
        row["overhead_ge"] = round(overhead.gate_equivalents)
        row["overhead_percent"] = round(100 * overhead.share, 2)
    return row


@click.command(cls=Told)
@click.argument("liberty", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(liberty: Path | None, as_json: bool) -> None:
    """Print the area of cores and unit, in the cells of the file LIBERTY."""
    cells = standard_cells.load([liberty]) if liberty else standard_cells.generic()
    figures = measure(cells)
    if as_json:
        print_json({"library": cells.name, "target_percent": TARGET_PERCENT, "figures": figures})
        return
    rows = []
    for one in figures:
        percent = one.get("overhead_percent")
        judged = percent is not None and one["name"].startswith("cv32e40p:")
        met = ("met" if percent <= TARGET_PERCENT else "NOT met") if judged else ""
        cost = ("", "") if percent is None else (str(one["overhead_ge"]), f"{percent:.2f} %")
        rows.append((one["name"], one["m"], str(one["ge"]), str(one["flops"]), *cost, met))
    title = f"xDecimate in {cells.name}, gate equivalents"
    target = f"<= {TARGET_PERCENT:g} %"
    print_table(title, ("", "M", "GE", "flip-flops", "adds", f"paper {PAPER_PERCENT:g} %", target), rows)


if __name__ == "__main__":
    main()
