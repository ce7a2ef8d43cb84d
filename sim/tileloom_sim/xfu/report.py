"""Figures and tables of the kernel suite, beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tileloom.cli.console import Sheet

from .layers import Kernel
from .suite import INNER_LOOPS, PAPER, Measurement, average, speed_ups


def suite_figures(core: str, measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Return every run, and averages beside the paper's and what the inner loops of CV32E40P allow."""
    ratios = speed_ups(measurements)
    runs = [
        {
            "layer": run.case.kind,
            "channels": run.case.layer.channels,
            "kernel": str(run.case.kernel),
            "group": run.case.group or None,
            "macs": run.case.layer.macs,
            "cycles": run.cycles,
            "instructions": run.instructions,
            "speed_up": round(ratios[run.case], 4),
        }
        for run in measurements
    ]
    averages = [
        {
            "layer": kind,
            "group": group,
            "software": round(software, 4),
            "xdecimate": round(xdecimate, 4),
            "inner_loops_allow": _allowed(core, kind, group),
            "paper": paper[group],
        }
        for kind, paper in PAPER.items()
        for group in paper
        if (software := average(ratios, kind, Kernel.SOFTWARE, group)) is not None
        and (xdecimate := average(ratios, kind, Kernel.XDECIMATE, group)) is not None
    ]
    return {"runs": runs, "averages": averages}


def suite_sheets(title: str, core: str, measurements: Sequence[Measurement]) -> list[Sheet]:
    """Return a table for each kind of layer: cycles of dense 1x2, then speed-ups over it, a line each."""
    sheets = []
    ratios = speed_ups(measurements)
    for kind, paper in PAPER.items():
        runs = [run for run in measurements if run.case.kind == kind]
        if not runs:
            continue
        channels = sorted({run.case.layer.channels for run in runs})
        cycles = {run.case.layer.channels: run.cycles for run in runs if run.case.kernel is Kernel.DENSE_1X2}
        rows = [["dense 1x2, cycles", *(f"{cycles[count]:,}" for count in channels), "", "", ""]]
        for kernel, group in dict.fromkeys((run.case.kernel, run.case.group) for run in runs):
            if kernel is Kernel.DENSE_1X2:
                continue
            line = {
                case.layer.channels: f"{ratio:.2f}"
                for case, ratio in ratios.items()
                if (case.kind, case.kernel, case.group) == (kind, kernel, group)
            }
            allowed = _allowed(core, kind, group) if kernel is Kernel.XDECIMATE else None
            rows.append(
                [
                    f"{kernel} 1:{group}" if group else str(kernel),
                    *(line[count] for count in channels),
                    f"{average(ratios, kind, kernel, group):.2f}",
                    f"{allowed:.2f}" if allowed else "",
                    f"{paper[group]:.2f}" if kernel is Kernel.XDECIMATE else "",
                ]
            )
        headings = [f"{kind}, channels", *map(str, channels), "average", "loops allow", "paper"]
        sheets.append(Sheet(f"{title}: speed-up over dense 1x2", headings, rows))
    return sheets


def _allowed(core: str, kind: str, group: int) -> float | None:
    """Return what the inner loops allow; they are counted for CV32E40P."""
    return round(INNER_LOOPS[kind][group], 4) if core == "cv32e40p" else None
