"""A report as tables for people."""

from __future__ import annotations

from tileloom.cli.console import Sheet

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
    return [f"{key.replace('_', ' ')}: {value}" for key, value in result.how.items() if value is not None]


def _row(name: str, area: float, gates: float, share: float, cells: int, flops: int) -> tuple[str, ...]:
    return (name, *_areas(area, gates), f"{share:.1%}", f"{cells:,}", f"{flops:,}")


def _areas(area: float, gates: float) -> tuple[str, str]:
    return f"{area:,.0f}" if area >= 100 else f"{area:,.2f}", f"{gates:,.0f}"


def _timing(timing: Timing) -> list[Sheet]:
    rows = [
        ("clock period", f"{timing.period_ps:g} ps, {'met' if timing.met else 'NOT met'}"),
        ("worst slack", f"{timing.slack_ps:.1f} ps"),
        ("frequency reached", f"{timing.frequency_mhz:.1f} MHz"),
    ]
    if not timing.path:
        return [Sheet(f"Timing by {timing.source}", (), rows)]
    rows += [("critical path from", timing.start), ("to", timing.end)]
    steps = [(step.pin, step.cell, f"{step.arrival_ps:.0f}") for step in timing.path]
    return [
        Sheet(f"Timing by {timing.source}", (), rows),
        Sheet("Critical path", ("pin", "cell", "ps"), steps),
    ]
