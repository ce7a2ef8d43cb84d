"""Mutants of a systolic array, against the cocotb regression of ``tileloom simulate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tileloom.processes import OutOfTimeError
from tileloom.systolic.config import SystolicConfig
from tileloom_sim.build.verilator import MUTANT
from tileloom_sim.systolic.regression import regress_design

from ..mutation.mutants import Mutated
from ..mutation.score import Trial

PARTS = {
    "multiplier": ("processing_element_multiply", "digit_product"),
    "adder": ("processing_element_add",),
    "mesh": ("processing_element", "following_element", "row", "array_mesh", "array_wavefront"),
    "skew": ("array_activation_skew", "array_psum_skew", "array_result_deskew"),
    "loader": ("array_loader", "encode_weight"),
    "port": ("array",),
}


def parts(config: SystolicConfig) -> Mapping[str, Sequence[str]]:
    """Return the parts of an array, and what the names of their modules begin with."""
    return PARTS


def trial(config: SystolicConfig, mutated: Mutated, seed: int) -> Trial:
    """Return what runs an array's regression on one of its mutants."""

    def passes(mutant: int, number: int) -> bool:
        try:
            run = regress_design(mutated.design, seed=seed + number, environment={MUTANT: str(mutant)})
        except OutOfTimeError:
            return False
        return run.passed

    return passes
