"""Figures of designs on boards, kept as JSON, and the tables of ``docs/boards.md`` that are made of them.

Nothing here is measured: ``benchmarks/fpga.py`` measures, and keeps each figure as soon as it has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tileloom.errors import UserError
from tileloom.families import presets

from ..markdown import table
from .boards import BOARDS, Board

SURE = 1.25
"""A count by modules this many times what there is does not fit; as one module it takes a little less."""

BLOCK_IN_LUTS = 800
"""More LUTs than a product takes there that is a DSP block: of 18 x 18 bits it is 763."""

RESOURCES = {"lut": "LUTs", "flip_flops": "flip-flops", "dsp": "DSP", "ram": "RAM"}


@dataclass
class Figures:
    """What was measured.

    Attributes
    ----------
    counts:
        By family of FPGAs and preset, in one word behind the other, what it takes counted by modules.
    designs:
        By case, what ``tileloom synth --fpga --json`` prints, with ``target_mhz``, without cells and path.
    builds:
        By case, what ``tileloom board`` prints with ``--build --json``.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    designs: dict[str, dict[str, Any]] = field(default_factory=dict)
    builds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write them to a file."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read_figures(path: Path) -> Figures:
    """Return what is kept in a file, nothing where there is none. Raises UserError where it is another."""
    if not path.exists():
        return Figures()
    try:
        return Figures(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise UserError(f"{path}: is not what benchmarks/fpga.py --keep writes") from None


def report(figures: Figures) -> str:
    """Return the tables as Markdown, a blank line between them."""
    parts = [_counts(figures, family, boards) for family, boards in _families().items()]
    return "\n\n".join([*parts, _designs(figures.designs), _builds(figures.builds)])


def _families() -> dict[str, list[Board]]:
    found: dict[str, list[Board]] = {}
    for board in BOARDS.values():
        found.setdefault(board.family.name, []).append(board)
    return found


def _counts(figures: Figures, family: str, boards: Sequence[Board]) -> str:
    headings = (family, *RESOURCES.values(), *(f"`{board.name}`" for board in boards))
    rows = [
        (
            f"`{preset}`",
            *(f"{counts[resource]:,}" for resource in RESOURCES),
            *(_fits(counts, figures.designs.get(f"{board.name} {preset}"), board) for board in boards),
        )
        for preset in presets()
        if (counts := figures.counts.get(f"{family} {preset}"))
    ]
    return table(headings, rows)


def _fits(counts: Mapping[str, int], measured: Mapping[str, Any] | None, board: Board) -> str:
    """Return whether a preset fits, by what was measured or else by its counts.

    Products that there is no DSP block for are in LUTs, which may be too many or not.
    """
    if measured is not None:
        return _reached(measured) or "fits"
    shares = {name: counts[name] / getattr(board, name) for name in RESOURCES if name != "dsp"}
    name, share = max(shares.items(), key=lambda each: each[1])
    if share >= SURE:
        return f"no: {RESOURCES[name]} {share:.0%}"
    left = max(counts["dsp"] - board.dsp, 0)
    return "" if share > 1 or counts["lut"] + left * BLOCK_IN_LUTS > board.lut else "fits"


def _reached(measured: Mapping[str, Any]) -> str:
    for name, packed in measured.get("packed", {}).items():
        return f"no: {packed['used']:,} {name} of {packed['available']:,}"
    if not measured["fits"]:
        used, there = measured["used"], measured["available"]
        name = max(used, key=lambda each: used[each] / there[each])
        return f"no: {RESOURCES[name]} {used[name] / there[name]:.0%}"
    timing = measured["timing"]
    return f"{timing['fmax_mhz']:.1f} MHz" if timing else ""


def _designs(designs: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for case, one in sorted(designs.items(), key=lambda each: (each[1]["board"], each[1]["used"]["lut"])):
        counts = (f"{one['used'][resource]:,}" for resource in RESOURCES)
        in_luts = sum(number for made, number in one["products"].items() if made != "DSP blocks")
        target = f"{one['target_mhz']:g}" if one["target_mhz"] else ""
        design = case.removeprefix(f"{one['board']} ")
        rows.append((design, f"`{one['board']}`", *counts, str(in_luts or ""), _reached(one), target))
    headings = ("design", "board", *RESOURCES.values(), "products in LUTs", "reached", "target")
    return table(headings, rows)


def _builds(builds: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for case, one in sorted(builds.items()):
        takes = (
            next(f"{each['used']:,}" for what, each in one["cells"].items() if what.startswith(starts))
            for starts in (("LUT", "logic"), "flip-flops", "DSP", "block RAM")
        )
        processor = one.get("processor_seconds")  # not told by builds of before
        seconds = f"{sum(one['seconds'].values()):,.0f}", "" if processor is None else f"{processor:,.0f}"
        clock = f"{one['fmax_mhz']:.1f} for {one['clock_hz'] / 1e6:g}"
        rows.append((case, *takes, clock, *seconds))
    headings = ("build", "LUTs", "flip-flops", "DSP", "RAM", "MHz", "s", "s of processor")
    return table(headings, rows)
