"""Energy of one processing element: computing, loading weights, and idle with its clock running."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tileloom.arith.factor import FactorFormat
from tileloom.systolic.config import SystolicConfig
from tileloom_sim.systolic import reference

from ..gates import bits
from ..gates.flat import Flat
from ..gates.simulator import Simulator
from ..power.meter import Meter, Reading
from ..power.tables import LibraryUnits
from .activity import Activity
from .element_check import encoded

MODES = ("computing", "loading weights", "idle")


def measure_element(
    config: SystolicConfig,
    flat: Flat,
    units: LibraryUnits,
    seen: Activity,
    rng: np.random.Generator,
    *,
    unit_delays: bool,
    transfers: int,
) -> dict[str, Reading]:
    """Return an element's energy in each of ``MODES``; loading is for a tile of so many ``transfers``."""
    lanes = seen.weights.size
    simulator = Simulator(flat, words=bits.words_of(lanes), clock="clk", rng=rng)
    meter = Meter(simulator, units)
    weight_bits, wide = FactorFormat.of(config.weight).width, config.double_buffer
    factors = encoded(seen.weights, config.weight)

    def drive(**ports: object) -> None:
        for port, value in ports.items():
            if port in flat.ports:
                simulator.set(port, value)  # type: ignore[arg-type]

    def cycle(measured: bool) -> None:
        simulator.settle(unit_delays=unit_delays and measured)
        if measured:
            meter.cycle()
        simulator.tick()

    def run(count: int, warm: int, each: Callable[[int], None]) -> Reading:
        for index in range(count):
            each(index)
            if index == warm:
                meter.begin()
            cycle(index >= warm)
        return meter.read()

    drive(rst=0, enable=1, activation_in=0, psum_in=0, zero_in=0, weight_write=1, swap_in=int(wide))
    drive(weight_in=bits.of_words(factors, weight_bits))
    for _ in range(3):
        cycle(False)
    drive(weight_write=0, swap_in=0)
    interval, delay = config.step_interval, 1 + config.multiply_stages
    vectors = len(seen.activations)

    def compute(index: int) -> None:
        activation, psum = index // interval, max(0, index - delay) // interval
        words = seen.activations[activation]
        drive(activation_in=bits.of_words(words, config.activation.width))
        exponents = words & np.uint64(reference.float_format(config.activation).infinity)
        drive(zero_in=bits.one(exponents == 0))
        drive(psum_in=bits.of_words(seen.psums[psum], config.accumulator.width))

    warm = (delay + config.add_stages + 1 + interval) // interval * interval
    readings = {MODES[0]: run(vectors * interval, min(warm, (vectors - 1) * interval), compute)}

    def load(index: int) -> None:
        # The words of all rows pass by on the column's wires; one of them is this element's.
        own = index % transfers == 0
        drive(weight_in=bits.of_words(rng.permutation(factors), weight_bits), weight_write=int(own))
        drive(swap_in=int(wide and index % transfers == transfers - 1))

    readings[MODES[1]] = run(2 * transfers, 0, load)
    drive(weight_write=0, swap_in=0)
    readings[MODES[2]] = run(8, 4, lambda index: None)
    return readings
