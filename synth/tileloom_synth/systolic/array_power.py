"""Energy of an array: that of its elements, by what they see, and that of its edges, each simulated apart.

An array of 32 x 32 elements has two million cells; its elements are one netlist, and what differs between
them is data. So 256 elements drawn at random stand for all of them, and the edges, skew, weight loading and
control, are simulated as they are, without elements. For a 4 x 4 array the sum is held to the whole netlist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tileloom.design import Design
from tileloom.systolic.config import SystolicConfig
from tileloom_sim.systolic.interface import Interface

from ..flow import Mapped
from ..gates.flat import flatten
from ..library.standard_cells import Library
from ..power.meter import Energy, Reading
from ..power.report import BOUNDS
from ..power.tables import LibraryUnits
from .activity import Activity
from .edge_power import measure_array
from .element_power import MODES, measure_element

LANES = 256
"""Elements, and moments, that stand for all."""


@dataclass(frozen=True)
class ArrayPower:
    """Energy of an array, in J per cycle, and its leakage, in W.

    Attributes
    ----------
    config:
        The array.
    seen:
        The GEMM that it was measured with.
    transfers:
        Cycles in which a tile's weights load.
    energy:
        By bound, mode and origin.
    leakage:
        By origin, while it computes.
    """

    config: SystolicConfig
    seen: Activity
    transfers: int
    energy: dict[str, dict[str, dict[str, Energy]]]
    leakage: dict[str, float]

    def per_cycle(self, bound: str, mode: str = MODES[0]) -> float:
        """Return the energy of a cycle, J."""
        return sum((each.total for each in self.energy[bound][mode].values()), 0.0)

    def per_mac(self, bound: str) -> float:
        """Return the energy of a multiplication and addition while the array computes, J."""
        macs = self.config.rows * self.config.columns / self.config.step_interval
        return self.per_cycle(bound) / macs

    def load(self, bound: str) -> float:
        """Return what loading a tile's weights adds to a clock that runs anyway, J."""
        return (self.per_cycle(bound, MODES[1]) - self.per_cycle(bound, MODES[2])) * self.transfers

    def per_tile(self, bound: str) -> float:
        """Return the energy of a tile of weights with all of its vectors, J."""
        return self.per_cycle(bound) * self.cycles_per_tile + self.load(bound)

    def per_gemm(self, bound: str) -> float:
        """Return the energy of the GEMM, J, without leakage and without filling and emptying the array."""
        return self.per_tile(bound) * self.seen.kept

    @property
    def cycles_per_tile(self) -> int:
        """Cycles in which a tile computes; where weights are not double-buffered loading comes on top."""
        return self.seen.vectors * self.config.step_interval


def measure(
    design: Design,
    config: SystolicConfig,
    mapped: Mapped,
    library: Library,
    seen: Activity,
    rng: np.random.Generator,
    *,
    show: Callable[[str], None] = lambda text: None,
) -> ArrayPower:
    """Return the energy of an array at work on ``seen``; ``show`` is told what is simulated."""
    units = LibraryUnits.of(library)
    transfers = design.manifest["timing"]["weight_transfers_per_tile"]
    element, elements = f"{design.name}_processing_element", config.rows * config.columns
    modules = design.manifest["modules"]
    flat = flatten(mapped, library, modules, top=element)
    edges = flatten(mapped, library, modules, without=[element])
    interface = Interface.of_manifest(design.manifest)
    energy: dict[str, dict[str, dict[str, Energy]]] = {}
    leakage: dict[str, float] = {}
    for bound in BOUNDS:
        unit_delays = bound == BOUNDS[1]
        show(f"an element, {bound}")
        inner = measure_element(config, flat, units, seen, rng, unit_delays=unit_delays, transfers=transfers)
        show(f"the edges, {bound}")
        outer = measure_array(
            interface, edges, units, seen, rng, unit_delays=unit_delays, transfers=transfers
        )
        energy[bound] = {mode: _together(inner[mode], elements, outer[mode]) for mode in MODES}
        leakage = {
            origin: inner[MODES[0]].leakage.get(origin, 0.0) * elements
            + outer[MODES[0]].leakage.get(origin, 0.0)
            for origin in energy[bound][MODES[0]]
        }
    return ArrayPower(config, seen, transfers, energy, leakage)


def whole(
    design: Design,
    config: SystolicConfig,
    mapped: Mapped,
    library: Library,
    seen: Activity,
    rng: np.random.Generator,
    *,
    unit_delays: bool,
) -> dict[str, Reading]:
    """Return the energy of an array whose netlist is simulated as it is, for arrays of few cells."""
    flat = flatten(mapped, library, design.manifest["modules"])
    return measure_array(
        Interface.of_manifest(design.manifest),
        flat,
        LibraryUnits.of(library),
        seen,
        rng,
        unit_delays=unit_delays,
        transfers=design.manifest["timing"]["weight_transfers_per_tile"],
    )


def _together(element: Reading, elements: int, edges: Reading) -> dict[str, Energy]:
    origins = dict.fromkeys((*element.origins, *edges.origins))
    return {
        origin: element.origins.get(origin, Energy()).scaled(elements) + edges.origins.get(origin, Energy())
        for origin in origins
    }
