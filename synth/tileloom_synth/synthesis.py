"""Synthesis from Verilog to report: one mapping, or with a clock as many as it takes to meet it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import timing
from .flow import Flow
from .library.recipes import Options, for_period
from .library.standard_cells import Library, LibraryError
from .report import Report, report

UNITS = ("multiplier", "adder")
"""Parts of the array that are synthesised as a whole; a boundary within them costs a few per cent of area."""


def synthesise(
    verilog: str,
    top: str,
    library: Library,
    *,
    hierarchy: str = "units",
    clock_ps: float | None = None,
    clock: str = "clk",
    origins: Mapping[str, str] | None = None,
    macs: int = 0,
    on_line: Callable[[str], None] | None = None,
) -> Report:
    """Return the report of ``verilog`` mapped to ``library``.

    Parameters
    ----------
    verilog, top, library:
        The text, the module of it to synthesise, and what to map to.
    hierarchy:
        As in ``Options``.
    clock_ps, clock:
        A period to meet, in picoseconds, and the name of the clock port. Several ways to map are tried, the
        smallest first; the report is of the first that meets the period, or of the fastest if none does.
    origins, macs:
        As in ``report.report``.
    on_line:
        Called with each line of Yosys's log.

    Raises ``yosys.YosysError`` where Yosys or ABC fails, ``timing.TimingError`` where OpenSTA does, and
    LibraryError where there is a period to meet and the library has no delays.
    """
    if clock_ps is not None and library.untimed:
        raise LibraryError(f"{library.untimed}: the library maps for area alone, without --clock")
    origins = origins or {}
    units = [module for module, part in origins.items() if part in UNITS]
    flow = Flow(verilog, top, library, units, on_line)
    options = Options(hierarchy=hierarchy)
    if clock_ps is None:
        return report(flow.map(options), library, origins, macs)
    best: Report | None = None
    best_slack = 0.0
    for variant in for_period(options, clock_ps):
        mapped = flow.map(variant)
        timed = timing.analyse(mapped, library, clock_ps, clock)
        if best is None or timed.slack_ps > best_slack:
            best = report(mapped, library, origins, macs, timed)
            best_slack = timed.slack_ps
        if timed.met:
            break
    assert best is not None
    return best
