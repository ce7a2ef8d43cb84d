"""Area and energy of the arrays, from the file that ``tileloom paper sasp fig6 --power --json`` prints.

    computing E_computing + loading (E_loading - E_idle) + (cycles - computing) E_idle + leakage x time

with the cycles in which words of vectors and of weights go in: the core needs some cycles for each, in the
rest of which the array is idle with its clock running. Of the core and of memories it has nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileloom_synth.power.memory import DEFAULT_FJ
from tileloom_synth.power.report import BOUNDS, bound_key

from ..kept import plain_of
from .arrays import SIZES, WEIGHTS
from .encoder import Work

KEYS = tuple(map(bound_key, BOUNDS))
"""Of the bounds, as figures have them."""

WORD_J = 32 * DEFAULT_FJ * 1e-15
"""Of a word that the core loads, stores or fetches, from a memory of 8 KB: see ``tileloom power``."""


@dataclass(frozen=True)
class Measured:
    """An array's area and energy.

    Attributes
    ----------
    area:
        um2.
    computing, loading, idle:
        J of a cycle by bound.
    leakage:
        W.
    period:
        s.
    """

    area: float
    computing: dict[str, float]
    loading: dict[str, float]
    idle: dict[str, float]
    leakage: float
    period: float

    def energy(self, work: Work) -> dict[str, float]:
        """Return J of the array by bound; in all cycles of the work it is clocked."""
        return {
            bound: work.steps * (self.computing[bound] - self.idle[bound])
            + work.loads * (self.loading[bound] - self.idle[bound])
            + work.cycles * (self.idle[bound] + self.leakage * self.period)
            for bound in KEYS
        }

    def gated(self, work: Work) -> dict[str, float]:
        """Return the same if the clock stood still where no word goes in, which it does not."""
        return {
            bound: work.steps * self.computing[bound]
            + work.loads * self.loading[bound]
            + work.cycles * self.leakage * self.period
            for bound in KEYS
        }

    def seconds(self, work: Work) -> float:
        """Return how long the work takes at the clock that it was mapped for."""
        return work.cycles * self.period


@dataclass(frozen=True)
class Arrays:
    """All arrays in a library.

    Attributes
    ----------
    library:
        Its name.
    period:
        Of the clock that they were mapped for, s.
    double_buffer:
        Whether they have two tiles of weights.
    by:
        By weights and size.
    """

    library: str
    period: float
    double_buffer: bool
    by: dict[str, dict[int, Measured]]


@dataclass(frozen=True)
class HostCore:
    """The core without an array.

    Attributes
    ----------
    area:
        um2.
    multiplying, moving:
        J of a cycle by bound: by itself, and for an array.
    leakage:
        W.
    """

    area: float
    multiplying: dict[str, float]
    moving: dict[str, float]
    leakage: float

    def energy(self, cycles: int, period: float, *, alone: bool) -> dict[str, float]:
        """Return J of so many cycles by bound, leakage included."""
        cycle = self.multiplying if alone else self.moving
        return {bound: cycles * (cycle[bound] + self.leakage * period) for bound in KEYS}


def read_core(path: Path) -> HostCore:
    """Return what a file has. Raises UserError that names it where it is not such a file."""
    with plain_of(path, "`tileloom paper sasp core --liberty F --json` prints") as plain:
        multiplying, moving = (
            {key: float(plain["cycle_j"][name][key]) for key in KEYS} for name in ("multiplying", "moving")
        )
        found = HostCore(float(plain["area"]), multiplying, moving, float(plain["leakage_w"]))
    return found


def memory_energy(work: Work) -> float:
    """Return J of what the core loads and stores, and of an instruction fetched in each cycle."""
    return (work.accesses + work.cycles) * WORD_J


def read_arrays(path: Path) -> Arrays:
    """Return what a file has. Raises UserError that names it where it is not such a file."""
    command = "`tileloom paper sasp fig6 --liberty F --clock P --power --json` prints"
    with plain_of(path, command) as plain:
        areas = {row["size"]: row for row in plain["rows"]}
        powers = {row["size"]: row for row in plain["power"]["rows"]}
        period = plain["clock_ps"] * 1e-12
        by = {
            weights: {size: _measured(areas[size][weights], powers[size], weights, period) for size in SIZES}
            for weights in WEIGHTS
        }
        found = Arrays(plain["library"], period, plain["double_buffer"], by)
    return found


def _measured(area: dict[str, Any], power: dict[str, Any], weights: str, period: float) -> Measured:
    cycle = power["cycle_j"][weights]
    computing, loading, idle = (
        {key: float(cycle[mode][key]) for key in KEYS} for mode in ("computing", "loading_weights", "idle")
    )
    leakage = float(power["leakage_w"][weights])
    return Measured(float(area["area"]), computing, loading, idle, leakage, period)
