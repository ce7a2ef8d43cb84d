"""What ``tileloom synth`` prints for people."""

from __future__ import annotations

from tileloom.cli.console import notes, print_table

from .report import Report
from .timing import Timing


def print_report(result: Report) -> None:
    """Print a report: area by origin, timing where there is some, and how it was mapped."""
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
    print_table(f"{result.name}: area in {result.library}", headings, rows)
    if result.timing:
        _print_timing(result.timing)
    notes.print(
        "\n".join(
            f"{key.replace('_', ' ')}: {value}" for key, value in result.how.items() if value is not None
        ),
        highlight=False,
    )


def _row(name: str, area: float, gates: float, share: float, cells: int, flops: int) -> tuple[str, ...]:
    return (name, *_areas(area, gates), f"{share:.1%}", f"{cells:,}", f"{flops:,}")


def _areas(area: float, gates: float) -> tuple[str, str]:
    return f"{area:,.0f}" if area >= 100 else f"{area:,.2f}", f"{gates:,.0f}"


def _print_timing(timing: Timing) -> None:
    rows = [
        ("clock period", f"{timing.period_ps:g} ps, {'met' if timing.met else 'NOT met'}"),
        ("worst slack", f"{timing.slack_ps:.1f} ps"),
        ("frequency reached", f"{timing.frequency_mhz:.1f} MHz"),
    ]
    if timing.path:
        rows += [("critical path from", timing.start), ("to", timing.end)]
    print_table(f"Timing by {timing.source}", (), rows)
    if timing.path:
        print_table(
            "Critical path",
            ("pin", "cell", "ps"),
            [(step.pin, step.cell, f"{step.arrival_ps:.0f}") for step in timing.path],
        )
