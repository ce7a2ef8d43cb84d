"""The random regression of one array or of a whole farm: prepares the bench, runs it, reads its report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileloom import scratch
from tileloom.design import Design

from ..build.cocotb_run import Run, run_cocotb
from ..build.verilator import elements, rows
from .farm import TOP, Farm
from .interface import Interface

BENCH = "tileloom_sim.systolic.bench"
TESTS = ("regression", "swaps")
LARGE = 256
"""Elements above which Verilator compiles them as blocks: a regression is short, and the build is not."""


@dataclass(frozen=True)
class Regression:
    """What came of a regression.

    Attributes
    ----------
    run:
        The cocotb run.
    entries:
        The bench's report: a dictionary for each array and exercise.
    """

    run: Run
    entries: Sequence[dict[str, Any]]

    @property
    def passed(self) -> bool:
        """Whether every array compared something and every comparison held."""
        return self.run.passed and self.compared > 0 and not self.failures

    @property
    def failures(self) -> list[str]:
        """One line for each array that failed in an exercise."""
        return [
            f"{entry['array']}, {entry['exercise']}: {entry['failure']}"
            for entry in self.entries
            if entry["failure"]
        ]

    @property
    def compared(self) -> int:
        """How many result transfers were compared."""
        return sum(entry["compared"] for entry in self.entries)

    @property
    def cycles(self) -> int:
        """Simulated cycles, the longest array of each exercise counted."""
        longest: dict[str, int] = {}
        for entry in self.entries:
            longest[entry["exercise"]] = max(longest.get(entry["exercise"], 0), entry["cycles"])
        return sum(longest.values())

    def covered(self, arrays: Sequence[str] | None = None) -> Counter[str]:
        """Return how often each bin was hit, in all arrays or in those named."""
        total: Counter[str] = Counter()
        for entry in self.entries:
            if arrays is None or entry["array"] in arrays:
                total.update(entry["covered"])
        return total

    def handshakes(self) -> dict[str, Counter[str]]:
        """Return how often each kind of cycle occurred on the streams of each name."""
        total: dict[str, Counter[str]] = {}
        for entry in self.entries:
            for stream, seen in entry["handshakes"].items():
                total.setdefault(stream, Counter()).update(seen)
        return total


def regress_design(
    design: Design,
    *,
    seed: int,
    testcase: str | Sequence[str] = TESTS,
    simulator: str = "verilator",
    waves: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Regression:
    """Run the regression of one generated array, or some of its tests; the bench sees ``environment``."""
    interface = Interface.of_manifest(design.manifest)
    blocks = interface.config.rows * interface.config.columns > LARGE and waves is None
    return _regress(
        design.verilog,
        design.name,
        [interface],
        modules=(rows if blocks else elements)(design.manifest["modules"]),
        blocks=blocks,
        seed=seed,
        simulator=simulator,
        testcase=testcase,
        waves=waves,
        environment=environment,
    )


def regress_farm(
    farm: Farm,
    *,
    seed: int,
    arrays: Sequence[str] | None = None,
    testcase: str | Sequence[str] = TESTS,
    large: bool = False,
    simulator: str = "verilator",
) -> Regression:
    """Run the regression of a farm's arrays, or of those named, or only some of its tests.

    ``large`` is for farms of a few large arrays rather than many small ones.
    """
    chosen = [interface for interface in farm.interfaces if arrays is None or interface.name in arrays]
    return _regress(
        farm.verilog,
        TOP,
        chosen,
        modules=(rows if large else elements)(farm.origins),
        blocks=True,
        seed=seed,
        simulator=simulator,
        testcase=testcase,
    )


def _regress(
    verilog: str,
    top: str,
    interfaces: Sequence[Interface],
    *,
    seed: int,
    environment: Mapping[str, str] | None = None,
    **options: Any,
) -> Regression:
    with scratch.folder() as folder:
        report, bench = folder / "report.json", folder / "bench.json"
        bench.write_text(
            json.dumps(
                {
                    "seed": seed,
                    "report": str(report),
                    "interfaces": [interface.to_plain() for interface in interfaces],
                }
            )
        )
        run = run_cocotb(
            verilog,
            top,
            BENCH,
            folder=folder,
            environment={"TILELOOM_BENCH": str(bench), **(environment or {})},
            seed=seed,
            **options,
        )
        entries = json.loads(report.read_text()) if report.exists() else []
    return Regression(run, entries)
