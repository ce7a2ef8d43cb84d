"""Mutants of an engine, against the random layers of ``tileloom simulate``, everything stalled at random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from operator import itemgetter

from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom.errors import CheckError
from tileloom.processes import OutOfTimeError
from tileloom_sim.engine.job import Job, together
from tileloom_sim.engine.random_jobs import long_jobs, random_jobs
from tileloom_sim.engine.run import require_whole_bytes, run_jobs

from ..mutation.mutants import Mutated, mutate
from ..mutation.score import Trial
from ..systolic.mutation import PARTS as PARTS_OF_ARRAY
from .held import held

__all__ = ["held", "mutated", "trial"]

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

LAYERS = 100
"""Random layers of a regression; to them come three long ones."""

LARGEST = 1 << 16
"""Cycles, as estimated, of layers that follow one another: the few that take more take most of the time."""

FLOWING = 20
"""Layers where nothing waits, of which the cycles count."""


def mutated(config: EngineConfig, count: int, seed: int, only: Sequence[str]) -> Mutated:
    """Return an engine with faults, as ``mutate``. Raises UserError where it cannot be simulated."""
    config.refuse_grid("--mutate")
    require_whole_bytes(config)
    return mutate(generate(config), PARTS, count, seed, only)


def trial(config: EngineConfig, mutated: Mutated, seed: int) -> Trial:
    """Return what runs random layers on one of an engine's mutants."""

    @cache
    def jobs(number: int) -> tuple[list[list[Job]], list[Job]]:
        return by_size(random_jobs(config, LAYERS, seed + number)), long_jobs(config, seed + number)

    @cache
    def flowing(number: int) -> list[Job]:
        return random_jobs(config, FLOWING, seed + number, waiting=False)

    def cycles(mutant: int, number: int) -> list[int]:
        return [run.cycles for run in run_jobs(mutated.design, flowing(number), mutant=mutant)]

    @cache
    def right_cycles(number: int) -> list[int]:
        return cycles(0, number)

    def passes(mutant: int, number: int) -> bool:
        try:
            short, long = jobs(number)
            for some in short:
                run_jobs(mutated.design, some, mutant=mutant)
            # One that only waits longer, as the estimates' tests would notice.
            if cycles(mutant, number) != right_cycles(number):
                return False
            run_jobs(mutated.design, long, mutant=mutant)
        except (CheckError, OutOfTimeError):
            return False
        return True

    return passes


def by_size(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return jobs in two halves, of the smaller and of the larger: most faults show in the first.

    Those that follow one another stay together, and are left out where they take more than ``LARGEST``.
    """
    sized = [(sum(job.estimate().cycles for job in some), some) for some in together(jobs)]
    kept = [some for cycles, some in sorted(sized, key=itemgetter(0)) if cycles <= LARGEST]
    half = len(kept) // 2
    return [list(chain(*part)) for part in (kept[:half], kept[half:]) if part]
