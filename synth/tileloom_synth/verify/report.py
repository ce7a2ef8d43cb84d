"""What ``tileloom verify`` prints of proofs: a table for people, figures for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tileloom.cli.console import Sheet

from .proof import Outcome

SCOPE_HEADINGS = ("property", "formats", "how", "what stays open")
SCOPE = (
    ("sum", "fp32, fp16", "solver, against SMT's fp.add", "nothing"),
    ("sum", "all others", "solver, exact bit-vectors, a query per exponent gap", "nothing"),
    ("product with an integer", "all, the encoder included", "solver, a query per magnitude", "nothing"),
    ("product of floats", "all", "solver for every product; its bounds and sticky as lemmas", "nothing"),
    ("any enable", "all", "solver: registers hold; results stem from one cycle's operands", "nothing"),
)
"""What can be proved: both roundings, every number of stages."""

_VERDICT = {True: "proved", False: "REFUTED", None: "NO ANSWER"}


def sheet(outcomes: Sequence[tuple[Outcome, Sequence[str]]], *, list_presets: bool) -> Sheet:
    """Return the table of what came of proofs, with the presets that each is for where they are asked for."""
    headings = ["property", "formats", "rounding", "stages", "how", "", "s"]
    rows = []
    for outcome, used in outcomes:
        proof = outcome.proof
        stages = str(proof.stages) if proof.stages else "any"
        row = [proof.title, proof.formats, proof.rounding, stages, proof.how]
        row += [_VERDICT[outcome.proved], f"{outcome.seconds:.1f}"]
        rows.append([*row, ", ".join(used)] if list_presets else row)
    return Sheet("Proved for every operand", [*headings, *(["presets"] if list_presets else [])], rows)


def figures(outcome: Outcome, used: Sequence[str]) -> dict[str, Any]:
    """Return what came of a proof as plain values."""
    proof = outcome.proof
    return {
        "property": proof.title,
        "formats": proof.formats,
        "rounding": proof.rounding,
        "stages": proof.stages or None,
        "how": proof.how,
        "proved": outcome.proved,
        "counterexample": outcome.counterexample,
        "queries": outcome.queries,
        "seconds": round(outcome.seconds, 2),
        "configurations": list(used),
    }


def failure(outcome: Outcome) -> str:
    """Return the line that tells of a proof that failed."""
    proof = outcome.proof
    what = f"{proof.title}, {proof.formats}, {proof.rounding}, stages {proof.stages or 'any'}"
    if outcome.counterexample is None:
        return f"{what}: no answer in time; give it more with --timeout"
    values = ", ".join(f"{name} = {value}" for name, value in outcome.counterexample.items())
    return f"{what}: does not hold for {values}"
