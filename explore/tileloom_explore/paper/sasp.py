"""The area table of SASP: both processing elements at the paper's four sizes, beside the paper's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tileloom.api import generate
from tileloom.cli.console import note, print_json, print_table, step
from tileloom.cli.options import Number
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom_synth.alike import map_alike
from tileloom_synth.constraints import Constraints
from tileloom_synth.library.standard_cells import Library
from tileloom_synth.options import library_options, power_target, target
from tileloom_synth.progress import progress
from tileloom_synth.report import Report
from tileloom_synth.synthesis import synthesise

from . import chart, sasp_power, sasp_time

SIZES = (4, 8, 16, 32)
WEIGHTS = ("fp32", "int8")

PAPER_UM2 = {
    "fp32": {4: 3125, 8: 3281, 16: 3242, 32: 3262},
    "int8": {4: 1875, 8: 2188, 16: 2070, 32: 2080},
}
"""Area of the paper's arrays per processing element, in um2 of its 28 nm library."""

PAPER_GE_UM2 = 0.49
"""What a gate equivalent is taken to be in 28 nm, in um2: the paper does not give its library's NAND."""

PAPER_SAVING = 0.353
"""How much smaller the paper's FP32 x INT8 arrays are than its FP32 x FP32 ones, on average."""


@dataclass(frozen=True)
class Row:
    """Both arrays of one size."""

    size: int
    reports: dict[str, Report]

    @property
    def saving(self) -> float:
        """How much smaller the INT8 array is than the FP32 one, 0 to 1."""
        return 1 - self.reports["int8"].area / self.reports["fp32"].area


def measure(
    library: Library,
    *,
    hierarchy: str = "units",
    constraints: Constraints | None = None,
) -> list[Row]:
    """Return the table's rows: the eight ``sasp`` presets in ``library``, mapped as ``synthesise`` does.

    With constraints the arrays of the smallest size are mapped until they meet the period, and the others as
    those of their kind.
    """
    reports: dict[int, dict[str, Report]] = {size: {} for size in SIZES}
    for weight in WEIGHTS:
        smallest: Report | None = None
        for size in SIZES:
            design = generate(f"sasp-{size}x{size}-{weight}")
            with progress(f"Synthesising {design.name} to {library.name}") as shown:
                if constraints is not None and smallest is not None:
                    found = map_alike(design, size * size, smallest, library, shown)
                else:
                    found = synthesise(
                        design.verilog,
                        design.name,
                        library,
                        hierarchy=hierarchy,
                        constraints=constraints,
                        clock=design.manifest["clock"],
                        origins=design.manifest["modules"],
                        macs=size * size,
                        progress=shown,
                    )
            smallest = smallest or found
            reports[size][weight] = found
    return [Row(size, each) for size, each in reports.items()]


def to_json(rows: list[Row]) -> dict[str, Any]:
    """Return the table as plain data."""
    return {
        "rows": [
            {
                "size": row.size,
                **{weight: row.reports[weight].to_json() for weight in WEIGHTS},
                "saving": round(row.saving, 4),
                "paper_um2_per_mac": {weight: PAPER_UM2[weight][row.size] for weight in WEIGHTS},
                "paper_saving": round(_paper_saving(row.size), 4),
            }
            for row in rows
        ],
        "mean_saving": round(_mean(rows), 4),
        "paper_mean_saving": PAPER_SAVING,
    }


def print_rows(rows: list[Row]) -> None:
    """Print the table."""
    unit, name = (getattr(rows[0].reports["fp32"], field) for field in ("unit", "library"))
    digits = 0 if rows[0].reports["fp32"].area > 1000 * rows[0].size ** 2 else 1
    cells = [
        (
            f"{row.size}x{row.size}",
            *(f"{row.reports[weight].area / row.size**2:,.{digits}f}" for weight in WEIGHTS),
            *(f"{row.reports[weight].gate_equivalents / row.size**2:,.0f}" for weight in WEIGHTS),
            f"{row.saving:.1%}",
            *(f"{PAPER_UM2[weight][row.size] / PAPER_GE_UM2:,.0f}" for weight in WEIGHTS),
            f"{_paper_saving(row.size):.1%}",
        )
        for row in rows
    ]
    cells.append(("mean", "", "", "", "", f"{_mean(rows):.1%}", "", "", f"{PAPER_SAVING:.1%}"))
    headings = (
        "size",
        *(f"FP32 {unit}", f"INT8 {unit}", "FP32 GE", "INT8 GE", "saves"),
        *("paper FP32 GE", "paper INT8 GE", "saves"),
    )
    print_table(f"SASP's arrays in {name}, per processing element", headings, cells)
    note(f"The paper's figures are um2 per PE of 28 nm; a GE is taken to be {PAPER_GE_UM2} um2.")


def _paper_saving(size: int) -> float:
    return 1 - PAPER_UM2["int8"][size] / PAPER_UM2["fp32"][size]


def _mean(rows: list[Row]) -> float:
    return sum(row.saving for row in rows) / len(rows)


@click.command("sasp", short_help="SASP: area and power of its eight arrays.")
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw area by origin to this file, too."
)
@click.option("--flat", is_flag=True, help="Flatten the hierarchy first: much slower, a little smaller.")
@click.option("--power", is_flag=True, help="Power too; with --liberty or --pdk, and --clock.")
@click.option("--time", "timed", is_flag=True, help="In place of area: time of the paper's encoder.")
@click.option(
    "--kept",
    type=Number(0, 1, above=True),
    metavar="SHARE",
    help="Of --time: share of feed-forward tiles that are kept, drawn at random.  [default: 1]",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Of --power and --kept: replay.  [default: 0]"
)
@click.option("--force", is_flag=True, help="Overwrite the file of --svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def sasp_command(
    files: Sequence[Path],
    kit: str | None,
    clock_ps: float | None,
    svg: Path | None,
    flat: bool,
    power: bool,
    timed: bool,
    kept: float | None,
    seed: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Synthesise the eight arrays of the SASP paper and set their area beside the paper's (Fig. 6).

    \b
    Examples:
      tileloom paper sasp
      tileloom paper sasp --liberty nangate45.lib.gz --svg area.svg
      tileloom paper sasp --liberty nangate45.lib.gz --clock 4ns --power

    With --power their power, too: what INT8 weights save of it, for both bounds of glitches. With --time the
    run time of the paper's encoder on CV32E40P with each array instead, beside software alone.
    """
    if kept is not None and not timed:
        raise UserError("--kept: is of --time")
    if timed:
        mapping = {"--svg": svg, "--flat": flat, "--power": power, "--clock": clock_ps, "--pdk": kit}
        for option, value in ({"--liberty": files} | mapping).items():
            if value:
                raise UserError(f"{option}: not with --time, which maps nothing to cells")
        rows = list(sasp_time.measure_time(1.0 if kept is None else kept, seed or 0))
        if as_json:
            print_json(sasp_time.to_json(rows))
        else:
            sasp_time.print_time(rows)
        return
    outputs = claim({"--svg": svg}, inputs=files, force=force)
    if seed is not None and not power:
        raise UserError("--seed: is of --power; nothing else is drawn")
    chosen = power_target if power else target
    goal = chosen(files=files, kit=kit, clock_ps=clock_ps)
    hierarchy = "flat" if flat else "units"
    if flat and clock_ps is not None:
        raise UserError("--flat: with --clock arrays are mapped module by module, as the smallest needs it")
    arrays = measure(goal.library, hierarchy=hierarchy, constraints=goal.constraints)
    if svg:
        outputs.write({svg: chart.draw(arrays)})
    watts: list[sasp_power.Row] = []
    if power and clock_ps is not None:
        reports = {row.size: row.reports for row in arrays}
        with step("Measuring power") as shown_power:
            watts = sasp_power.measure_power(reports, goal.library, clock_ps, seed or 0, shown_power.show)
    if as_json:
        print_json({**to_json(arrays), **({"power": sasp_power.to_json(watts)} if watts else {})})
        return
    print_rows(arrays)
    if clock_ps is not None:
        met = all(report.timing and report.timing.met for report in arrays[0].reports.values())
        size = f"{arrays[0].size}x{arrays[0].size}"
        note(
            f"{clock_ps:g} ps is {'met' if met else 'NOT met'} at {size}; larger arrays are mapped like it, "
            "and not timed"
        )
    if watts and clock_ps is not None:
        sasp_power.sheet(watts, goal.library.name, clock_ps).show()
        for text in sasp_power.NOTES:
            note(text)


sasp_command.params = [*library_options(), *sasp_command.params]
