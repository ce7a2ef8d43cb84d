"""Synthesis from Verilog to report: one mapping, or with a clock as many as it takes to meet it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from . import timing
from .constraints import Constraints
from .flow import Flow
from .library.recipes import Options, for_period
from .library.standard_cells import Library
from .progress import Progress
from .report import Report, report

UNITS = ("multiplier", "adder", "dot product", "requantise")
"""Parts that are synthesised as a whole; a boundary within them costs a few per cent of area."""


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
        A period to meet, under what conditions, and the name of the clock port. The design is mapped the
        smallest way first, and modules on paths that are too slow faster, until all are fast enough or
        nothing is left to try; the report is of the last mapping, or of the fastest if none meets it.
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
    ways = list(for_period(options, constraints.within_ps))
    # A module is mapped faster only while paths through it are too slow; the others stay small.
    level: Counter[str] = Counter()
    best: Report | None = None
    best_slack = 0.0
    for number in itertools.count(1):
        progress.stage(f"mapping {number}, {sum(map(bool, level.values()))} modules faster")
        mapped = flow.map(ways[0], {module: ways[way] for module, way in sorted(level.items())})
        progress.stage(f"timing of mapping {number}")
        timed = timing.analyse(mapped, library, constraints, clock)
        if best is None or timed.setup.slack_ps > best_slack:
            sdc = timing.sdc(mapped, library, constraints, clock)
            best = report(mapped, library, origins, macs, timed, sdc)
            best_slack = timed.setup.slack_ps
        slow = [module for module in timed.slow if level[module] < len(ways) - 1]
        if timed.met or not slow:
            break
        level.update(slow)
    assert best is not None
    return best
