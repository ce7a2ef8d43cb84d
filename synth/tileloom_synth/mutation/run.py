"""A configuration's mutation score: its design, its mutants, its family's regression, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tileloom.cli.console import Sheet
from tileloom.config import Config
from tileloom.errors import CheckError
from tileloom.families import design_name, family_of

from .mutants import Mutated
from .score import LEAST, Verdict, score


@dataclass(frozen=True)
class Mutation:
    """What came of a configuration's mutants.

    Attributes
    ----------
    name, seed:
        Of the design; of faults and vectors.
    verdicts:
        Of each mutant.
    """

    name: str
    seed: int
    verdicts: Sequence[Verdict]

    def counts(self, part: str | None) -> dict[str, Any]:
        """Return the counts of one part, with None of all; ``score`` is of those that change anything."""
        own = [verdict for verdict in self.verdicts if part in (None, verdict.mutant.part)]
        killed = sum(verdict.killed for verdict in own)
        survived = sum(verdict.survived for verdict in own)
        return {
            "mutants": len(own),
            "killed": killed,
            "equal": len(own) - killed - survived,
            "survived": survived,
            "score": round(killed / (killed + survived), 4) if killed + survived else None,
        }

    @property
    def parts(self) -> list[str]:
        """The parts of the design, in their order."""
        return list(dict.fromkeys(verdict.mutant.part for verdict in self.verdicts))

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
            names = ("mutants", "killed", "equal", "survived")
            rows.append((part or "all", *(f"{counts[name]:,}" for name in names), share))
        headings = ("part", "mutants", "killed", "change nothing, proved", "survived", "score")
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


def mutation(config: Config, count: int, seed: int, only: Sequence[str] = ()) -> Mutation:
    """Return what came of ``count`` mutants in each part of a configuration's design, or in some parts only.

    Raises CheckError where the design without a fault fails, UserError where its family has no regression
    for it or it has no such part, ToolError where a tool fails.
    """
    room = family_of(config).room("tileloom_synth", "mutation")
    mutated: Mutated = room.mutated(config, count, seed, only)
    return Mutation(design_name(config), seed, score(mutated, room.trial(config, mutated, seed)))
