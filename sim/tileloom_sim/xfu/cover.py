"""What ``tileloom verify --coverage`` runs on xDecimate units: a core at random at the unit's ports."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from tileloom import scratch
from tileloom.config import to_plain
from tileloom.design import Design
from tileloom.errors import CheckError, UserError
from tileloom.xfu.config import Host, XfuConfig

from ..build.cocotb_run import run_cocotb
from ..coverage.reasons import Reason
from .coverage import expected_bins

SEEDS = 4
"""That are merged; the seeds follow one another."""

PHASES = (3000, *(40 + number for number in range(30)))
"""Cycles between resets."""

DESIGNS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("xfu-unit", {}),
    ("xfu-unit", {"group_sizes": "8"}),
    ("xfu-unit", {"group_sizes": "4,16"}),
)
"""What is covered where no CONFIG is given: preset, and the fields that are not as there."""

REASONS: Sequence[Reason] = ()


def declared(config: XfuConfig, design: Design) -> list[str]:
    """Return the bins of a unit. Raises UserError where it has a host."""
    if config.host is not Host.UNIT:
        raise UserError("--coverage: of xDecimate units xfu-unit; hosts are not covered")
    return expected_bins(config)


def regress(config: XfuConfig, design: Design, seed: int) -> Counter[str]:
    """Run the unit on random instructions, and return how often each bin was hit.

    Raises CheckError where it differs from the golden hart.
    """
    with scratch.folder() as folder:
        report, bench = folder / "report.json", folder / "bench.json"
        plan = {"seed": seed, "config": to_plain(config), "phases": PHASES, "report": str(report)}
        bench.write_text(json.dumps(plan))
        run = run_cocotb(
            design.verilog,
            design.name,
            "tileloom_sim.xfu.unit_bench",
            folder=folder,
            environment={"TILELOOM_BENCH": str(bench)},
            seed=seed,
        )
        if not run.passed or not report.exists():
            lines = [line for line in run.log.splitlines() if "Error: " in line]
            raise CheckError(f"{design.name}, seed {seed}: {lines[-1].strip() if lines else 'no report'}")
        return Counter(json.loads(report.read_text())["seen"])
