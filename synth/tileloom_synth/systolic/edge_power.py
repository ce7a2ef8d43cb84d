"""Energy of an array's edges: skew, weight loading, control; or of a whole small array, on the same stimuli.

All lanes go in step: weights load, then vectors stream through without a pause. Elements that are left out
of the netlist give what elements of the last row give.
"""

from __future__ import annotations

import numpy as np

from tileloom.systolic.config import Port
from tileloom.systolic.timing import Timetable
from tileloom_sim.systolic.interface import Interface

from ..gates import bits
from ..gates.boolean import Lanes
from ..gates.flat import Flat
from ..gates.simulator import Simulator
from ..power.meter import Meter, Reading
from ..power.tables import LibraryUnits
from .activity import Activity
from .element_power import MODES


def measure_array(
    interface: Interface,
    flat: Flat,
    units: LibraryUnits,
    seen: Activity,
    rng: np.random.Generator,
    *,
    unit_delays: bool,
    transfers: int,
    lanes: int = bits.LANES,
) -> dict[str, Reading]:
    """Return the energy of a netlist with an array's ports in each of ``MODES``.

    Elements may be left out; their ports are driven with the results of ``seen``.
    """
    config = interface.config
    simulator = Simulator(flat, words=bits.words_of(lanes), clock=interface.clock, rng=rng)
    meter = Meter(simulator, units)
    streams = interface.streams
    open_ports = {port for port in flat.inputs if ".element_" in port}
    bottom = [
        port for port in open_ports if f".row_{config.rows - 1}.element_" in port and "psum_out" in port
    ]
    interval = config.step_interval

    def words(pool: np.ndarray, count: int, width: int) -> Lanes:
        return bits.of_words(rng.choice(pool.reshape(-1), (lanes, count)), width)

    def cycle(index: int, *, moving: bool, measured: bool) -> None:
        if moving and index % interval == 0:
            for port in bottom:
                simulator.set(port, words(seen.results, 1, config.accumulator.width))
        simulator.settle(unit_delays=unit_delays and measured)
        if measured:
            meter.cycle()
        simulator.tick()

    for port in flat.inputs - {interface.clock}:
        simulator.set(port, 0)
    simulator.set(interface.reset, int(not interface.reset_active_low))
    for _ in range(2):
        cycle(0, moving=False, measured=False)
    simulator.set(interface.reset, int(interface.reset_active_low))
    simulator.set(streams["results"].ready, 1)
    latency = Timetable(config).latency
    for _ in range(2 * latency):  # all that registers began with has left
        cycle(0, moving=False, measured=False)
    readings: dict[str, Reading] = {}

    meter.begin()
    for index in range(8):
        cycle(index, moving=False, measured=True)
    readings[MODES[2]] = meter.read()

    weights = streams["weights"]
    simulator.set(weights.valid, 1)
    meter.begin()
    per_beat = 32 // config.weight.width if config.port is Port.WORD else config.columns
    for index in range(transfers):
        simulator.set(
            weights.data, _filled(simulator, weights.data, words(seen.weights, per_beat, config.weight.width))
        )
        cycle(index, moving=False, measured=True)
    readings[MODES[1]] = meter.read()
    simulator.set(weights.valid, 0)

    first = -(-latency // interval) * interval
    measured = max(2 * interval, 16 // interval * interval)
    activations = streams["activations"]
    assert activations.last is not None
    simulator.set(activations.valid, 1)
    simulator.set(activations.last, 0)
    psum_in = streams.get("psum_in")
    if psum_in:
        simulator.set(psum_in.valid, 1)
    vectors = seen.activations
    for index in range(first + measured):
        if config.port is Port.WORD:
            # A word a cycle: row r's of one vector after the other, or nothing where there are more columns.
            row = index % interval
            simulator.set(activations.valid, int(row < config.rows))
            data = words(vectors[(index // interval) % len(vectors)], 1, config.activation.width)
            simulator.set(activations.data, _filled(simulator, activations.data, data))
        elif index % interval == 0:
            data = words(vectors[(index // interval) % len(vectors)], config.rows, config.activation.width)
            simulator.set(activations.data, data)
            if psum_in:
                sums = words(seen.starts, config.columns, config.accumulator.width)
                simulator.set(psum_in.data, sums)
        if index == first:
            meter.begin()
        cycle(index, moving=True, measured=index >= first)
    readings[MODES[0]] = meter.read()
    return readings


def _filled(simulator: Simulator, port: str, nets: Lanes) -> Lanes:
    """Return nets of a port whose upper bits carry nothing, or whose words begin at the top."""
    missing = len(simulator.ports[port]) - len(nets)
    return np.pad(nets, ((0, missing), (0, 0))) if missing > 0 else nets
