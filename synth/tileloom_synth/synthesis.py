"""Synthesis from Verilog to report: one mapping, or with a clock as many as it takes to meet it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from . import sizing, timing
from .constraints import Constraints
from .flow import Flow, Mapped
from .library.recipes import Options, for_period
from .library.standard_cells import Library
from .progress import Progress
from .report import Report, area_of, report
from .timing import Timing

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
        nothing is left to try; the report is of the last mapping, or of the fastest if none meets it. Of a
        design without hierarchy all ways are tried, cells are sized by OpenSTA, and the smallest counts.
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

    def reported(mapped: Mapped, timed: Timing) -> Report:
        return report(mapped, library, origins, macs, timed, timing.sdc(mapped, library, constraints, clock))

    # A module is mapped faster only while paths through it are too slow; the others stay small.
    level: Counter[str] = Counter()
    best: tuple[Mapped, Timing] | None = None
    for number in itertools.count(1):
        progress.stage(f"mapping {number}, {sum(map(bool, level.values()))} modules faster")
        mapped = flow.map(ways[0], {module: ways[way] for module, way in sorted(level.items())})
        if sizing.sizable(mapped):
            return reported(*_smallest(flow, ways, mapped, library, constraints, clock, progress))
        progress.stage(f"timing of mapping {number}")
        timed = timing.analyse(mapped, library, constraints, clock)
        if best is None or timed.setup.slack_ps > best[1].setup.slack_ps:
            best = mapped, timed
        slow = [module for module in timed.slow if level[module] < len(ways) - 1]
        if timed.met or not slow:
            break
        level.update(slow)
    assert best is not None
    if not best[1].met and timing.opensta():
        progress.stage("sizes of the fastest mapping")
        mapped = sizing.resized(best[0], library, constraints, clock)
        best = mapped, timing.analyse(mapped, library, constraints, clock)
    return reported(*best)


LARGER = 2
"""After how many ways of mapping that are larger than one that meets the clock no smaller is hoped for."""


def _smallest(
    flow: Flow,
    ways: Sequence[Options],
    mapped: Mapped,
    library: Library,
    constraints: Constraints,
    clock: str,
    progress: Progress,
) -> tuple[Mapped, Timing]:
    """Return the smallest netlist that meets the clock, or the fastest, of a design without hierarchy.

    Every way is tried, each with its cells sized by OpenSTA, until ``LARGER`` of them are larger unsized than
    the smallest that meets; ``mapped`` is the first.
    """
    best: tuple[Mapped, Timing] | None = None
    larger = 0
    for number, way in enumerate(ways, 1):
        if number > 1:
            progress.stage(f"mapping {number} of at most {len(ways)}")
            mapped = flow.map(way)
        progress.stage(f"sizes of mapping {number}")
        if best and best[1].met and area_of(mapped, library) > area_of(best[0], library):
            larger += 1
            if larger == LARGER:
                break
            continue
        mapped = sizing.resized(mapped, library, constraints, clock)
        timed = timing.analyse(mapped, library, constraints, clock)
        if best is None or _better((mapped, timed), best, library):
            best = mapped, timed
    assert best is not None
    return best


def _better(one: tuple[Mapped, Timing], other: tuple[Mapped, Timing], library: Library) -> bool:
    """Return whether a netlist is smaller than another, or meets the clock or comes nearer to it."""
    if one[1].met and other[1].met:
        return area_of(one[0], library) < area_of(other[0], library)
    return one[1].setup.slack_ps > other[1].setup.slack_ps
