"""What ``tileloom verify --coverage`` runs on xDecimate units: a core at random, or kernels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from tileloom import scratch
from tileloom.config import to_plain
from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom.xfu.config import Host, XfuConfig, refuse_others

from ..build.cocotb_run import run_cocotb
from ..coverage.reasons import Reason
from ..riscv.run import Conditions, Waits
from .coverage import expected_bins, host_bins, observe_host
from .hosts import xfu_system
from .layers import fully_connected
from .suite import Case, cases, convolution, measure

SEEDS = 4
"""That are merged; the seeds follow one another."""

PHASES = (3000, *(40 + number for number in range(30)))
"""Cycles between resets."""

DESIGNS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("xfu-unit", {}),
    ("xfu-unit", {"group_sizes": "8"}),
    ("xfu-unit", {"group_sizes": "4,16"}),
    ("xfu-cv-x-if", {}),
    ("xfu-cv32e40p", {}),
)
"""What is covered where no CONFIG is given: preset, and the fields that are not as there."""

_FAILS = "no load of a kernel fails; tb/xfu/test_cv32e40x.py has errors and exceptions"
_LATER = "CV32E40X takes a result with its answer; xfu-unit is covered with later ones"
_ENTERS = "on CV32E40X the next one enters as one completes; xfu-unit is covered with the other times"

REASONS: Sequence[Reason] = (
    Reason("top", r"mem_result_err \?", _FAILS),
    Reason("top", r"^assign fault_(exc|exccode|err) =", _FAILS),
    Reason("top", r"^assign n38 = __signal_76 \? 1'h1 : n41;", _FAILS),
    Reason("top", r"^assign n4 = n28 \? n2 : n3;", _FAILS),
    Reason("unit", r"\? head\[108:77\] : result;", _FAILS),
    Reason("unit", r"\? 16'hxxxx :", _FAILS),
    Reason("unit", r"\? results__payload_\d+\[41:10\] :", _ENTERS),
    Reason("unit", r"answered \?|answered <= 1'h1|kept_(byte|fault) <=", _LATER),
    Reason("guard", r"\? 6'h28 : 6'h08", "kernels do not divide; programs of tb/xfu/test_mutants.py do"),
)


def declared(config: XfuConfig, design: Design) -> list[str]:
    """Return the bins of a unit, or of its host."""
    refuse_others(config, "--coverage")
    return expected_bins(config) if config.host is Host.UNIT else host_bins(_suite(config))


def regress(config: XfuConfig, design: Design, seed: int) -> Counter[str]:
    """Run the unit on random instructions, or its host on kernels; return how often each bin was hit.

    Raises CheckError where a result differs from the golden model.
    """
    if config.host is not Host.UNIT:
        return _on_host(config, seed)
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


def _suite(config: XfuConfig) -> list[Case]:
    return cases([convolution(16, 2), fully_connected(2, 32)], config.group_sizes)


def _on_host(config: XfuConfig, seed: int) -> Counter[str]:
    """Run the kernels without waits, then with waits of fixed and of random length."""
    system, suite, rng = xfu_system(config), _suite(config), np.random.default_rng(seed)
    seen: Counter[str] = Counter()
    for number in range(3):
        fetch, data = (_waits(rng) if number else Waits() for _ in range(2))
        drawn = int(rng.integers(1 << 31)) if number == 2 else None
        conditions = Conditions(instruction_waits=fetch, data_waits=data, random_seed=drawn)
        for _ in measure(system, suite, seed=seed + number, conditions=conditions):
            pass
        seen.update(observe_host(suite, conditions))
    return seen


def _waits(rng: np.random.Generator) -> Waits:
    grant, response = map(int, rng.integers(1, 4, 2))
    return Waits(grant=grant, response=response)
