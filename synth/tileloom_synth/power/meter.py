"""A meter on a simulation: energy by origin from toggles, leakage from states, cycle by cycle averaged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from ..gates.behaviour import behaviour
from ..gates.bits import LANES
from ..gates.boolean import compiled
from ..gates.simulator import Simulator
from ..library.functions import FunctionError, truth_table
from .rates import ground_pins, rates
from .tables import LibraryUnits


@dataclass
class Energy:
    """Energy of a cycle on average, in J.

    Attributes
    ----------
    internal, nets, clock:
        Inside cells; charging the pins that nets are on; both of these of clock pins and clock gates.
    """

    internal: float = 0.0
    nets: float = 0.0
    clock: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.internal + self.nets + self.clock

    def __add__(self, other: Energy) -> Energy:
        return Energy(self.internal + other.internal, self.nets + other.nets, self.clock + other.clock)

    def scaled(self, factor: float) -> Energy:
        """Return it times a factor."""
        return Energy(self.internal * factor, self.nets * factor, self.clock * factor)


@dataclass(frozen=True)
class Reading:
    """What a meter read.

    Attributes
    ----------
    cycles:
        Simulated, in each lane.
    origins:
        Energy of a cycle by origin.
    leakage:
        Power by origin, W.
    """

    cycles: int
    origins: dict[str, Energy] = field(default_factory=dict)
    leakage: dict[str, float] = field(default_factory=dict)

    @property
    def energy(self) -> Energy:
        """Energy of a cycle."""
        return sum(self.origins.values(), Energy())

    @property
    def leaks(self) -> float:
        """Leakage, W."""
        return sum(self.leakage.values())


class Meter:
    """Measures a simulation between ``begin`` and ``read``.

    Lanes must fill all words: what fills a word up would be measured, too.
    """

    def __init__(self, simulator: Simulator, units: LibraryUnits) -> None:
        self.simulator = simulator
        self._rates = rates(simulator, units)
        self._leakage = [_Leakage(simulator, index, units) for index in range(len(self._rates))]
        self._cycles = 0

    def begin(self) -> None:
        """Begin to measure, with the simulation settled."""
        self.simulator.count_toggles()
        self._cycles = 0
        for each in self._leakage:
            each.begin()

    def cycle(self) -> None:
        """Take a settled cycle into account."""
        self._cycles += 1
        # States change slowly enough, and leakage is small enough, that some of them do.
        if self._cycles % 4 == 1:
            for each in self._leakage:
                each.sample()

    def read(self) -> Reading:
        """Return what was measured since ``begin``."""
        simulator = self.simulator
        per_toggle = simulator.toggles / (self._cycles * simulator.words * LANES)
        origins: dict[str, Energy] = defaultdict(Energy)
        leakage: dict[str, float] = defaultdict(float)
        on_clock = simulator.on_clock
        for each, places, rate, leaks in zip(
            simulator.flat.instances, simulator.pins, self._rates, self._leakage, strict=True
        ):
            names, index = np.unique(each.origins, return_inverse=True)
            sums = np.zeros((3, len(names)))
            for kind, energies in ((0, rate.internal), (1, rate.charge)):
                for pin, joules in energies.items():
                    clocked = on_clock[places[pin]] | each.cell.clock_gate | (pin == "" and joules.max() < 0)
                    energy = joules * per_toggle[places[pin]]
                    np.add.at(sums[kind], index[~clocked], energy[~clocked])
                    np.add.at(sums[2], index[clocked], energy[clocked])
            watts = np.bincount(index, weights=leaks.mean(), minlength=len(names))
            for place, name in enumerate(names):
                origins[str(name)] += Energy(*(float(each[place]) for each in sums))
                leakage[str(name)] += float(watts[place])
        return Reading(self._cycles, dict(origins), dict(leakage))


class _Leakage:
    """Leakage of the cells of one kind, from the states that they are in."""

    def __init__(self, simulator: Simulator, index: int, units: LibraryUnits) -> None:
        each = simulator.flat.instances[index]
        self.simulator, self.count = simulator, len(each.names)
        does, ground = behaviour(each.cell), ground_pins(each.cell)
        places = simulator.pins[index]
        names = (*does.inputs, *does.outputs)
        self.pins = [places[name] for name in names]
        self.rest = each.cell.group.number("cell_leakage_power") * units.leakage
        self.states: list[tuple[int, float]] = []
        for group in each.cell.group.all("leakage_power"):
            if group.attributes.get("related_pg_pin") in ground:
                continue
            watts = group.number("value") * units.leakage
            condition = group.attributes.get("when")
            if condition is None:
                self.rest = watts
                continue
            try:
                self.states.append((truth_table(condition, names), watts))
            except FunctionError:
                continue  # of an internal node, which nobody sees
        self.begin()

    def begin(self) -> None:
        self.samples = 0
        self.watts = np.zeros(self.count)

    def sample(self) -> None:
        values = [self.simulator.values[nets] for nets in self.pins]
        lanes = self.simulator.words * LANES
        left = np.ones(self.count)
        for table, watts in self.states:
            share = np.bitwise_count(compiled(table, len(values))(*values)).sum(axis=1) / lanes
            self.watts += share * watts
            left -= share
        self.watts += np.maximum(left, 0) * self.rest
        self.samples += 1

    def mean(self) -> np.ndarray:
        return self.watts / max(1, self.samples)
