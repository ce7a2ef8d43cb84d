"""What ``tileloom verify`` prints of proofs: a table for people, figures for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tileloom.cli.console import Sheet

from .proof import Outcome

_SCOPE = (
    ("sum", "fp32, fp16", "against SMT's fp.add"),
    ("sum", "all others", "against exact bit-vectors, a query per exponent gap"),
    ("product", "floats x int2 to int16", "against exact bit-vectors, a query per magnitude"),
    ("product", "floats x floats", "for every product of the significands; lemmas on these"),
    ("rows of a product", "multiply_stages=3, carry_save", "the tree rewritten into a polynomial"),
    ("any number of stages as 1", "sums, products", "both pipelines side by side"),
    ("any enable", "all", "registers hold, and results are of one cycle's operands"),
    ("streams: held until taken", "all designs", "a step from any state, memories left free"),
    ("streams: wait for no ready", "all designs", "no path in the netlist"),
    ("queues: in order, none over full", "engines", "induction"),
    ("A buffer: halves in turn, locks 0 to 2", "engines", "induction"),
    ("queues: each word once, in order", "engines", "induction"),
    ("dispatch: commands to their units", "engines", "induction"),
    ("walker: entries once, in order", "engines", "induction"),
    ("runs of jobs, units of runs, beats of runs", "AXI4 engines", "induction"),
    ("bursts: a run's beats, within 4 KiB", "AXI4 engines", "induction"),
    ("results: products in order", "arrays", "uninterpreted products and sums, any state"),
    ("a stall changes nothing", "arrays", "a step from any state"),
    ("weights: those of a vector's tile", "arrays", "induction"),
    ("instructions: rd, counter, loads", "xfu-unit", "induction"),
)

_VERDICT = {True: "proved", False: "REFUTED", None: "NO ANSWER"}


def sheet(outcomes: Sequence[tuple[Outcome, Sequence[str]]], *, of_presets: bool) -> Sheet:
    """Return the table of what came of proofs, where asked for with how many presets each is of."""
    headings = ["property", "formats or design", "rounding", "stages", "how", "", "s"]
    rows = []
    for outcome, used in outcomes:
        proof = outcome.proof
        stages = str(proof.stages or ("any" if proof.rounding else ""))
        row = [proof.title, proof.formats, proof.rounding, stages, proof.how]
        row += [_VERDICT[outcome.proved], f"{outcome.seconds:.1f}"]
        rows.append([*row, str(len(used))] if of_presets else row)
    return Sheet("Proofs, for every operand", [*headings, *(["presets"] if of_presets else [])], rows)


def scope() -> Sheet:
    """Return the table of what can be proved, in both roundings and any number of stages."""
    return Sheet("What --formal proves, both roundings, any stages", ("property", "of", "how"), _SCOPE)


def figures(outcome: Outcome, used: Sequence[str]) -> dict[str, Any]:
    """Return what came of a proof as plain values."""
    proof = outcome.proof
    return {
        "property": proof.title,
        "formats": proof.formats,
        "rounding": proof.rounding or None,
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
    what = f"{proof.title}, {proof.formats}"
    if proof.rounding:
        what += f", {proof.rounding}, stages {proof.stages or 'any'}"
    if outcome.counterexample is None:
        return f"{what}: no answer in time; give it more with --timeout"
    values = ", ".join(f"{name} = {value}" for name, value in outcome.counterexample.items())
    return f"{what}: does not hold for {values}"
