"""A layer on a machine, as a point under its rooflines: what moved, how long it took, what stood idle."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .roof import Machine, Mix


@dataclass(frozen=True)
class Counts:
    """What a layer takes on a design, from a closed form or a simulation.

    Attributes
    ----------
    cycles:
        Until the last core is done.
    macs:
        Effective multiply-accumulates: those of tiles or blocks that are computed, what fills them up at the
        edges left out.
    dense_macs:
        The layer's, those of tiles or blocks that are left out included.
    passes:
        Cycles in which a core takes operands, of all cores.
    moved:
        Bytes by memory level, of all cores.
    core_cycles:
        Of all cores together, each until it is done; of a single one, ``cycles``.
    """

    cycles: int
    macs: int
    dense_macs: int
    passes: int
    moved: Mapping[str, int]
    core_cycles: int


def total(counts: Sequence[Counts], dense_macs: int) -> Counts:
    """Return what takes one after another, of a layer of so many multiply-accumulates."""
    moved: Counter[str] = Counter()
    for each in counts:
        moved.update(each.moved)
    return Counts(
        cycles=sum(each.cycles for each in counts),
        macs=sum(each.macs for each in counts),
        dense_macs=dense_macs,
        passes=sum(each.passes for each in counts),
        moved=dict(moved),
        core_cycles=sum(each.core_cycles for each in counts),
    )


@dataclass(frozen=True)
class Point:
    """A layer on a machine.

    Attributes
    ----------
    machine:
        The design.
    layer:
        Name of the layer.
    sparsity:
        Share of the weights' tiles or blocks that is left out.
    source:
        Where cycles are from: "measured" (RTL), "exact" (closed form that equals RTL) or "estimated".
    counts:
        What it takes.
    cores:
        Of the machine.
    """

    machine: Machine
    layer: str
    sparsity: float
    source: str
    counts: Counts
    cores: int = 1

    @property
    def operations(self) -> int:
        """Effective ones: two for each multiply-accumulate that is computed."""
        return 2 * self.counts.macs

    @property
    def dense_operations(self) -> int:
        """Dense-equivalent ones: as many as without sparsity."""
        return 2 * self.counts.dense_macs

    @property
    def seconds(self) -> float:
        """Time."""
        return self.counts.cycles / self.machine.frequency

    @property
    def intensities(self) -> dict[str, float]:
        """Effective operations per byte at each level."""
        return self.per_byte(self.operations)

    def per_byte(self, operations: int) -> dict[str, float]:
        """Return operations per byte at each level, infinite where no byte moves."""
        moved = self.counts.moved
        return {name: operations / moved[name] if moved[name] else math.inf for name in moved}

    @property
    def throughput(self) -> float:
        """Effective operations per second."""
        return self.operations / self.seconds

    @property
    def dense_throughput(self) -> float:
        """Dense-equivalent operations per second."""
        return self.dense_operations / self.seconds

    @property
    def roof(self) -> float:
        """Combined throughput roof at the point's intensities, in effective operations per second."""
        return float(self.machine.throughput(self.intensities))

    @property
    def bound(self) -> str:
        """What the roof is there: a level, or "compute"."""
        return self.machine.bound(self.intensities)

    @property
    def efficiency(self) -> float:
        """Energy roof at the point's intensities: effective operations per joule, without idle power."""
        return float(self.machine.efficiency(self.intensities))

    @property
    def dense_efficiency(self) -> float:
        """Dense-equivalent operations per joule."""
        return self.efficiency * self.dense_operations / self.operations

    @property
    def mac_utilisation(self) -> float:
        """U_MAC: share of the multipliers' cycles that were effective; spatial x temporal x core."""
        return self.operations / (self.counts.cycles * self.machine.operations)

    @property
    def spatial_utilisation(self) -> float:
        """Share of the multipliers that have effective operands, in cycles that take any."""
        return self.operations * self.cores / (self.counts.passes * self.machine.operations)

    @property
    def temporal_utilisation(self) -> float:
        """Share of a core's cycles that take operands, from its first to its last."""
        return self.counts.passes / self.counts.core_cycles

    @property
    def core_utilisation(self) -> float:
        """Share of the time in which a core has work; the rest waits for the slowest."""
        return self.counts.core_cycles / (self.cores * self.counts.cycles)

    @property
    def memory_utilisation(self) -> dict[str, float]:
        """U_mem of each level: share of its bandwidth that was used."""
        return {
            level.name: self.counts.moved[level.name] / (level.bandwidth * self.counts.cycles)
            for level in self.machine.levels
        }

    @property
    def edge_intensity(self) -> float:
        """Effective operations per byte at the outermost levels together."""
        moved = sum(self.counts.moved[name] for name in self.machine.edge)
        return self.operations / moved if moved else math.inf

    def to_json(self) -> dict[str, Any]:
        """Return plain values by name; None for an intensity where no byte moves."""
        energies = self.machine.energies(self.intensities)
        return {
            "design": self.machine.name,
            "layer": self.layer,
            "sparsity": self.sparsity,
            "source": self.source,
            "cycles": self.counts.cycles,
            "operations": self.operations,
            "dense_operations": self.dense_operations,
            "bytes": dict(self.counts.moved),
            "operations_per_byte": {
                name: value if math.isfinite(value) else None for name, value in self.intensities.items()
            },
            "operations_per_outermost_byte": self.edge_intensity,
            "operations_per_second": self.throughput,
            "dense_operations_per_second": self.dense_throughput,
            "roof_operations_per_second": self.roof,
            "bound": self.bound,
            "operations_per_joule": self.efficiency,
            "dense_operations_per_joule": self.dense_efficiency,
            "pj_per_operation": energies,
            "mac_utilisation": self.mac_utilisation,
            "spatial_utilisation": self.spatial_utilisation,
            "temporal_utilisation": self.temporal_utilisation,
            "core_utilisation": self.core_utilisation,
            "memory_utilisation": self.memory_utilisation,
        }


def mix_of(points: Sequence[Point]) -> Mix:
    """Return the mix of a machine's points together; levels inside keep the intensity they have there."""
    machine = points[0].machine
    moved = {level.name: sum(point.counts.moved[level.name] for point in points) for level in machine.levels}
    operations, edge = sum(point.operations for point in points), sum(moved[name] for name in machine.edge)
    return Mix(
        machine,
        {name: edge / moved[name] if moved[name] else math.inf for name in machine.edge},
        {name: operations / count for name, count in moved.items() if name not in machine.edge},
    )
