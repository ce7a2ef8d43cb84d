"""The power of SASP's figure 6: by origin, and what INT8 saves of an array's, beside the paper's figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tileloom.api import generate
from tileloom.cli.console import Sheet
from tileloom_synth.library.standard_cells import Library
from tileloom_synth.power.report import BOUNDS, bound_key
from tileloom_synth.report import Report
from tileloom_synth.systolic.activity import activity, random_operands
from tileloom_synth.systolic.array_power import LANES, measure
from tileloom_synth.systolic.element_power import MODES

from .arrays import array

PAPER_SAVING = 0.195
"""How much less power the paper's FP32 x INT8 arrays take than its FP32 x FP32 ones, on average."""

PAPER_MULTIPLIERS = 0.336
"""Share of the multipliers in the power of the paper's 8 x 8 FP32 array."""

NOTES = (
    "zero delay: no glitches, a lower bound; unit delay: an upper bound; with leakage, without wires",
    "The paper's power is of a 28 nm flow with wires and a clock tree, which both kinds of array pay for "
    "alike; so its saving is smaller than that of cells alone, and so is the multipliers' share: "
    f"{PAPER_MULTIPLIERS:.1%} of its 8x8 FP32 array.",
)


@dataclass(frozen=True)
class Row:
    """Power of both arrays of one size.

    Attributes
    ----------
    size:
        Rows and columns.
    origins:
        W with leakage, computing, by weight, bound and origin.
    cycles:
        J of a cycle without leakage, by weight, mode and bound.
    leakage:
        W by weight.
    """

    size: int
    origins: Mapping[str, Mapping[str, Mapping[str, float]]]
    cycles: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    leakage: Mapping[str, float] = field(default_factory=dict)

    def watts(self, weight: str, bound: str) -> float:
        """Power of an array, W."""
        return sum(self.origins[weight][bound].values())

    def saving(self, bound: str) -> float:
        """How much less the INT8 array takes than the FP32 one, 0 to 1."""
        return 1 - self.watts("int8", bound) / self.watts("fp32", bound)

    def multipliers(self, weight: str, bound: str) -> float:
        """Share of the multipliers in an array's power, 0 to 1."""
        return self.origins[weight][bound].get("multiplier", 0.0) / self.watts(weight, bound)


def measure_power(
    reports: Mapping[int, Mapping[str, Report]],
    library: Library,
    period_ps: float,
    seed: int,
    show: Callable[[str], None],
    *,
    double_buffer: bool = False,
) -> list[Row]:
    """Return the power of the mapped ``sasp`` presets, on normally distributed data."""
    rows = []
    for size, both in reports.items():
        origins: dict[str, dict[str, dict[str, float]]] = {}
        cycles: dict[str, dict[str, dict[str, float]]] = {}
        leakage: dict[str, float] = {}
        for weight, report in both.items():
            preset = f"sasp-{size}x{size}-{weight}"
            show(preset)
            config = array(size, weight, double_buffer=double_buffer)
            rng = np.random.default_rng(seed)
            seen = activity(config, random_operands(config, rng), rng, LANES)
            found = measure(
                generate(config),
                config,
                report.mapped,
                library,
                seen,
                rng,
                show=lambda text, preset=preset: show(f"{preset}, {text}"),  # type: ignore[misc]
            )
            origins[weight] = {
                bound: {
                    origin: each.total / (period_ps * 1e-12) + found.leakage[origin]
                    for origin, each in found.energy[bound][MODES[0]].items()
                }
                for bound in BOUNDS
            }
            cycles[weight] = {
                mode.replace(" ", "_"): {bound_key(bound): found.per_cycle(bound, mode) for bound in BOUNDS}
                for mode in MODES
            }
            leakage[weight] = sum(found.leakage.values())
        rows.append(Row(size, origins, cycles, leakage))
    return rows


def mean_saving(rows: list[Row], bound: str) -> float:
    """Return the mean of the rows' savings."""
    return sum(row.saving(bound) for row in rows) / len(rows)


def sheet(rows: list[Row], library: str, period_ps: float) -> Sheet:
    """Return the table, in mW per processing element."""
    cells = []
    for row in rows:
        elements = row.size**2
        told = [
            text
            for bound in BOUNDS
            for text in (
                *(f"{row.watts(weight, bound) * 1e3 / elements:.3f}" for weight in ("fp32", "int8")),
                f"{row.saving(bound):.1%}",
                f"{row.multipliers('fp32', bound):.1%}",
            )
        ]
        cells.append((f"{row.size}x{row.size}", *told, ""))
    means = [text for bound in BOUNDS for text in ("", "", f"{mean_saving(rows, bound):.1%}", "")]
    cells.append(("mean", *means, f"{PAPER_SAVING:.1%}"))
    columns = [
        f"{bound}: {text}" for bound in BOUNDS for text in ("FP32 mW", "INT8 mW", "saves", "FP32 multipliers")
    ]
    title = f"SASP's arrays in {library} at {period_ps:g} ps, power per processing element"
    return Sheet(title, ("size", *columns, "paper saves"), cells)


def to_json(rows: list[Row]) -> dict[str, Any]:
    """Return the table as plain data."""
    return {
        "rows": [
            {
                "size": row.size,
                "watts": {
                    weight: {bound_key(bound): row.watts(weight, bound) for bound in BOUNDS}
                    for weight in row.origins
                },
                "multipliers": {
                    weight: {bound_key(bound): round(row.multipliers(weight, bound), 4) for bound in BOUNDS}
                    for weight in row.origins
                },
                "saving": {bound_key(bound): round(row.saving(bound), 4) for bound in BOUNDS},
                "cycle_j": row.cycles,
                "leakage_w": row.leakage,
            }
            for row in rows
        ],
        "mean_saving": {bound_key(bound): round(mean_saving(rows, bound), 4) for bound in BOUNDS},
        "paper_mean_saving": PAPER_SAVING,
        "paper_multipliers_8x8_fp32": PAPER_MULTIPLIERS,
    }
