"""Mutants of a systolic array, against the cocotb regression of ``tileloom simulate``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tileloom.processes import OutOfTimeError
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_sim.build.verilator import MUTANT
from tileloom_sim.systolic.regression import Regression, regress_design

from ..mutation.mutants import Mutated, mutate
from ..mutation.score import Trial
from .held import held

__all__ = ["held", "mutated", "trial"]


def _edges(*names: str) -> tuple[str, ...]:
    """Return modules of an array, as they are called without and with registers around it."""
    return tuple(f"{array}_{name}" for array in ("array", "array_array") for name in names)


PARTS = {
    "multiplier": ("processing_element_multiply", "digit_product"),
    "adder": ("processing_element_add",),
    "mesh": ("processing_element", "following_element", "row", *_edges("mesh", "wavefront")),
    "skew": _edges("activation_skew", "psum_skew", "result_deskew"),
    "loader": ("encode_weight", *_edges("loader")),
    "registers": ("array_registers", "array_job"),
    "port": ("array",),
}


def mutated(config: SystolicConfig, count: int, seed: int, only: Sequence[str]) -> Mutated:
    """Return an array with faults, as ``mutate``."""
    config.require_no_host("count of mutants")
    return mutate(generate(config), PARTS, count, seed, only)


def trial(config: SystolicConfig, mutated: Mutated, seed: int) -> Trial:
    """Return what runs an array's regression on one of its mutants."""

    @cache
    def regress(mutant: int, number: int) -> Regression:
        return regress_design(mutated.design, seed=seed + number, environment={MUTANT: str(mutant)})

    def passes(mutant: int, number: int) -> bool:
        try:
            run = regress(mutant, number)
        except OutOfTimeError:
            return False
        # One that only waits longer gives nothing wrong.
        return run.passed and run.cycles == regress(0, number).cycles

    return passes
