"""Synthesis from Verilog to report: one mapping, or with a clock as many as it takes to meet it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import timing
from .constraints import Constraints
from .flow import Flow
from .library.recipes import Options, for_period
from .library.standard_cells import Library
from .progress import Progress
from .report import Report, report

UNITS = ("multiplier", "adder")
"""Parts of the array that are synthesised as a whole; a boundary within them costs a few per cent of area."""


def synthesise(
    verilog: str,
    top: str,
    library: Library,
    *,
    hierarchy: str = "units",
    constraints: Constraints | None = None,
    clock: str = "clk",
    origins: Mapping[str, str] | None = None,
    macs: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Return the report of ``verilog`` mapped to ``library``.

    Parameters
    ----------
    verilog, top, library:
        The text, the module of it to synthesise, and what to map to.
    hierarchy:
        As in ``Options``.
    constraints, clock:
        A period to meet, under what conditions, and the name of the clock port. Several ways to map are
        tried, the smallest first; the report is of the first that meets it, or of the fastest if none does.
    origins, macs:
        As in ``report.report``.
    progress:
        Told what is being tried, and each line of Yosys's log.

    Raises ``yosys.YosysError`` where Yosys or ABC fails, and ``timing.TimingError`` where OpenSTA does.
    """
    progress = progress or Progress()
    origins = origins or {}
    units = [module for module, part in origins.items() if part in UNITS]
    flow = Flow(verilog, top, library, units, progress.line)
    options = Options(hierarchy=hierarchy)
    if constraints is None:
        return report(flow.map(options), library, origins, macs)
    options = replace(options, driver=constraints.driving_cell)
    variants = list(for_period(options, constraints.within_ps))
    best: Report | None = None
    best_slack = 0.0
    for number, variant in enumerate(variants, 1):
        way = f"way {number} of {len(variants)}"
        progress.stage(f"{way}, {variant.logic} with {variant.prefix}")
        mapped = flow.map(variant)
        progress.stage(f"{way}, timing")
        timed = timing.analyse(mapped, library, constraints, clock)
        if best is None or timed.setup.slack_ps > best_slack:
            sdc = timing.sdc(mapped, library, constraints, clock)
            best = report(mapped, library, origins, macs, timed, sdc)
            best_slack = timed.setup.slack_ps
        if timed.met:
            break
    assert best is not None
    return best
