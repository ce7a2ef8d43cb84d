"""How long synthesis takes, what keeping the hierarchy costs, and what INT8 weights save.

Run: python benchmarks/synthesis.py [FOLDER] [--json]
FOLDER holds nangate45_typ.lib.gz; without it the generic library stands in, and the saving is not judged.
Targets: 16 x 16 in 60 s and 32 x 32 in 120 s at most; at 4 x 4 within 2 % of the area when flat; FP32 x INT8
at least 35.3 % below FP32 x FP32 in Nangate45, averaged over 4 x 4 to 32 x 32 (SASP's figure).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import note, print_json, print_table
from tileloom.cli.main import Told
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_synth.library import standard_cells as library
from tileloom_synth.library.standard_cells import Library
from tileloom_synth.report import Report
from tileloom_synth.synthesis import synthesise

SIZES = (4, 8, 16, 32)
WEIGHTS = ("fp32", "int8")
SECONDS = {16: 60.0, 32: 120.0}
HIERARCHY_PERCENT = 2.0
SAVING_PERCENT = 35.3
REAL = "nangate45_typ.lib.gz"


def area(size: int, weight: str, cells: Library, hierarchy: str = "units") -> tuple[Report, float]:
    """Return the report of one of the paper's arrays, and the seconds that it took, generation included."""
    start = time.perf_counter()
    design = generate(load(f"sasp-{size}x{size}-{weight}"))
    result = synthesise(
        design.verilog, design.name, cells, hierarchy=hierarchy, origins=design.manifest["modules"]
    )
    return result, time.perf_counter() - start


def figure(name: str, value: float, unit: str, limit: str, met: bool | None) -> dict[str, Any]:
    """Return one measured figure; ``met`` is None where it is not judged."""
    return {"name": name, "value": round(value, 2), "unit": unit, "target": limit, "met": met}


def measure(cells: Library, *, is_real: bool) -> list[dict[str, Any]]:
    """Return all figures."""
    figures, areas = [], {}
    for size in SIZES:
        for weight in WEIGHTS:
            result, seconds = area(size, weight, cells)
            areas[size, weight] = result.area
            limit = SECONDS.get(size)
            figures.append(
                figure(
                    f"synth {size} x {size} {weight}",
                    seconds,
                    "s",
                    f"<= {limit:g}" if limit else "",
                    seconds <= limit if limit else None,
                )
            )
    for weight in WEIGHTS:
        flat, _ = area(4, weight, cells, "flat")
        excess = 100 * (areas[4, weight] / flat.area - 1)
        name = f"hierarchical over flat, 4 x 4 {weight}"
        limit = f"<= {HIERARCHY_PERCENT:g}"
        figures.append(figure(name, excess, "%", limit, abs(excess) <= HIERARCHY_PERCENT))
    savings = [100 * (1 - areas[size, "int8"] / areas[size, "fp32"]) for size in SIZES]
    for size, saving in zip(SIZES, savings, strict=True):
        figures.append(figure(f"INT8 saves, {size} x {size}", saving, "%", "", None))
    mean = sum(savings) / len(savings)
    met = mean >= SAVING_PERCENT if is_real else None
    figures.append(figure("INT8 saves, mean", mean, "%", f">= {SAVING_PERCENT:g} in Nangate45", met))
    return figures


@click.command(cls=Told)
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(folder: Path | None, as_json: bool) -> None:
    """Print seconds, the cost of hierarchy, and the saving of INT8 weights; FOLDER holds Nangate45."""
    path = folder / REAL if folder else None
    if path and path.is_file():
        cells = library.load([path])
    else:
        note(f"{path or 'FOLDER'}: no {REAL}; skipped: the saving in Nangate45")
        cells = library.generic()
    figures = measure(cells, is_real=cells.area_unit != "GE")
    if as_json:
        print_json({"library": cells.name, "figures": figures})
        return
    words = {True: "met", False: "NOT met", None: ""}
    rows = [
        (one["name"], f"{one['value']:.2f}", one["unit"], one["target"], words[one["met"]]) for one in figures
    ]
    print_table(f"Synthesis to {cells.name}", ("", "", "", "target", ""), rows)


if __name__ == "__main__":
    main()
