"""Power of an engine's compute core and memories: the job behind ``tileloom power`` and ``tileloom.power``.

The core is where an engine's energy is spent besides its memories; loader, walker and drain, a tenth of its
area, are left out. Tiles of random activations come in every cycle on blocks of random weights.
"""

from __future__ import annotations

import secrets
from typing import Unpack

import numpy as np

from tileloom.arguments import check_whole
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.design import generate
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.words import encode
from tileloom_sim.systolic import reference

from ..gates import bits
from ..gates.boolean import Words
from ..gates.flat import Flat, flatten
from ..gates.simulator import Simulator
from ..options import TargetOptions, power_target
from ..power.memory import bit_energy
from ..power.meter import Energy, Meter, Reading
from ..power.report import BOUNDS, NOTES, by_bound, by_origin, figures_of, joules
from ..power.tables import Units
from ..progress import progress
from ..synthesis import synthesise
from .core_check import timing_of

MODES = ("computing", "loading weights", "idle")
TILES = 16
"""Tiles that are measured."""

SPREAD = 32
"""Standard deviation of INT8 activations and weights."""


def power(
    config: EngineConfig,
    *,
    memory_fj: float | None = None,
    seed: int | None = None,
    **options: Unpack[TargetOptions],
) -> Result:
    """Map an engine's core and measure its energy on random data.

    Parameters
    ----------
    config:
        The engine.
    memory_fj:
        Femtojoules for each bit read from or written to the A buffer and the accumulators.
    seed:
        Of the data; a random one, and told, by default.

    options:
        Library, period and constraints, as in ``TargetOptions``; the library must have tables of power, and
        there must be a period.

    Raises
    ------
    UserError
        The library has no tables of power, or an argument is wrong.
    ToolError
        Yosys or OpenSTA fails.
    """
    check_whole("seed", seed, 0, 2**63 - 1)
    per_bit, source = bit_energy(memory_fj)
    goal = power_target(**options)
    assert goal.constraints is not None
    library, period = goal.library, goal.constraints.period_ps
    units = Units.of(library)
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    design = generate(config)
    core, modules = f"{design.name}_core", design.manifest["modules"]
    with progress(f"Synthesising {core} to {library.name}") as shown:
        report = synthesise(
            design.verilog, core, library, constraints=goal.constraints, origins=modules, progress=shown
        )
    with step(f"Simulating {core}"):
        flat = flatten(report.mapped, library, modules)
        found = {
            bound: measure(config, flat, units, np.random.default_rng(chosen), unit_delays=bound == BOUNDS[1])
            for bound in BOUNDS
        }
    macs = config.m * config.k * config.n
    memory = memory_bits_per_tile(config) * per_bit
    computing = {bound: _with_memory(found[bound][MODES[0]].origins, memory) for bound in BOUNDS}
    leakage = {**found[BOUNDS[0]][MODES[0]].leakage, MEMORY: 0.0}
    totals = [sum((each.total for each in computing[bound].values()), 0.0) for bound in BOUNDS]
    power_w = [total / (period * 1e-12) + sum(leakage.values()) for total in totals]
    cycles = {mode: [found[bound][mode].energy.total for bound in BOUNDS] for mode in MODES[1:]}
    rows = [
        ("a cycle, computing", *map(joules, totals)),
        *((f"a cycle, {mode}", *map(joules, values)) for mode, values in cycles.items()),
        (f"a MAC, computing ({macs} a cycle)", *(joules(total / macs) for total in totals)),
        ("power, computing, with leakage", *(f"{watts * 1e3:,.3f} mW" for watts in power_w)),
    ]
    met = bool(report.timing and report.timing.met)
    figures = {
        "name": design.name,
        "library": library.name,
        "period_ps": period,
        "met": met,
        "seed": chosen,
        **figures_of(computing, leakage),
        "memory_j_per_cycle": memory,
        **by_bound(
            ("computing_cycle_j", totals),
            *((f"{mode.replace(' ', '_')}_cycle_j", values) for mode, values in cycles.items()),
            ("mac_j", [total / macs for total in totals]),
            ("power_w", power_w),
        ),
    }
    remarks = [*NOTES, source, f"random data, seed {chosen}; the compute core and the memories that it uses"]
    if not met:
        remarks.append(f"the netlist does not meet {period:g} ps: its cells would be larger")
    title = f"{core}: energy of a cycle in {library.name}, computing"
    tables = [by_origin(title, computing, leakage), Sheet("Dynamic energy", ("", *BOUNDS), rows)]
    return Result(figures, tables, remarks)


MEMORY = "memories"


def memory_bits_per_tile(config: EngineConfig) -> int:
    """Return the bits that a tile moves: A is read, its sums are read and written."""
    return config.m * config.k * config.element_bits + 2 * config.m * config.n * config.sum_bits


def _with_memory(origins: dict[str, Energy], memory: float) -> dict[str, Energy]:
    return {**origins, MEMORY: Energy(internal=memory)}


def measure(
    config: EngineConfig, flat: Flat, units: Units, rng: np.random.Generator, *, unit_delays: bool
) -> dict[str, Reading]:
    """Return the energy of a core in each of ``MODES``, on random data."""
    lanes = bits.LANES
    simulator = Simulator(flat, words=1, clock="clk", rng=rng)
    meter = Meter(simulator, units)
    timing = timing_of(config)

    def drive(port: str, value: Words | int) -> None:
        if port in flat.ports:
            simulator.set(port, value)

    def cycle(measured: bool) -> None:
        simulator.settle(unit_delays=unit_delays)
        if measured:
            meter.cycle()
        simulator.tick()

    def load() -> None:
        drive("weights__valid", 1)
        words = _words(config, rng, (lanes, config.k * config.n), weights=True)
        block = bits.of_words(words, config.weight_bits)
        block = np.pad(block, ((0, config.block_beats * config.bus - len(block)), (0, 0)))
        beat = 0
        while beat < config.block_beats:
            # Bits of a beat that no block fills are no port's.
            place = beat * config.bus
            drive("weights__payload", block[place : place + len(flat.ports["weights__payload"])])
            # Whether a beat is taken does not depend on it.
            taken = int(simulator.get("weights__ready")[0, 0] & np.uint64(1))
            cycle(True)
            beat += taken
        drive("weights__valid", 0)

    for port in flat.inputs - {"clk"}:
        simulator.set(port, int(port == "rst"))
    cycle(False)
    drive("rst", 0)
    for _ in range(2 * timing.latency + 2):
        cycle(False)
    readings: dict[str, Reading] = {}
    meter.begin()
    for _ in range(4):
        cycle(True)
    readings[MODES[2]] = meter.read()
    meter.begin()
    load()
    readings[MODES[1]] = meter.read()
    sums = [np.zeros((lanes, config.m * config.n), np.uint64)] * (timing.latency + 1)
    warm = 2 * timing.latency + 2
    for index in range(warm + TILES):
        drive("take", int(index == 0))
        drive("valid", 1)
        drive("last", 0)
        tile = _words(config, rng, (lanes, config.m * config.k), weights=False)
        drive("activations", bits.of_words(tile, config.element_bits))
        # Partial sums are results of some tiles before, as they are where blocks follow each other.
        drive("psum", bits.of_words(sums[0], config.sum_bits))
        if index == warm:
            meter.begin()
        cycle(index >= warm)
        sums = [*sums[1:], bits.as_words(simulator.get("results"), lanes, config.sum_bits)]
    readings[MODES[0]] = meter.read()
    return readings


def _words(
    config: EngineConfig, rng: np.random.Generator, shape: tuple[int, int], *, weights: bool
) -> np.ndarray:
    """Return normally distributed words of weights or activations."""
    if config.core is Core.DOT_PRODUCT:
        return (
            np.clip(rng.normal(0, SPREAD, shape), -128, 127).astype(np.int8).view(np.uint8).astype(np.uint64)
        )
    number_format = config.systolic.weight if weights else config.systolic.activation
    if hasattr(number_format, "bits"):
        most = (1 << number_format.bits - 1) - 1
        return sign_magnitude(
            np.clip(rng.normal(0, most / 4, shape), -most, most).astype(np.int64), number_format.bits
        )
    return encode(rng.normal(size=shape).astype(np.float32), reference.float_format(number_format))
