"""What came of a measurement of power: tables, data and remarks, for every family the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tileloom.cli.console import Sheet
from tileloom.cli.result import Result
from tileloom.errors import ToolError

from ..options import Target
from ..report import Report
from .meter import Energy
from .report import BOUNDS, NOTES, by_bound, by_origin, figures_of, joules


@dataclass(frozen=True)
class Row:
    """A figure in both bounds: its key in data, in J (``..._j``) or W (``..._w``), and words for it."""

    key: str
    text: str
    values: Sequence[float]

    @property
    def told(self) -> list[str]:
        """The values with units."""
        if self.key.endswith("_w"):
            return [f"{value * 1e3:,.3f} mW" for value in self.values]
        return [joules(value) for value in self.values]


def outcome(
    name: str,
    title: str,
    goal: Target,
    report: Report,
    *,
    seed: int,
    energy: Mapping[str, Mapping[str, Energy]],
    leakage: Mapping[str, float],
    rows: Sequence[Row],
    remarks: Sequence[str],
    figures: Mapping[str, Any],
) -> Result:
    """Return the result of a measurement.

    Parameters
    ----------
    name, title:
        Of the design; of what was measured, such as ``NAME: energy of a cycle``.
    goal, report:
        What it was mapped to, for which period, and what came of that.
    seed:
        Of what was drawn.
    energy, leakage:
        J of a cycle by bound and origin, W by origin.
    rows:
        Further figures; power follows from energy and leakage.
    remarks, figures:
        What else is told, and what else is in the data.
    """
    if goal.constraints is None or report.timing is None:
        raise ToolError(f"{name}: was mapped without a period, which power follows from")
    period = goal.constraints.period_ps
    totals = [sum((each.total for each in energy[bound].values()), 0.0) for bound in BOUNDS]
    leaks = sum(leakage.values())
    power = Row(
        "power_w",
        "power, computing, with leakage",
        [total / (period * 1e-12) + leaks for total in totals],
    )
    every = [*rows, power]
    met = report.timing.met
    data = {
        "name": name,
        "library": goal.library.name,
        "period_ps": period,
        "met": met,
        "seed": seed,
        **figures_of(energy, leakage),
        **figures,
        **by_bound(*((row.key, row.values) for row in every)),
    }
    tables = [
        by_origin(f"{title} in {goal.library.name}, computing", energy, leakage),
        Sheet("Dynamic energy", ("", *BOUNDS), [(row.text, *row.told) for row in every]),
    ]
    missed = [] if met else [f"the netlist does not meet {period:g} ps: its cells would be larger"]
    return Result(data, tables, [*NOTES, *remarks, *missed])
