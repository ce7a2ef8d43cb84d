"""An xDecimate unit's netlist against a golden hart in every lane.

Instructions come, are committed and killed, their loads are answered or fail, and results are taken, all at
random times; after each result the lane's registers and counter must be those of its hart.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from tileloom.xfu.config import XfuConfig
from tileloom_sim.xfu.unit_core import Lane

from ..check.outcome import Comparison
from ..check.streams import bits_of
from ..gates import bits
from ..gates.flat import Flat
from ..gates.simulator import Simulator

CYCLES = 300
"""In each lane; an instruction takes about six of them."""


def begin(
    config: XfuConfig, flat: Flat, rng: np.random.Generator, lanes: int
) -> tuple[Simulator, list[Lane]]:
    """Return a simulation of units after a reset, and a core for each lane."""
    simulator = Simulator(flat, words=bits.words_of(lanes), clock="clk", rng=rng)
    for port in flat.inputs - {"clk"}:
        simulator.set(port, 1 if port == "rst" else 0)
    simulator.settle()
    simulator.tick()
    simulator.set("rst", 0)
    return simulator, [Lane(config, len(flat.ports["loaded_fault"]), rng) for _ in range(lanes)]


def check_unit(
    config: XfuConfig, flat: Flat, rng: np.random.Generator, *, lanes: int = bits.LANES
) -> Comparison:
    """Return how a unit's netlist compares with golden harts: ``CYCLES`` in each lane."""
    began = time.perf_counter()
    found = Comparison("xDecimate unit", "instruction")
    simulator, cores = begin(config, flat, rng, lanes)
    for cycle in range(CYCLES):
        step(simulator, cores, found, cycle, simulator.settle)
    found.vectors = sum(core.completed for core in cores)
    found.seconds = time.perf_counter() - began
    return found


def step(
    simulator: Simulator, cores: list[Lane], found: Comparison, cycle: int, settle: Callable[[], None]
) -> None:
    """Simulate a cycle of the units that these cores drive, and compare what comes of it."""
    outputs = [port for port in simulator.flat.ports if port not in simulator.flat.inputs]
    lanes = len(cores)
    driven = [core.drive() for core in cores]
    for port in driven[0]:
        width = len(simulator.ports[port])
        simulator.set(port, bits.to_nets(bits_of([int(each[port]) for each in driven], width)))
    settle()
    seen = {port: _integers(bits.to_lanes(simulator.get(port), lanes)) for port in outputs}
    compared = []
    for lane, core in enumerate(cores):
        out = {port: values[lane] for port, values in seen.items()}
        compared += [(lane, *each) for each in core.observe(out)]
    for name in dict.fromkeys(each[1] for each in compared):
        these = [each for each in compared if each[1] == name]
        got, expected = (np.array([int(each[place]) for each in these]) for place in (2, 3))
        found.compare(got, expected, where=f"{name} in cycle {cycle}, lane {these[0][0]} on ")
    simulator.tick()


def _integers(lanes: bits.Bools) -> list[int]:
    """Return lanes x bits as an integer for each lane."""
    raw = np.packbits(lanes, axis=1, bitorder="little")
    return [int.from_bytes(each.tobytes(), "little") for each in raw]
