"""What ``tileloom simulate`` says in the end: the figures of a GEMM or a regression, as a table or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.systolic.config import SystolicConfig

from . import coverage
from .gemm import GemmRun
from .operands import Operands
from .regression import Regression


def gemm_figures(
    config: SystolicConfig, run: GemmRun, operands: Operands, y: npt.NDArray[np.float32], *, raw: bool
) -> dict[str, Any]:
    """Return the figures of a GEMM, plain values by name.

    ``largest_distance`` is from the product of the same operands, rounded or quantised as the array got
    them, in float64; results that overflowed to infinity are counted apart.
    """
    (vectors, inner), columns = operands.x.shape, operands.w.shape[1]
    exact = operands.x_values @ operands.w_values
    if not raw:
        exact = exact * operands.scale
    finite = np.isfinite(y)
    distance = np.abs(np.where(finite, y, 0).astype(np.float64) - exact)[finite]
    largest = float(distance.max(initial=0.0))
    per_cycle = run.computed * vectors * config.rows * config.columns / max(run.cycles, 1)
    return {
        "m": vectors,
        "k": inner,
        "n": columns,
        "cycles": run.cycles,
        "utilisation": run.utilisation,
        "multiply_accumulates_per_cycle": per_cycle,
        "tiles": run.tiles,
        "tiles_skipped": run.tiles - run.computed,
        "largest_distance": largest,
        "largest_result": float(np.abs(exact).max(initial=0.0)),
        "overflowed": int(np.count_nonzero(~finite)),
        "seconds": run.seconds,
        "cycles_per_second": run.cycles / run.seconds if run.seconds else 0.0,
    }


def gemm_rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of a GEMM's table."""
    skipped = f"{figures['tiles_skipped']} of {figures['tiles']}"
    distance = f"{figures['largest_distance']:.3g}  (largest |Y| {figures['largest_result']:.3g})"
    rows = [
        ("Y = X W", f"{figures['m']} x {figures['k']} x {figures['n']}"),
        ("cycles", f"{figures['cycles']:,}"),
        ("utilisation", f"{figures['utilisation']:.1%}"),
        ("multiply-accumulates per cycle", f"{figures['multiply_accumulates_per_cycle']:.1f}"),
        ("tiles skipped", skipped),
        ("largest distance from float64", distance),
        ("equal to the golden model", "every word"),
        ("simulated", f"{figures['seconds']:.2f} s, {figures['cycles_per_second']:,.0f} cycles/s"),
    ]
    if figures["overflowed"]:
        rows.insert(6, ("results that overflowed", str(figures["overflowed"])))
    return rows


def regression_figures(config: SystolicConfig, regression: Regression, seed: int) -> dict[str, Any]:
    """Return the figures of a regression, plain values by name."""
    bins = coverage.expected_bins(config)
    missing = coverage.missing(regression.covered(), bins)
    return {
        "passed": regression.passed,
        "seed": seed,
        "tests": regression.run.tests,
        "cycles": regression.cycles,
        "transfers_compared": regression.compared,
        "failures": regression.failures,
        "handshakes": {name: dict(seen) for name, seen in regression.handshakes().items()},
        "coverage": {"bins": len(bins), "hit": len(bins) - len(missing), "missed": missing},
    }


def regression_rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of a regression's table."""
    covered = figures["coverage"]
    rows = [
        ("tests", f"{figures['tests']}"),
        ("cycles", f"{figures['cycles']:,}"),
        ("result transfers compared", f"{figures['transfers_compared']:,}"),
        ("arithmetic cases reached", f"{covered['hit']} of {covered['bins']}"),
    ]
    for name, seen in figures["handshakes"].items():
        waits, starves = seen.get("waits", 0), seen.get("starves", 0)
        rows.append((f"{name}: transfers, waits, idle", f"{seen['transfer']:,}, {waits:,}, {starves:,}"))
    rows.append(("seed", str(figures["seed"])))
    return rows
