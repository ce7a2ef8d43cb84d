"""Figures that were measured before, from the JSON that ``tileloom synth``, ``power`` and others write.

A datasheet has only what is given: no figure is made up, and none of another design gets in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tileloom.errors import UserError

from .example import table

KINDS: Mapping[str, frozenset[str]] = {
    "synth": frozenset({"library", "area", "origins"}),
    "power": frozenset({"library", "leakage_uw", "period_ps"}),
    "verify --mutate": frozenset({"mutants", "killed", "survived"}),
}
"""Commands whose figures say what design they are of, each with names that no other has together."""

Results = Mapping[str, Mapping[str, Any]]
"""Figures by command."""


def beside(folder: Path, name: str) -> list[Path]:
    """Return the results that ``tileloom synth -o`` and ``power -o`` may have left in a folder."""
    paths = (folder / f"{name}.{kind}.json" for kind in ("synth", "power"))
    return [path for path in paths if path.is_file()]


def read_results(paths: Sequence[Path], name: str) -> Results:
    """Return what files hold of the design ``name``.

    Raises UserError that names the file where it is no JSON, holds nothing that is known, is of another
    design, or of a kind that another file has given.
    """
    found: dict[str, Any] = {}
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no JSON"
            raise UserError(f"{path}: {reason}; give what --json of a command printed") from None
        kind = _kind(content)
        if kind is None:
            known = ", ".join(f"tileloom {kind}" for kind in KINDS)
            raise UserError(f"{path}: is not what --json of one of these prints: {known}")
        if content.get("name") != name:
            raise UserError(f"{path}: is of {content.get('name')}, not of {name}")
        if kind in found:
            raise UserError(f"{path}: a second result of tileloom {kind}; give one of each")
        found[kind] = content
    return found


def _kind(content: Any) -> str | None:
    if not isinstance(content, dict):
        return None
    return next((kind for kind, names in KINDS.items() if names <= set(content)), None)


def area(synthesis: Mapping[str, Any]) -> str:
    """Return area and timing of a synthesis as Markdown."""
    unit = synthesis["unit"]
    total = synthesis["area"]
    rows = [
        (origin, f"{part['area']:,.0f}", f"{part['area'] / total:.1%}", f"{part['flops']:,}")
        for origin, part in synthesis["origins"].items()
    ]
    rows.append(("total", f"{total:,.0f}", "100.0%", f"{synthesis['flops']:,}"))
    text = f"Cells of `{synthesis['library']}`, without wires ({synthesis['gate_equivalents']:,.0f} GE):\n\n"
    text += table(("origin", f"area, {unit}", "share", "flip-flops"), rows)
    timing = synthesis.get("timing")
    if timing:
        met = "met" if timing["met"] else "NOT met"
        text += (
            f"\nA period of {timing['constraints']['period_ps']:g} ps is {met}; {timing['frequency_mhz']:g} "
            "MHz are "
            f"reached, by {timing['source']}.\n"
        )
    return text


def power(figures: Mapping[str, Any]) -> str:
    """Return energy and power as Markdown: every figure that was measured in both bounds."""
    leakage = sum(figures["leakage_uw"].values())
    by_bound = {
        name: values
        for name, values in figures.items()
        if isinstance(values, dict) and all(isinstance(value, int | float) for value in values.values())
    }
    del by_bound["leakage_uw"]
    bounds = list(dict.fromkeys(bound for values in by_bound.values() for bound in values))
    rows = [
        (name.replace("_", " "), *(f"{values.get(bound, float('nan')):.4g}" for bound in bounds))
        for name, values in by_bound.items()
    ]
    text = (
        f"Of the netlist in `{figures['library']}` at {figures['period_ps']:g} ps, without wires and clock "
        "tree; "
        f"leakage {leakage:.4g} uW. The two bounds are without and with glitches; energies in J, power in "
        "W.\n\n"
    )
    return text + table(("figure", *(bound.replace("_", " ") for bound in bounds)), rows)


def mutants(figures: Mapping[str, Any]) -> str:
    """Return what came of ``tileloom verify --mutate`` in a sentence."""
    told = figures["killed"] + figures["survived"]
    return (
        f"`tileloom verify --mutate`, seed {figures['seed']}: of {figures['mutants']:,} faults put into the "
        "netlist, "
        f"{told:,} change something, and the regression noticed {figures['killed']:,} of these."
    )
