"""Figures and tables of the kernel suite, beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tileloom.cli.console import Sheet

from .functions import FunctionRun
from .layers import Kernel
from .suite import INNER_LOOPS, PAPER, Case, Measurement, average, speed_ups

OVERS = (Kernel.DENSE_1X2, Kernel.DENSE_4X2)
"""What speed-ups are over: the paper's baseline, and the faster dense kernel."""


def suite_figures(core: str, measurements: Sequence[Measurement], *, of_paper: bool = True) -> dict[str, Any]:
    """Return every run, and averages beside what the inner loops of CV32E40P allow and the paper's.

    ``of_paper`` says whether convolutions have the paper's shape: beside others its figures are left out.
    """
    ratios, better = (speed_ups(measurements, over) for over in OVERS)
    runs = [
        {
            "layer": run.case.kind,
            "channels": run.case.layer.channels,
            "kernel": str(run.case.kernel),
            "n": run.case.n if run.case.group else None,
            "group": run.case.group or None,
            "results": "int8" if run.case.int8 else "int32",
            "macs": run.case.layer.macs,
            "cycles": run.cycles,
            "instructions": run.instructions,
            "speed_up": round(ratios[run.case], 4),
            "speed_up_over_4x2": round(better[run.case], 4),
        }
        for run in measurements
    ]
    averages = []
    for kind in PAPER:
        for n, group in _sparsities(measurements):
            found = [
                average(values, kind, kernel, group, n)
                for kernel in (Kernel.SOFTWARE, Kernel.XDECIMATE)
                for values in (ratios, better)
            ]
            if found[2] is None or found[3] is None:
                continue
            names = ("software", "software_over_4x2", "xdecimate", "xdecimate_over_4x2")
            averages.append(
                {
                    "layer": kind,
                    "n": n,
                    "group": group,
                    **{
                        name: None if value is None else round(value, 4)
                        for name, value in zip(names, found, strict=True)
                    },
                    "inner_loops_allow": _allowed(core, kind, group, n),
                    "paper": _paper(kind, group, n, of_paper),
                }
            )
    return {"runs": runs, "averages": averages}


def suite_sheets(
    title: str, core: str, measurements: Sequence[Measurement], *, of_paper: bool = True
) -> list[Sheet]:
    """Return a table for each kind of layer and dense kernel: its cycles, then speed-ups over it."""
    sheets = []
    for kind in PAPER:
        runs = [run for run in measurements if run.case.kind == kind]
        for over in OVERS if runs else ():
            sheets.append(_sheet(title, core, kind, over, runs, of_paper))
    return sheets


def function_figures(runs: Sequence[FunctionRun]) -> list[dict[str, Any]]:
    """Return the figures of the functions beside layers."""
    return [
        {
            "function": run.case.function,
            "channels": run.case.channels,
            "results": run.results,
            "cycles": run.cycles,
            "instructions": run.instructions,
        }
        for run in runs
    ]


def function_sheets(title: str, runs: Sequence[FunctionRun]) -> list[Sheet]:
    """Return a table of the functions beside layers, or none."""
    rows = [
        [
            run.case.function,
            f"{run.case.channels}",
            f"{run.results:,}",
            f"{run.cycles:,}",
            f"{run.cycles / run.results:.1f}",
        ]
        for run in runs
    ]
    headings = ["function", "channels", "results", "cycles", "a result"]
    return [Sheet(f"{title}: functions", headings, rows)] if rows else []


def _sheet(
    title: str, core: str, kind: str, over: Kernel, runs: Sequence[Measurement], of_paper: bool
) -> Sheet:
    ratios = speed_ups(runs, over)
    channels = sorted({run.case.layer.channels for run in runs})
    cycles = {run.case.layer.channels: run.cycles for run in runs if run.case.kernel is over}
    rows = [[f"{over}, cycles", *(f"{cycles[count]:,}" for count in channels), "", "", ""]]
    for kernel, n, group in dict.fromkeys((run.case.kernel, run.case.n, run.case.group) for run in runs):
        if kernel is over:
            continue
        cases = [case for case in ratios if (case.kernel, case.n, case.group) == (kernel, n, group)]
        line = {case.layer.channels: f"{ratios[case]:.2f}" for case in cases}
        # The paper's figures, and what loops allow, are over the dense 1x2 kernel.
        beside = kernel is Kernel.XDECIMATE and over is Kernel.DENSE_1X2
        allowed = _allowed(core, kind, group, n) if beside else None
        paper = _paper(kind, group, n, of_paper) if beside else None
        rows.append(
            [
                cases[0].kernel_name,
                *(line[count] for count in channels),
                f"{average(ratios, kind, kernel, group, n):.2f}",
                f"{allowed:.2f}" if allowed else "",
                f"{paper:.2f}" if paper else "",
            ]
        )
    headings = [f"{kind}, channels", *map(str, channels), "average", "loops allow", "paper"]
    return Sheet(f"{title}: speed-up over {over}{_results(runs[0].case)}", headings, rows)


def _results(case: Case) -> str:
    return ", INT8 results" if case.int8 else ""


def _sparsities(measurements: Sequence[Measurement]) -> list[tuple[int, int]]:
    return list(dict.fromkeys((run.case.n, run.case.group) for run in measurements if run.case.group))


def _paper(kind: str, group: int, n: int, of_paper: bool) -> float | None:
    return PAPER[kind][group] if n == 1 and (of_paper or kind != "convolution") else None


def _allowed(core: str, kind: str, group: int, n: int) -> float | None:
    """Return what the inner loops allow; they are counted for CV32E40P, and of 1:M."""
    return round(INNER_LOOPS[kind][group], 4) if core == "cv32e40p" and n == 1 else None
