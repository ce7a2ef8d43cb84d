"""The score: each mutant against the design's regression and its proofs, and survivors against the design."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from tileloom import processes
from tileloom.cli.console import step
from tileloom.errors import CheckError

from .equal import Difference, difference_of, equal_around
from .mutants import Mutant, Mutated
from .proofs import Proofs

ROUNDS = 3
"""Regressions, of different seeds, that a mutant must survive to be called a survivor, by default."""

LEAST = 0.98
"""The share of mutants that a regression should notice."""

Trial = Callable[[int, int], bool]
"""Of a mutant's number, 0 for none, and a round: whether the regression passes."""


@dataclass(frozen=True)
class Verdict:
    """What came of one mutant.

    Attributes
    ----------
    mutant:
        Which.
    killed:
        The regression noticed it, or a proof.
    difference:
        Of one that simulation did not: whether it is one, as far as that is known.
    proof:
        Of one that a proof alone noticed: its title.
    """

    mutant: Mutant
    killed: bool
    difference: Difference | None = None
    proof: str | None = None

    @property
    def equal(self) -> bool:
        """Whether it is proved to change nothing."""
        return self.difference is not None and self.difference.equal is True

    @property
    def survived(self) -> bool:
        """Whether it counts against the regression."""
        return not self.killed and not self.equal

    @property
    def reason(self) -> str:
        """What is known of one that was not noticed."""
        return "" if self.difference is None else self.difference.how


def score(mutated: Mutated, trial: Trial, proofs: Proofs, rounds: int = ROUNDS) -> list[Verdict]:
    """Return what came of each mutant; with no ``rounds`` proofs alone judge.

    Raises CheckError where the design without a fault fails its regression, or one of its proofs.
    """
    name, total = mutated.design.name, len(mutated.mutants)
    with step(f"Mutants of {name}") as shown, processes.threads(os.cpu_count() or 1) as pool:
        shown.show("building")
        for number in range(rounds):
            if not trial(0, number):
                raise CheckError(f"{name}: its regression fails without a fault; tileloom simulate says how")
        done = 0

        def judge(mutant: Mutant) -> Verdict:
            nonlocal done
            verdict = _verdict(mutated, mutant, trial, proofs, rounds)
            done += 1
            shown.show(f"{done} of {total}")
            return verdict

        return list(pool.map(judge, mutated.mutants))


def by_proof(mutated: Mutated, proofs: Proofs) -> list[Verdict]:
    """Return those mutants that a proof notices."""
    name, total = mutated.design.name, len(mutated.mutants)
    with step(f"Proofs against mutants of {name}") as shown, processes.threads(os.cpu_count() or 1) as pool:
        done = 0

        def ask(mutant: Mutant) -> str | None:
            nonlocal done
            proof = proofs.refuting(mutant)
            done += 1
            shown.show(f"{done} of {total}")
            return proof

        titles = list(pool.map(ask, mutated.mutants))
    both = zip(mutated.mutants, titles, strict=True)
    return [Verdict(mutant, killed=True, proof=title) for mutant, title in both if title]


def _verdict(mutated: Mutated, mutant: Mutant, trial: Trial, proofs: Proofs, rounds: int) -> Verdict:
    """Return what comes of a mutant; a proof may be cheaper than more rounds."""
    if rounds and not trial(mutant.number, 0):
        return Verdict(mutant, killed=True)
    difference = difference_of(mutated, mutant)
    if not difference.equal:
        if not all(trial(mutant.number, number) for number in range(1, rounds)):
            return Verdict(mutant, killed=True)
        if around := equal_around(mutated, mutant):
            difference = Difference(True, f"equal from any state in {around}")
        elif proof := proofs.refuting(mutant):
            return Verdict(mutant, killed=True, difference=difference, proof=proof)
    return Verdict(mutant, killed=False, difference=difference)
