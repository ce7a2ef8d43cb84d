"""A configuration's mutation score: its design, its mutants, its family's regression, what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tileloom.cli.console import Sheet
from tileloom.config import Config
from tileloom.errors import CheckError, UserError
from tileloom.families import design_name, family_of

from ..verify.solver import TIMEOUT
from .equal import Difference
from .mutants import Mutated
from .proofs import Proofs
from .score import LEAST, ROUNDS, Verdict, by_proof, score

COUNTS = ("mutants", "killed", "by_proof", "equal")
"""What is counted of a part."""

Figures = Mapping[str, Any]
"""What ``--json`` prints."""


@dataclass(frozen=True)
class Mutation:
    """What came of a configuration's mutants.

    Attributes
    ----------
    name, seed:
        Of the design; of faults and vectors.
    verdicts:
        Of each mutant; with ``before`` of each that survived then.
    before:
        Figures of the same mutants, of which the survivors are judged again.
    """

    name: str
    seed: int
    verdicts: Sequence[Verdict]
    before: Figures = field(default_factory=lambda: {"parts": {}, "proofs": []})

    def counts(self, part: str | None) -> dict[str, Any]:
        """Return the counts of one part, with None of all; ``score`` is of those that change anything."""
        if part is None:
            parts = [self.counts(each) for each in self.parts]
            found = {name: sum(each[name] for each in parts) for name in COUNTS}
        else:
            own = [verdict for verdict in self.verdicts if verdict.mutant.part == part]
            then = self.before["parts"].get(part)
            found = {
                "mutants": then["mutants"] if then else len(own),
                "killed": sum(verdict.killed for verdict in own),
                "by_proof": sum(verdict.proof is not None for verdict in own),
                "equal": sum(verdict.equal and not verdict.killed for verdict in own),
            }
            for name in COUNTS[1:] if then else ():
                found[name] += then.get(name, 0)
        changing, killed = found["mutants"] - found["equal"], found["killed"]
        score = round(killed / changing, 4) if changing else None
        return {**found, "survived": changing - killed, "score": score}

    @property
    def parts(self) -> list[str]:
        """The parts of the design, in their order."""
        return list(dict.fromkeys([*self.before["parts"], *(each.mutant.part for each in self.verdicts)]))

    @property
    def survivors(self) -> list[Verdict]:
        """Those that count against the regression."""
        return [verdict for verdict in self.verdicts if verdict.survived]

    def sheets(self) -> list[Sheet]:
        """Return the tables for people: the score of each part, and the survivors."""
        rows = []
        for part in (*self.parts, None):
            counts = self.counts(part)
            share = "" if counts["score"] is None else f"{counts['score']:.1%}"
            rows.append((part or "all", *(f"{counts[name]:,}" for name in (*COUNTS, "survived")), share))
        headings = ("part", "mutants", "killed", "by proof", "change nothing, proved", "survived", "score")
        found = [Sheet(f"{self.name}: mutants that its regression notices", headings, rows)]
        left = [
            (verdict.mutant.module.removeprefix(f"{self.name}_"), verdict.mutant.fault, verdict.reason)
            for verdict in self.survivors
        ]
        return [*found, Sheet("Survivors", ("module", "fault", "proof"), left)] if left else found

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "name": self.name,
            "seed": self.seed,
            **self.counts(None),
            "parts": {part: self.counts(part) for part in self.parts},
            "proofs": [
                *self.before.get("proofs", ()),
                *(
                    {"module": each.mutant.module, "command": each.mutant.command, "proof": each.proof}
                    for each in self.verdicts
                    if each.proof
                ),
            ],
            "survivors": [
                {"module": verdict.mutant.module, "command": verdict.mutant.command, "reason": verdict.reason}
                for verdict in self.survivors
            ],
        }

    def require(self) -> None:
        """Raise CheckError where the regression notices too few."""
        counts = self.counts(None)
        if counts["score"] is not None and counts["score"] < LEAST:
            raise CheckError(
                f"{self.name}: its regression notices {counts['score']:.1%} of the mutants, not {LEAST:.0%}"
            )


def mutation(
    config: Config,
    count: int,
    seed: int,
    only: Sequence[str] = (),
    rounds: int = ROUNDS,
    timeout: float = TIMEOUT,
) -> Mutation:
    """Return what came of ``count`` mutants in each part of a configuration's design, or in some parts only.

    ``rounds`` is of regressions that a survivor passes; 0 for proofs alone. ``timeout`` is of a proof.

    Raises CheckError where the design without a fault fails, UserError where its family has no regression
    for it or it has no such part, ToolError where a tool fails.
    """
    mutated: Mutated = _room(config).mutated(config, count, seed, only)
    return Mutation(design_name(config), seed, _score(config, mutated, seed, rounds, timeout))


def again(config: Config, path: Path, rounds: int = ROUNDS, timeout: float = TIMEOUT) -> Mutation:
    """Return figures in which those mutants that survived are judged again, and the others are as they were.

    Parameters
    ----------
    path:
        Of the figures: JSON of the same design.
    rounds, timeout:
        As of ``mutation``.

    Raises UserError that names the file where it has no such figures, is of another design, or of faults
    that the design has no more; else as ``mutation``.
    """
    name = design_name(config)
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        of, seed, parts = before["name"], before["seed"], list(before["parts"])
        count = max(each["mutants"] for each in before["parts"].values())
        survivors = {each["command"] for each in before["survivors"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: is not what tileloom verify --mutate prints with --json") from None
    if of != name:
        raise UserError(f"{path}: is of {of}, not of {name}")
    mutated: Mutated = _room(config).mutated(config, count, seed, parts)
    left = [mutant for mutant in mutated.mutants if mutant.command in survivors]
    if len(left) != len(survivors):
        raise UserError(f"{path}: {name} has no such faults any more; judge all of them, without --again")
    known = {each["command"]: Difference(None, each.get("reason", "")) for each in before["survivors"]}
    verdicts = _score(config, replace(mutated, mutants=left), seed, rounds, timeout, known)
    return Mutation(name, seed, verdicts, before)


def _score(
    config: Config,
    mutated: Mutated,
    seed: int,
    rounds: int,
    timeout: float,
    known: Mapping[str, Difference] | None = None,
) -> list[Verdict]:
    """Return what comes of each mutant; of those ``known`` the proofs judge first, which are cheap."""
    room = _room(config)
    proofs = Proofs(mutated, room.held(config, mutated), timeout)
    refuted = [] if known is None else by_proof(mutated, proofs)
    noticed = {verdict.mutant.number for verdict in refuted}
    left = [mutant for mutant in mutated.mutants if mutant.number not in noticed]
    if known is not None and not (left and rounds):
        # Without a regression nothing else about them is new.
        return [
            *refuted,
            *(Verdict(mutant, killed=False, difference=known[mutant.command]) for mutant in left),
        ]
    trial = room.trial(config, mutated, seed)
    return [*refuted, *score(replace(mutated, mutants=left), trial, proofs, rounds)]


def _room(config: Config) -> Any:
    return family_of(config).room("tileloom_synth", "mutation")
