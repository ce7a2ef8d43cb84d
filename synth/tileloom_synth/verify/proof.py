"""What is proved: a property of the hardware, the queries that decide it, and what came of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tileloom.cli.console import step
from tileloom.processes import OutOfTimeError

from .solver import Query, refute
from .structure import TreeError


@dataclass(frozen=True)
class Proof:
    """A property, for every operand, and how it is decided.

    Attributes
    ----------
    title:
        The property.
    formats, rounding, stages:
        Of the hardware; of a whole design its name, and no rounding.
    how:
        The kind of evidence.
    queries:
        Makes the queries; the property holds if there is no counterexample to any.
    structure:
        In their place: returns how many gates it went through, or raises TreeError.
    """

    title: str
    formats: str
    rounding: str
    stages: int
    how: str
    queries: Callable[[], Sequence[Query]] = list
    structure: Callable[[], int] | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What tells it from other proofs."""
        return self.title, self.formats, self.rounding, self.stages


@dataclass(frozen=True)
class Outcome:
    """What came of a proof.

    Attributes
    ----------
    proof:
        Which.
    proved:
        True: for every operand. False: there is a counterexample. None: no answer in the time given.
    counterexample:
        Values in hexadecimal by name; of a proof by structure, where it ends.
    queries:
        How many there were; of a proof by structure, gates.
    seconds:
        Of processor time, that of Yosys and the solver included.
    """

    proof: Proof
    proved: bool | None
    counterexample: dict[str, str] | None
    queries: int
    seconds: float


def decide(proof: Proof, *, timeout: float) -> Outcome:
    """Return what comes of a proof within ``timeout`` seconds.

    Raises ToolError where Yosys or the solver is missing or fails.
    """
    began = _processor_time()
    with step(", ".join(filter(None, (proof.title, proof.formats, proof.rounding)))) as shown:
        if proof.structure is not None:
            try:
                return Outcome(proof, True, None, proof.structure(), _processor_time() - began)
            except TreeError as error:
                return Outcome(proof, False, {"structure": str(error)}, 0, _processor_time() - began)
        queries = proof.queries()
        shown.show(total=len(queries))
        answered = 0

        def count() -> None:
            nonlocal answered
            answered += 1
            shown.show(completed=answered)

        proved: bool | None = None
        found = None
        try:
            found = refute(queries, timeout=timeout, on_answer=count)
            proved = found is None
        except OutOfTimeError:
            pass
    return Outcome(proof, proved, found, len(queries), _processor_time() - began)


def _processor_time() -> float:
    """Return the seconds of processor time of this process and all children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
