"""Mutants of an engine, against the random layers of ``tileloom simulate``, everything stalled at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from tileloom.engine.config import EngineConfig
from tileloom.errors import CheckError
from tileloom.processes import OutOfTimeError
from tileloom_sim.engine.job import Job
from tileloom_sim.engine.random_jobs import random_jobs
from tileloom_sim.engine.run import require_whole_bytes, run_jobs

from ..mutation.mutants import Mutated
from ..mutation.score import Trial
from ..systolic.mutation import PARTS as PARTS_OF_ARRAY

_ENGINE = {
    "dispatch": ("dispatch",),
    "loader": ("loader", "lock_a_free", "lock_a_full", "a_buffer"),
    "walker": ("walker",),
    "sequencer": ("sequencer", "b_buffer", "feeder", "accumulators"),
    "drain": ("drain", "lock_c_full"),
}

PARTS = {
    "dot product": ("core", "dot_element", "sum_of_products"),
    "requantiser": ("requantise", "scaled_magnitude"),
    **{
        part: tuple(f"{room}_{name}" for room in ("array", "array_engine") for name in names)
        for part, names in _ENGINE.items()
    },
    "AXI4 master": tuple(f"array_{name}" for name in ("channel", "descriptors", "read", "write")),
    **{
        f"array's {part}": names
        for part, names in PARTS_OF_ARRAY.items()
        if part in ("multiplier", "adder", "mesh")
    },
}

LAYERS = 60
"""Random layers of a regression."""


def parts(config: EngineConfig) -> Mapping[str, Sequence[str]]:
    """Return the parts of an engine, and what the names of their modules begin with.

    Raises UserError where the engine cannot be simulated.
    """
    require_whole_bytes(config)
    return PARTS


def trial(config: EngineConfig, mutated: Mutated, seed: int) -> Trial:
    """Return what runs random layers on one of an engine's mutants."""

    @cache
    def jobs(number: int) -> list[Job]:
        return random_jobs(config, LAYERS, seed + number)

    def passes(mutant: int, number: int) -> bool:
        try:
            run_jobs(mutated.design, jobs(number), mutant=mutant)
        except (CheckError, OutOfTimeError):
            return False
        return True

    return passes
