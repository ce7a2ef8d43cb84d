"""What ``tileloom verify --coverage`` runs on arrays: the cocotb regression of ``tileloom simulate``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom.systolic.config import SystolicConfig

from ..coverage.reasons import Reason
from .coverage import expected_bins
from .interface import Interface
from .regression import LARGE, regress_design

CYCLES = ("transfer", "back to back", "waits", "starves", "rests")
"""Kinds of cycles of a stream, as the bench counts them."""

SEEDS = 8
"""That are merged; the seeds follow one another."""

_SMALL = {"rows": "4", "columns": "5"}

DESIGNS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("stream-8x8-int8", {**_SMALL, "add_stages": "2"}),
    ("stream-8x8-fp32", {**_SMALL, "rounding": "nearest-even", "multiply_stages": "2"}),
    (
        "stream-8x8-fp16",
        {
            **_SMALL,
            "rounding": "nearest-even",
            "multiply_stages": "2",
            "carry_save": "true",
            "add_stages": "3",
        },
    ),
    ("stream-8x8-bf16-int8", {**_SMALL, "gate_zeros": "true", "broadcast": "2", "double_buffer": "false"}),
    ("sasp-4x4-int8", {"rows": "5", "columns": "4", "multiply_stages": "3", "add_stages": "4"}),
    ("sasp-4x4-fp32", {"rows": "5", "columns": "4"}),
)
"""What is covered where no CONFIG is given: preset, and the fields that are not as there."""

REASONS: Sequence[Reason] = ()


def declared(config: SystolicConfig, design: Design) -> list[str]:
    """Return the bins of an array: its arithmetic, its streams, and swaps of weights everywhere inside."""
    config.require_no_host("coverage")
    bins = expected_bins(config)
    bins += [f"{name}: {kind}" for name in Interface.of_manifest(design.manifest).streams for kind in CYCLES]
    inside = config.rows * config.add_stages + config.columns + config.multiply_stages
    if config.double_buffer and config.step_interval == 1 and config.rows * config.columns <= LARGE:
        bins += [f"{SWAP}{length} vectors" for length in range(1, inside + 1)]
    return bins


SWAP = "swap after "


def regress(config: SystolicConfig, design: Design, seed: int) -> Counter[str]:
    """Run the regression, and return how often each bin was hit. Raises CheckError where it fails."""
    regression = regress_design(design, seed=seed)
    if not regression.passed:
        failure = (regression.failures or ["the simulator died"])[0]
        raise CheckError(f"{design.name}, seed {seed}: {failure}")
    seen = regression.covered()
    for name, cycles in regression.handshakes().items():
        seen.update({f"{name}: {kind}": count for kind, count in cycles.items()})
    # Where weights swap at other times, tiles of all lengths say nothing.
    wanted = set(declared(config, design))
    return Counter({name: hits for name, hits in seen.items() if name in wanted or not name.startswith(SWAP)})
