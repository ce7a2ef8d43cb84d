"""Energies as tables for people and plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tileloom.cli.console import Sheet

from .meter import Energy

BOUNDS = ("zero delay", "unit delay")
"""Of a net's toggles in a cycle: one at most, as if cells took no time; all that come if each takes as long.

The first leaves glitches out, and is too low. The second counts all that a netlist can make when no cell is
faster than another, those too short to get through a cell among them, and is too high.
"""


def bound_key(bound: str) -> str:
    """Return what one of ``BOUNDS`` is called in plain data."""
    return bound.replace(" ", "_")


NOTES = (
    "zero delay: no glitches, a lower bound; unit delay: all cells take equally long, an upper bound",
    "no wires and no clock tree: the charge is that of pins, a typical layout adds its own",
)
"""What goes with every figure."""

UNITS = ((1e-3, "mJ"), (1e-6, "uJ"), (1e-9, "nJ"), (1e-12, "pJ"))


def joules(energy: float) -> str:
    """Return an energy with a unit that suits it."""
    for unit, name in UNITS:
        if abs(energy) >= unit:
            return (
                f"{energy / unit:,.3g} {name}"
                if abs(energy) < 1000 * unit
                else f"{energy / unit:,.0f} {name}"
            )
    return f"{energy * 1e15:,.3g} fJ"


def microwatts(power: float) -> str:
    """Return a power in uW: libraries leak by a factor of thousands differently."""
    return f"{power * 1e6:,.2f}" if power >= 1e-6 else f"{power * 1e6:.3g}"


def by_origin(title: str, energy: Mapping[str, Mapping[str, Energy]], leakage: Mapping[str, float]) -> Sheet:
    """Return the table of energy by origin (pJ a cycle) for each bound, and of leakage (uW)."""
    first = energy[BOUNDS[0]]
    totals = {bound: sum((each.total for each in origins.values()), 0.0) for bound, origins in energy.items()}
    rows = []
    for origin in first:
        own = [energy[bound][origin].total for bound in BOUNDS]
        shares = [f"{part / totals[bound]:.1%}" for part, bound in zip(own, BOUNDS, strict=True)]
        cells = [
            text for part, share in zip(own, shares, strict=True) for text in (f"{part * 1e12:,.3f}", share)
        ]
        rows.append((origin, *cells, microwatts(leakage[origin])))
    whole = [text for bound in BOUNDS for text in (f"{totals[bound] * 1e12:,.3f}", "100.0%")]
    rows.append(("total", *whole, microwatts(sum(leakage.values()))))
    headings = ("origin", "zero delay, pJ", "share", "unit delay, pJ", "share", "leakage, uW")
    return Sheet(title, headings, rows)


def by_bound(*named: tuple[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Return figures that have a value in each of ``BOUNDS``, by their names and the bounds'."""
    return {
        name: {bound_key(bound): value for bound, value in zip(BOUNDS, values, strict=True)}
        for name, values in named
    }


def figures_of(energy: Mapping[str, Mapping[str, Energy]], leakage: Mapping[str, float]) -> dict[str, Any]:
    """Return the same as plain data: pJ a cycle by origin and what it is spent on, uW of leakage."""
    return {
        "pj_per_cycle": {
            bound_key(bound): {
                origin: {
                    "internal": round(each.internal * 1e12, 6),
                    "nets": round(each.nets * 1e12, 6),
                    "clock": round(each.clock * 1e12, 6),
                }
                for origin, each in origins.items()
            }
            for bound, origins in energy.items()
        },
        "leakage_uw": {origin: round(watts * 1e6, 6) for origin, watts in leakage.items()},
    }
