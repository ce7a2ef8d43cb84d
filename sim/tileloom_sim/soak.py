"""Draws designs, and random runs of them, until time is up; behind ``tileloom verify --soak``.

A random run is a command line: ``tileloom simulate CONFIG --set ... --seed ...``, run as a program. What
fails is shrunk to a smaller one that fails too, and is replayed by typing it. Each family draws its own, and
counts what was compared, in its room (``soak``).
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tileloom import processes, scratch
from tileloom.cli.console import Sheet, Step, step
from tileloom.errors import CheckError, ConfigError, ToolError
from tileloom.families import families, load, rooms

SECONDS = 900
"""What a case may take before it counts as one that stands still."""

TRIALS = 40
"""Smaller cases that are tried at most, once one has failed."""

CACHE_MB = 500
"""Of builds that are kept for the next case, apart from the user's: every design is another."""

PROGRAM = (sys.executable, "-m", "tileloom.cli.entry")


@dataclass(frozen=True)
class RandomRun:
    """One run of ``tileloom simulate``.

    Attributes
    ----------
    source, fields:
        The preset, and what ``--set`` changes of it.
    options:
        Other options by name.
    seed:
        Of its data.
    """

    source: str
    fields: Mapping[str, str]
    options: Mapping[str, str]
    seed: int

    @property
    def arguments(self) -> list[str]:
        """The command line behind ``tileloom``."""
        sets = [part for name, value in self.fields.items() for part in ("--set", f"{name}={value}")]
        options = [part for name, value in self.options.items() for part in (f"--{name}", value)]
        return ["simulate", self.source, *sets, *options, "--seed", str(self.seed)]

    @property
    def line(self) -> str:
        """What replays it, to be typed."""
        return shlex.join(["tileloom", *self.arguments])

    @property
    def can_be(self) -> bool:
        """Whether there is such a configuration."""
        try:
            load(self.source, **self.fields)
        except ConfigError:
            return False
        return True

    def smaller(self) -> Iterator[RandomRun]:
        """Yield cases with one thing less: a field as in the preset, an option left out, a number halved."""
        for fields in _smaller(self.fields):
            yield replace(self, fields=fields)
        for options in _smaller(self.options):
            yield replace(self, options=options)


def _smaller(values: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Yield the values with one left out, and with one number halved."""
    for name in values:
        yield {other: values[other] for other in values if other != name}
    for name, value in values.items():
        if value.isdecimal() and int(value) > 1:
            yield {**values, name: str(int(value) // 2)}


@dataclass(frozen=True)
class Ended:
    """What came of a case: the program's exit status, its figures, and the last line that it said."""

    status: int
    figures: Mapping[str, Any]
    said: str


def run(case: RandomRun, environment: Mapping[str, str]) -> Ended:
    """Run a case as a program."""
    try:
        done = processes.run(
            [*PROGRAM, *case.arguments, "--json", "--quiet"], environment=environment, timeout=SECONDS
        )
    except processes.OutOfTimeError as error:
        return Ended(1, {}, str(error))
    figures = json.loads(done.output) if done.status == 0 else {}
    said = (done.errors.strip() or done.reason).splitlines()[-1]
    return Ended(done.status, figures, said.removeprefix("Error: "))


@dataclass
class Count:
    """What one family had: cases, and by name what was compared in them."""

    cases: int = 0
    compared: dict[str, int] = field(default_factory=dict)

    def add(self, compared: Mapping[str, int]) -> None:
        """Count one more case."""
        self.cases += 1
        for name, count in compared.items():
            self.compared[name] = self.compared.get(name, 0) + count


@dataclass(frozen=True)
class Soak:
    """What came of a soak.

    Attributes
    ----------
    seed, minutes:
        Of the draws; that it took.
    counts:
        By family.
    failed, said:
        The smallest case that fails, and what it says; None and "" where all passed.
    """

    seed: int
    minutes: float
    counts: Mapping[str, Count]
    failed: RandomRun | None = None
    said: str = ""

    def sheets(self) -> list[Sheet]:
        """Return the table for people."""
        rows = [
            (
                families()[name].title,
                f"{count.cases:,}",
                ", ".join(f"{number:,} {what.replace('_', ' ')}" for what, number in count.compared.items()),
            )
            for name, count in self.counts.items()
        ]
        title = f"Soak of {self.minutes:.0f} minutes, seed {self.seed}"
        return [Sheet(title, ("family", "designs", "compared with the golden model"), rows)]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        families_of = {name: {"designs": c.cases, **c.compared} for name, c in self.counts.items()}
        failed = {"replay": self.failed.line, "said": self.said} if self.failed else None
        return {
            "seed": self.seed,
            "minutes": round(self.minutes, 1),
            "families": families_of,
            "failed": failed,
        }

    def require(self) -> None:
        """Raise CheckError, with the line that replays it, where a case failed."""
        if self.failed is not None:
            raise CheckError(f"{self.said}\nreplayed by: {self.failed.line}")


def soak(minutes: float, seed: int, *, workers: int | None = None) -> Soak:
    """Draw and run cases for so many minutes; those that were begun are run to their end.

    Parameters
    ----------
    minutes:
        How long cases are begun; each worker has one at least.
    seed:
        Of the draws: the same cases in the same order, however far it gets.
    workers:
        Cases at a time, by default as many as the machine has cores.

    Raises ToolError where a tool is missing.
    """
    began = time.monotonic()
    counts = {name: Count() for name in soaked()}
    numbers, lock, stop = itertools.count(), threading.Lock(), threading.Event()
    failures: list[tuple[RandomRun, Ended]] = []
    workers = workers or os.cpu_count() or 1
    with scratch.folder() as folder, step("Soaking") as shown:
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "TILELOOM_CACHE_MB": str(CACHE_MB)}

        def work() -> None:
            while True:
                with lock:
                    number = next(numbers)
                name, case = drawn(seed, number)
                outcome = run(case, environment)
                with lock:
                    if outcome.status:
                        failures.append((case, outcome))
                        stop.set()
                    else:
                        counts[name].add(families()[name].room(__package__, "soak").compared(outcome.figures))
                        shown.show(f"{sum(count.cases for count in counts.values()):,} designs")
                if stop.is_set() or (time.monotonic() - began) / 60 >= minutes:
                    return

        with processes.threads(workers) as pool:
            for worker in [pool.submit(work) for _ in range(workers)]:
                worker.result()
        took = (time.monotonic() - began) / 60
        if not failures:
            return Soak(seed, took, counts)
        failed, outcome = shrunk(*failures[0], lambda case: run(case, environment), shown)
    return Soak(seed, took, counts, failed, outcome.said)


def soaked() -> list[str]:
    """Return the families of which designs are drawn."""
    return list(rooms(__package__, "soak"))


def some_fields(rng: np.random.Generator, choices: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """Return a value of about every second field that there are choices for, as ``--set`` takes it."""
    return {
        name: str(values[int(rng.integers(len(values)))])
        for name, values in choices.items()
        if rng.integers(2)
    }


def drawn(seed: int, number: int) -> tuple[str, RandomRun]:
    """Return a case of a seed, and its family; families take turns."""
    names = soaked()
    name = names[number % len(names)]
    room = families()[name].room(__package__, "soak")
    rng = np.random.default_rng([seed, number])
    while True:
        case: RandomRun = room.draw(rng)
        if case.can_be:
            return name, case


def shrunk(
    case: RandomRun, outcome: Ended, run: Callable[[RandomRun], Ended], shown: Step
) -> tuple[RandomRun, Ended]:
    """Return a smaller case that fails as this one does, with the same exit status, and what came of it."""
    if outcome.status not in (1, 2):
        raise ToolError(f"{case.line}: {outcome.said}")
    trials = 0
    while True:
        for smaller in case.smaller():
            if trials == TRIALS:
                return case, outcome
            if not smaller.can_be:
                continue
            trials += 1
            shown.show(f"shrinking what failed, trial {trials}")
            again = run(smaller)
            if again.status == outcome.status:
                case, outcome = smaller, again
                break
        else:
            return case, outcome
