"""What ``tileloom verify --report`` prints: the evidence of many runs, put together as Markdown.

A run that is worth keeping is kept as the JSON that it prints; a folder of these is what is reported. So no
figure is written by hand, and each says by its file where it came from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tileloom.errors import UserError

from ..markdown import table

Row = dict[str, Any]
REACHED = ("lines", "branches", "toggles")
NOTICED = ("mutants", "killed", "equal")
COUNTED = ("mutants", "killed", "by_proof", "equal")
SMALL = ("layers", "runs", "results", "cycles")
RUN = ("programs", "runs", "instructions", "interrupts")


@dataclass(frozen=True)
class Evidence:
    """What runs of ``tileloom verify --json`` printed, by kind.

    Attributes
    ----------
    proofs, layers, mutations, coverage, programs, soaks:
        Of ``--formal`` a row for each proof, of ``--coverage`` for each design, of the others for each run.
    """

    proofs: list[Row] = field(default_factory=list)
    layers: list[Row] = field(default_factory=list)
    mutations: list[Row] = field(default_factory=list)
    coverage: list[Row] = field(default_factory=list)
    programs: list[Row] = field(default_factory=list)
    soaks: list[Row] = field(default_factory=list)


def read_evidence(folder: Path) -> Evidence:
    """Return the evidence in the files ``*.json`` of a folder.

    Raises UserError that names the folder where there is none, and the file that no run printed.
    """
    found = Evidence()
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UserError(f"{folder}: has no *.json; keep there what tileloom verify prints with --json")
    for path in paths:
        try:
            _sort(json.loads(path.read_text(encoding="utf-8")), found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UserError(
                f"{path}: is not what tileloom verify prints with --json and --formal, --exhaustive, "
                "--mutate, --coverage, --programs or --soak"
            ) from None
    return found


def _sort(content: Any, found: Evidence) -> None:
    """Add what a file has to the evidence of its kind, once it has what is reported of it."""
    needed: tuple[str, ...]
    if isinstance(content, list):
        rows, kind, needed = content, found.proofs, ("property", "how", "proved", "queries", "seconds")
    elif "designs" in content:
        rows, kind, needed = content["designs"], found.coverage, ("name", "bins", *REACHED)
    elif "parts" in content:
        rows, kind, needed = [content], found.mutations, ("name", "parts", *NOTICED, "score")
    elif "layers" in content:
        rows, kind, needed = [content], found.layers, ("name", "seed", *SMALL)
    elif "programs" in content:
        rows, kind, needed = [content], found.programs, ("name", "core", "seed", "executed", *RUN)
    else:
        rows, kind, needed = [content], found.soaks, ("seed", "minutes", "families", "failed")
    for row in rows:
        for name in needed:
            row[name]
        # A proof of two configurations, in two files, is one.
        if kind is not found.proofs or _which(row) not in map(_which, kind):
            kind.append(row)


def _which(proof: Row) -> tuple[Any, ...]:
    return tuple(proof.get(name) for name in ("property", "formats", "rounding", "stages"))


def summary(evidence: Evidence) -> str:
    """Return one table, a row for each kind of evidence that there is."""
    rows = []
    if evidence.proofs:
        proved = [row for row in evidence.proofs if row["proved"]]
        seconds = sum(row["seconds"] for row in evidence.proofs)
        rows.append(("proved", f"{len(proved)} of {len(evidence.proofs)} properties, {seconds:,.0f} s"))
    if evidence.layers:
        layers, runs = (sum(row[name] for row in evidence.layers) for name in ("layers", "runs"))
        rows.append(("exhaustive", f"{layers:,} small layers of engines, {runs:,} runs, none stands still"))
    if evidence.mutations:
        noticed = {key: _total(evidence.mutations, key) for key in COUNTED}
        of = f"{noticed['killed']:,} of {noticed['mutants'] - noticed['equal']:,} that change anything"
        alone = f"{noticed['by_proof']} by proofs alone"
        rows.append(("faults noticed", f"{of}, {_score(noticed)}; {alone}"))
    if evidence.coverage:
        reached = ", ".join(f"{_part(evidence.coverage, name)} of {name}" for name in REACHED)
        bins = sum(len(row["bins"]) for row in evidence.coverage)
        hit = sum(sum(map(bool, row["bins"].values())) for row in evidence.coverage)
        rows.append(("reached", f"{hit:,} of {bins:,} bins, {reached}; {len(evidence.coverage)} designs"))
    if evidence.programs:
        programs, _, instructions, interrupts = (sum(row[name] for row in evidence.programs) for name in RUN)
        what = (
            f"{programs:,} random RISC-V programs, {instructions:,} instructions, {interrupts:,} interrupts"
        )
        rows.append(("no other instruction changed", what))
    if evidence.soaks:
        hours = sum(row["minutes"] for row in evidence.soaks) / 60
        designs = sum(each["designs"] for row in evidence.soaks for each in row["families"].values())
        failed = sum(row["failed"] is not None for row in evidence.soaks)
        rows.append(("soaked", f"{hours:.1f} hours, {designs:,} designs drawn, {failed} of them failed"))
    return table(("evidence", "how much"), rows)


def _part(rows: Sequence[Row], name: str) -> str:
    reached, of = (sum(row[name][key] for row in rows) for key in ("reached", "of"))
    return f"{reached / of:.1%}" if of else "none"


def report(evidence: Evidence) -> str:
    """Return the summary, and a table for each kind of evidence."""
    parts = [summary(evidence)]
    for rows, make in (
        (evidence.proofs, _proofs),
        (evidence.layers, _layers),
        (evidence.mutations, _mutations),
        (evidence.coverage, _coverage),
        (evidence.programs, _programs),
        (evidence.soaks, _soaks),
    ):
        if rows:
            parts.append(make(rows))
    return "\n\n".join(parts)


def _proofs(rows: Sequence[Row]) -> str:
    """Return a row for each property, its formats and seconds together."""
    by_title: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_title.setdefault((row["property"], row["how"]), []).append(row)
    found = [
        (
            title,
            how,
            str(len(own)),
            f"{sum(row['queries'] for row in own):,}",
            f"{sum(row['seconds'] for row in own):,.1f}",
            "yes" if all(row["proved"] for row in own) else "NO",
        )
        for (title, how), own in by_title.items()
    ]
    return table(("property", "how", "of", "queries or nets", "s", "proved"), found)


def _layers(rows: Sequence[Row]) -> str:
    found = [(row["name"], str(row["seed"]), *(f"{row[name]:,}" for name in SMALL)) for row in rows]
    return table(("engine", "seed", "layers", "runs", "results", "cycles, flowing"), found)


def _mutations(rows: Sequence[Row]) -> str:
    """Return a row for each part of a design, of one run or of several, and one for all of them."""
    by_name: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_name.setdefault(row["name"], {}).update(row["parts"])
    found = []
    for design, parts in by_name.items():
        every = [*parts.items()]
        if len(parts) > 1:
            every.append(("all", {key: _total(list(parts.values()), key) for key in COUNTED}))
        for part, counts in every:
            found.append([design, part, *(str(counts.get(key, 0)) for key in COUNTED), _score(counts)])
    return table(("design", "part", "mutants", "noticed", "by proof alone", "change nothing", "score"), found)


def _total(rows: Sequence[Row], key: str) -> int:
    return sum(row.get(key, 0) for row in rows)


def _score(counts: Row) -> str:
    """Return the share that is noticed of what changes anything."""
    changing = counts["mutants"] - counts["equal"]
    return f"{counts['killed'] / changing:.1%}" if changing else ""


def _coverage(rows: Sequence[Row]) -> str:
    found = [
        (
            row["name"],
            f"{sum(map(bool, row['bins'].values()))}/{len(row['bins'])}",
            *(f"{row[name]['reached']:,}/{row[name]['of']:,}" for name in REACHED),
        )
        for row in rows
    ]
    return table(("design", "bins", *REACHED), found)


def _programs(rows: Sequence[Row]) -> str:
    found = [
        (row["core"], str(row["seed"]), *(f"{row[name]:,}" for name in RUN), str(len(row["executed"])))
        for row in rows
    ]
    return table(("core", "seed", *RUN, "mnemonics"), found)


def _soaks(rows: Sequence[Row]) -> str:
    found = [
        (
            str(row["seed"]),
            f"{row['minutes']:.0f}",
            ", ".join(f"{each['designs']} {name}" for name, each in row["families"].items()),
            "nothing" if row["failed"] is None else str(row["failed"]),
        )
        for row in rows
    ]
    return table(("seed", "minutes", "designs", "found"), found)
