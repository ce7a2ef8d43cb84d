"""A report as tables for people."""

from __future__ import annotations

from tileloom.cli.console import Sheet

from .constraints import Constraints
from .report import Report
from .timing import Timing


def sheets(result: Report) -> list[Sheet]:
    """Return a report's tables: area by origin, and timing where there is some."""
    total = result.area
    rows = [
        _row(origin, share.area, share.area / result.ge, share.area / total, share.cells, share.flops)
        for origin, share in result.shares.items()
    ]
    rows.append(_row("total", total, result.gate_equivalents, 1.0, sum(result.cells.values()), result.flops))
    if result.macs:
        areas = _areas(total / result.macs, result.gate_equivalents / result.macs)
        rows.append((f"per MAC ({result.macs})", *areas, "", "", ""))
    headings = ("origin", f"area, {result.unit}", "GE", "share", "cells", "flip-flops")
    area = Sheet(f"{result.name}: area in {result.library}", headings, rows)
    return [area, *(_timing(result.timing) if result.timing else [])]


def remarks(result: Report) -> list[str]:
    """Return how a report's design was mapped, a line each."""
    how = [
        f"{key.replace('_', ' ')}: {value}" for key, value in result.how.items() if value not in (None, {})
    ]
    return [*how, *(_constraints(result.timing.constraints) if result.timing else [])]


def _row(name: str, area: float, gates: float, share: float, cells: int, flops: int) -> tuple[str, ...]:
    return (name, *_areas(area, gates), f"{share:.1%}", f"{cells:,}", f"{flops:,}")


def _areas(area: float, gates: float) -> tuple[str, str]:
    return f"{area:,.0f}" if area >= 100 else f"{area:,.2f}", f"{gates:,.0f}"


def _timing(timing: Timing) -> list[Sheet]:
    period, setup, hold = timing.constraints.period_ps, timing.setup, timing.hold
    rows = [
        ("clock period", f"{period:g} ps, {'met' if timing.met else 'NOT met'}"),
        ("worst slack, setup", f"{setup.slack_ps:.1f} ps"),
        ("worst slack, hold", f"{hold.slack_ps:.1f} ps" if hold else "not known"),
        ("frequency reached", f"{timing.frequency_mhz:.1f} MHz"),
    ]
    if not setup.steps:
        return [Sheet(f"Timing by {timing.source}", (), rows)]
    rows += [("critical path from", setup.start), ("to", setup.end)]
    steps = [(step.pin, step.cell, f"{step.arrival_ps:.0f}") for step in setup.steps]
    return [
        Sheet(f"Timing by {timing.source}", (), rows),
        Sheet("Critical path", ("pin", "cell", "ps"), steps),
    ]


def _constraints(held: Constraints) -> list[str]:
    """Return what a period was met under, each with what it is in FO4 delays."""
    delays = {
        "input delay": held.input_delay_ps,
        "output delay": held.output_delay_ps,
        "setup uncertainty": held.setup_uncertainty_ps,
        "hold uncertainty": held.hold_uncertainty_ps,
    }
    said = [f"{name} {value:.0f} ps ({value / held.fo4_ps:.3g} FO4)" for name, value in delays.items()]
    said += [f"{held.driving_cell} drives inputs", f"load {held.load_ff:.1f} fF"]
    return [f"constraints: {', '.join(said)}; FO4 is {held.fo4_ps:.1f} ps; ideal clock, no wires"]
