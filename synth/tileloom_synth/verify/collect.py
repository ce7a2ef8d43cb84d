"""``tileloom verify --collect``: the runs that the evidence is made of, one after another, each kept as JSON.

A run is a command line of ``tileloom verify``, run as a program. What a folder has already is not run again,
so a collection that was ended goes on where it was. ``--report`` (``evidence``) makes Markdown of the folder.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tileloom import files, processes
from tileloom.cli.console import Sheet, note, step
from tileloom.errors import CheckError, ToolError

_ARRAY = {"rows": 2, "columns": 3, "add_stages": 2}
_WORDS = {"rows": 3, "columns": 2}
_BUFFERS = {"a_words": 64, "acc_tiles": 16, "weight_beats": 4, "bus": 64}
_STREAMS = {"m": 2, "k": 3, "n": 5, **_BUFFERS, "a_words": 1 << 16, "acc_tiles": 64}
_MASTER = {"m": 2, "k": 4, "n": 4, **_BUFFERS}
_SMALL = {"m": 2, "k": 2, "n": 2, **_BUFFERS}
_PARTS = ("loader", "dispatch", "walker", "sequencer", "drain", "requantiser", "dot product")
"""Of the engine, each a run of its own, so that a collection that is ended loses little."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    name:
        Of its file in the folder, without ``.json``.
    minutes:
        What it took on two cores.
    options:
        Behind ``tileloom verify``, without ``--json``.
    """

    name: str
    minutes: int
    options: Sequence[str]

    @property
    def line(self) -> str:
        """What is typed for it."""
        return shlex.join(["tileloom", "verify", *self.options])


def _sets(fields: Mapping[str, int]) -> list[str]:
    return [word for name, value in fields.items() for word in ("--set", f"{name}={value}")]


def _exhaustive(source: str, fields: Mapping[str, int]) -> tuple[str, ...]:
    return (source, "--exhaustive", "--seed", "3", *_sets(fields))


def _mutate(source: str, fields: Mapping[str, int], *parts: str, mutants: int = 200) -> tuple[str, ...]:
    only = [word for part in parts for word in ("--part", part)]
    return (source, "--mutate", "--mutants", str(mutants), *only, "--seed", "3", *_sets(fields))


RUNS = (
    Run("formal", 2, ("--formal",)),
    Run("small-layers", 4, _exhaustive("engine-int8", _SMALL)),
    Run("small-layers-axi4", 6, _exhaustive("engine-int8-axi4", _SMALL)),
    Run("programs-cv32e40p", 2, ("xfu-cv32e40p", "--programs", "150", "--seed", "7")),
    Run("programs-cv-x-if", 2, ("xfu-cv-x-if", "--programs", "150", "--seed", "7")),
    Run("coverage", 8, ("--coverage", "--seed", "1")),
    Run("mutants-stream-array", 15, _mutate("stream-8x8-int8", _ARRAY)),
    Run("mutants-word-port", 5, _mutate("sasp-4x4-fp32", _WORDS, "port")),
    Run("mutants-xfu-unit", 10, _mutate("xfu-unit", {}, mutants=70)),
    Run("mutants-cv-x-if", 10, _mutate("xfu-cv-x-if", {}, "adapter", "guard", mutants=100)),
    Run("mutants-cv32e40p", 3, _mutate("xfu-cv32e40p", {}, "pipeline")),
    *(
        Run(f"mutants-engine-{part.replace(' ', '-')}", 8, _mutate("engine-int8", _STREAMS, part))
        for part in _PARTS
    ),
    Run("mutants-axi4-master", 8, _mutate("engine-int8-axi4", _MASTER, "AXI4 master")),
    Run("soak", 120, ("--soak", "120", "--seed", "11")),
)
"""All runs, those of mutants with 200 in each part, or in those that belong together."""


def plan(folder: Path) -> Sheet:
    """Return the table of the runs: which are kept in the folder, and what the others take."""
    rows = [
        (run.name, "kept" if (folder / f"{run.name}.json").exists() else f"{run.minutes} min", run.line)
        for run in RUNS
    ]
    left = sum(run.minutes for run in RUNS if not (folder / f"{run.name}.json").exists())
    return Sheet(f"Evidence: about {left / 60:.1f} hours to come on two cores", ("run", "takes", "is"), rows)


def collect(folder: Path, run: Callable[[Run], processes.Finished] | None = None) -> None:
    """Make the runs that a folder does not have, and keep what they print.

    Parameters
    ----------
    folder:
        Made if it is missing.
    run:
        How one is run; by default as a program.

    Raises CheckError that names the runs in which something failed, after all were made; ToolError where one
    ends without a result.
    """
    failed = []
    for each in RUNS:
        path = folder / f"{each.name}.json"
        if path.exists():
            continue
        outputs = files.claim({each.name: path}, make_folders=True)
        began = time.monotonic()
        with step(f"{each.name}, about {each.minutes} minutes"):
            ended = (run or _program)(each)
        if ended.status not in (0, 1) or not ended.output.strip():
            raise ToolError(f"{each.line}: {ended.reason.splitlines()[-1].removeprefix('Error: ')}")
        outputs.write({path: ended.output})
        note(f"{each.name}: {(time.monotonic() - began) / 60:.0f} minutes, {path}")
        if ended.status:
            failed.append(each.name)
    if failed:
        raise CheckError(f"{', '.join(failed)}: not all as it should be; {folder} has what came of it")


def _program(run: Run) -> processes.Finished:
    command = [sys.executable, "-m", "tileloom.cli.entry", "verify", *run.options, "--json", "--quiet"]
    return processes.run(command, environment=dict(os.environ))
