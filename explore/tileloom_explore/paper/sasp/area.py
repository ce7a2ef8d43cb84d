"""The areas of SASP's figure 6: both processing elements at its four sizes, beside its own figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tileloom.api import generate
from tileloom.cli.console import note, print_table
from tileloom_synth.alike import map_alike
from tileloom_synth.constraints import Constraints
from tileloom_synth.library.standard_cells import Library
from tileloom_synth.progress import progress
from tileloom_synth.report import Report
from tileloom_synth.synthesis import synthesise

from .arrays import SIZES, WEIGHTS, array

PAPER_UM2 = {
    "fp32": {4: 3125, 8: 3281, 16: 3242, 32: 3262},
    "int8": {4: 1875, 8: 2188, 16: 2070, 32: 2080},
}
"""Area of the paper's arrays per processing element, in um2 of its 28 nm library."""

PAPER_GE_UM2 = 0.49
"""What a gate equivalent is taken to be in 28 nm, in um2: the paper does not give its library's NAND."""

PAPER_SAVING = 0.353
"""How much smaller the paper's FP32 x INT8 arrays are than its FP32 x FP32 ones, on average."""

PAPER_MULTIPLIERS = 0.556
"""Share of the multipliers in the area of the paper's 8 x 8 FP32 array."""


@dataclass(frozen=True)
class Row:
    """Both arrays of one size."""

    size: int
    reports: dict[str, Report]

    @property
    def saving(self) -> float:
        """How much smaller the INT8 array is than the FP32 one, 0 to 1."""
        return 1 - self.reports["int8"].area / self.reports["fp32"].area

    def multipliers(self, weight: str) -> float:
        """Share of the multipliers in an array's area, 0 to 1; 0 of a flat one: they are not told apart."""
        report = self.reports[weight]
        return report.shares["multiplier"].area / report.area if "multiplier" in report.shares else 0.0


def measure(
    library: Library,
    *,
    hierarchy: str = "units",
    constraints: Constraints | None = None,
    double_buffer: bool = False,
) -> list[Row]:
    """Return the table's rows: the eight ``sasp`` presets in ``library``, mapped as ``synthesise`` does.

    With constraints the arrays of the smallest size are mapped until they meet the period, and the others as
    those of their kind.
    """
    reports: dict[int, dict[str, Report]] = {size: {} for size in SIZES}
    for weight in WEIGHTS:
        smallest: Report | None = None
        for size in SIZES:
            design = generate(array(size, weight, double_buffer=double_buffer))
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
                "multipliers": {weight: round(row.multipliers(weight), 4) for weight in WEIGHTS},
                "paper_um2_per_mac": {weight: PAPER_UM2[weight][row.size] for weight in WEIGHTS},
                "paper_saving": round(_paper_saving(row.size), 4),
            }
            for row in rows
        ],
        "mean_saving": round(_mean(rows), 4),
        "paper_mean_saving": PAPER_SAVING,
        "paper_multipliers_8x8_fp32": PAPER_MULTIPLIERS,
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
            *(f"{row.multipliers(weight):.1%}" for weight in WEIGHTS),
            *(f"{PAPER_UM2[weight][row.size] / PAPER_GE_UM2:,.0f}" for weight in WEIGHTS),
            f"{_paper_saving(row.size):.1%}",
        )
        for row in rows
    ]
    cells.append(("mean", *[""] * 4, f"{_mean(rows):.1%}", *[""] * 4, f"{PAPER_SAVING:.1%}"))
    headings = (
        "size",
        *(f"FP32 {unit}", f"INT8 {unit}", "FP32 GE", "INT8 GE", "saves"),
        *("FP32 multipliers", "INT8 multipliers"),
        *("paper FP32 GE", "paper INT8 GE", "saves"),
    )
    print_table(f"SASP's arrays in {name}, per processing element", headings, cells)
    note(
        f"The paper's figures are um2 per PE of 28 nm; a GE is taken to be {PAPER_GE_UM2} um2. "
        f"Multipliers are {PAPER_MULTIPLIERS:.1%} of the area of its 8x8 FP32 array."
    )


def _paper_saving(size: int) -> float:
    return 1 - PAPER_UM2["int8"][size] / PAPER_UM2["fp32"][size]


def _mean(rows: list[Row]) -> float:
    return sum(row.saving for row in rows) / len(rows)
