"""What ``tileloom verify --coverage`` prints: tables for people, figures for programs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tileloom.cli.console import Sheet

from .points import KINDS, ModuleCounts, Point, counts, untoggled
from .run import Coverage, Covered

LONGEST = 64
"""Of a line of Verilog in a table."""

SIGNALS = 3
"""With the most bits that never rose or fell: how many are listed of a module."""


def sheets(found: Coverage) -> list[Sheet]:
    """Return the tables: designs, modules, and what was not hit or reached."""
    tables = [_designs(found), _modules(found)]
    missing = [(design.name, name) for design in found.designs for name in design.missing]
    if missing:
        tables.append(Sheet("Bins never hit", ("design", "bin"), missing))
    by_hole: dict[tuple[str, str, str, str], int] = {}
    for design in found.designs:
        for hole in design.holes:
            row = (hole.module, _cut(hole.text), hole.side, hole.reason.why if hole.reason else "UNEXPLAINED")
            by_hole[row] = by_hole.get(row, 0) + 1
    rows = [(*row, str(times)) for row, times in by_hole.items()]
    if rows:
        headings = ("module", "line", "side", "why", "designs")
        tables.append(Sheet("Lines and branches never reached", headings, rows))
    return tables


def figures(found: Coverage) -> dict[str, Any]:
    """Return the figures as plain data."""
    return {
        "seed": found.seed,
        "designs": [_figures(design) for design in found.designs],
        "reasons_unused": [{"module": each.module, "text": each.text} for each in found.stale],
    }


def _figures(design: Covered) -> dict[str, Any]:
    return {
        "name": design.name,
        "family": design.family,
        "seeds": design.seeds,
        "bins": dict(design.bins),
        "bins_missing": design.missing,
        **_plain(_all(design)),
        "modules": {
            name: {**_plain(counts(own)), "untoggled": dict(untoggled(own).most_common())}
            for name, own in design.modules.items()
        },
        "not_reached": [
            {
                "module": hole.module,
                "line": hole.text,
                "side": hole.side,
                "reason": hole.reason.why if hole.reason else None,
            }
            for hole in design.holes
        ],
    }


def _plain(number: ModuleCounts) -> dict[str, Any]:
    """Return counts by name; plural, and reached and all there are."""
    names = ("lines", "branches", "toggles")
    return {
        name: {"reached": getattr(number, kind)[0], "of": getattr(number, kind)[1]}
        for name, kind in zip(names, KINDS, strict=True)
    }


def _designs(found: Coverage) -> Sheet:
    rows = []
    for design in found.designs:
        hit = len(design.bins) - len(design.missing)
        shares = [_share(*getattr(_all(design), kind)) for kind in KINDS]
        rows.append((design.name, str(design.seeds), _share(hit, len(design.bins)), *shares))
    headings = ("design", "seeds", "bins", "lines", "branches", "toggles")
    return Sheet(f"Coverage, from seed {found.seed} on", headings, rows)


def _modules(found: Coverage) -> Sheet:
    """Return the table of modules; those of a name in several designs of a family are added up."""
    added: dict[tuple[str, str], tuple[list[ModuleCounts], Counter[str]]] = {}
    for design in found.designs:
        for name, own in design.modules.items():
            numbers, signals = added.setdefault((design.family, name), ([], Counter()))
            numbers.append(counts(own))
            signals.update(untoggled(own))
    rows = []
    for (family, name), (numbers, signals) in added.items():
        sums = [
            tuple(map(sum, zip(*(getattr(each, kind) for each in numbers), strict=True))) for kind in KINDS
        ]
        largest = ", ".join(f"{signal} {count}" for signal, count in signals.most_common(SIGNALS))
        rows.append((family, name, *(_share(*each) if each[1] else "" for each in sums), largest))
    headings = ("family", "module", "lines", "branches", "toggles", "never seen, most in")
    return Sheet("By module", headings, rows)


def _all(design: Covered) -> ModuleCounts:
    points: Counter[Point] = Counter()
    for own in design.modules.values():
        points.update(own)
    return counts(points)


def _share(hit: int, of: int) -> str:
    return f"{hit:,}/{of:,}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
