"""The rooflines of a machine: throughput and energy efficiency over arithmetic intensity, level by level.

M. Verhelst, L. Benini, N. Verma, "How to keep pushing ML accelerator performance? Know your rooflines!",
JSSC 60(6), 2025 (arXiv 2505.16346): every memory level has an arithmetic intensity of its own, and all bound.
Operations are multiplications and additions: a multiply-accumulate is two. Intensities may be arrays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tileloom.errors import ConfigError

Intensities = Mapping[str, Any]
"""Operations per byte by level: floats, or arrays of one shape; infinite where no byte moves."""

COMPUTE = "compute"
"""What bounds where no memory level does."""


@dataclass(frozen=True)
class Level:
    """A memory level, or a port to one.

    Attributes
    ----------
    name:
        Of the level.
    bandwidth:
        B: bytes per cycle.
    energy:
        E: pJ per byte.

    Raises
    ------
    ConfigError
        The bandwidth is not positive, or the energy negative.
    """

    name: str
    bandwidth: float
    energy: float

    def __post_init__(self) -> None:
        _check(f"{self.name}: bandwidth", self.bandwidth, positive=True)
        _check(f"{self.name}: energy", self.energy, positive=False)


@dataclass(frozen=True)
class Machine:
    """What bounds a design.

    Attributes
    ----------
    name:
        Of the design.
    operations:
        A_op: operations per cycle when every multiplier works.
    operation_energy:
        E_op: pJ per operation.
    levels:
        From the innermost outwards.
    frequency:
        f: clock cycles per second.
    outermost:
        How many levels, from the last, are outermost together: ports side by side are.

    Raises
    ------
    ConfigError
        A rate or energy is not positive, there is no level, or two have one name.
    """

    name: str
    operations: float
    operation_energy: float
    levels: tuple[Level, ...]
    frequency: float = 1e9
    outermost: int = 1

    def __post_init__(self) -> None:
        _check(f"{self.name}: operations per cycle", self.operations, positive=True)
        _check(f"{self.name}: operation energy", self.operation_energy, positive=True)
        _check(f"{self.name}: frequency", self.frequency, positive=True)
        names = [level.name for level in self.levels]
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"{self.name}: levels: must be one or more of different names, not {names}")
        if not 1 <= self.outermost <= len(names):
            raise ConfigError(f"{self.name}: outermost: must be from 1 to {len(names)}, not {self.outermost}")

    @property
    def peak(self) -> float:
        """A_op f: operations per second when every multiplier works."""
        return self.operations * self.frequency

    @property
    def edge(self) -> tuple[str, ...]:
        """Names of the outermost levels."""
        return tuple(level.name for level in self.levels[-self.outermost :])

    def ceilings(self, intensities: Intensities) -> dict[str, Any]:
        """Return what each level allows, AI B f, and the multipliers, in operations per second, by name."""
        memory = {
            level.name: intensities[level.name] * (level.bandwidth * self.frequency) for level in self.levels
        }
        return {**memory, COMPUTE: self.peak}

    def throughput(self, intensities: Intensities) -> Any:
        """Return the combined throughput roof, the least of A_op f and all AI B f: operations per second."""
        roof: Any = self.peak
        for ceiling in self.ceilings(intensities).values():
            roof = np.minimum(roof, ceiling)
        return roof

    def bound(self, intensities: Mapping[str, float]) -> str:
        """Return what is lowest: a level, or "compute" where none is below the multipliers."""
        ceilings = self.ceilings(intensities)
        lowest = min(ceilings, key=ceilings.__getitem__)
        return COMPUTE if ceilings[lowest] >= self.peak else lowest

    def energies(self, intensities: Intensities) -> dict[str, Any]:
        """Return the pJ of an operation by where they go: each level's E / AI, and the operation itself."""
        memory = {level.name: level.energy / intensities[level.name] for level in self.levels}
        return {**memory, COMPUTE: self.operation_energy}

    def efficiency(self, intensities: Intensities) -> Any:
        """Return the combined energy roof, 1 / (E_op + sum of E / AI), in operations per joule."""
        return 1e12 / sum(self.energies(intensities).values())

    def level_throughput(self, level: Level, intensity: Any) -> Any:
        """Return the throughput roof of one level alone, in operations per second."""
        return np.minimum(self.peak, intensity * (level.bandwidth * self.frequency))

    def level_efficiency(self, level: Level, intensity: Any) -> Any:
        """Return the energy roof of one level alone, in operations per joule."""
        return 1e12 / (self.operation_energy + level.energy / intensity)

    def knee(self, level: Level) -> float:
        """Return the intensity from which a level does not bound throughput, A_op / B: operations a byte."""
        return self.operations / level.bandwidth

    def energy_knee(self, level: Level) -> float:
        """Return the intensity at which a level takes as much energy as the operations: E / E_op."""
        return level.energy / self.operation_energy


@dataclass(frozen=True)
class Mix:
    """The intensities of a machine's levels as functions of one: that of the outermost levels together.

    Attributes
    ----------
    machine:
        Whose levels.
    ratios:
        Of levels whose intensity goes with it: the intensity where the outermost one is 1.
    fixed:
        The intensity of levels where it stays, those inside.
    """

    machine: Machine
    ratios: Mapping[str, float]
    fixed: Mapping[str, float] = field(default_factory=dict)

    def at(self, intensity: Any) -> dict[str, Any]:
        """Return every level's intensity where the outermost is ``intensity``."""
        return {**{name: ratio * intensity for name, ratio in self.ratios.items()}, **self.fixed}

    def knees(self, *, energy: bool = False) -> dict[str, float]:
        """Return each moving level's own knee as an outermost intensity."""
        knee = self.machine.energy_knee if energy else self.machine.knee
        levels = [level for level in self.machine.levels if level.name in self.ratios]
        return {level.name: knee(level) / self.ratios[level.name] for level in levels}

    @property
    def knee(self) -> float:
        """Outermost intensity from which the multipliers, or a level that stays, bound."""
        inside = self.machine.ceilings({**dict.fromkeys(self.ratios, math.inf), **self.fixed})
        share = min(inside.values()) / self.machine.peak
        return share * max(self.knees().values())

    @property
    def energy_knee(self) -> float:
        """Outermost intensity at which the moving levels take as much energy as all else."""
        inside = self.machine.energies({**dict.fromkeys(self.ratios, math.inf), **self.fixed})
        share = self.machine.operation_energy / sum(inside.values())
        return share * sum(self.knees(energy=True).values())


def _check(name: str, value: float, *, positive: bool) -> None:
    if not math.isfinite(value) or value < 0 or (positive and value == 0):
        raise ConfigError(f"{name}: must be {'above 0' if positive else '0 or more'}, not {value:g}")
