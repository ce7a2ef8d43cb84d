"""Power of an engine's compute core and memories: the job behind ``tileloom power`` and ``tileloom.power``.

The core is where an engine's energy is spent besides its memories; loader, walker and drain, a tenth of its
area, are left out. Blocks of weights and tiles of A are a GEMM's, the user's or a random one.
"""

from __future__ import annotations

import secrets
from typing import Any, Unpack

import numpy as np

from tileloom.cli.console import step
from tileloom.cli.result import Result
from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.design import generate
from tileloom_sim.engine.operands import Operands, prepare
from tileloom_sim.layout import MATRIX, named, oriented
from tileloom_sim.systolic.operands import Scaling, check_scaled

from ..gates import bits
from ..gates.boolean import Lanes
from ..gates.flat import Flat, flatten
from ..gates.simulator import Simulator
from ..options import TargetOptions, power_target
from ..power.data import check_data, check_seed, remark
from ..power.memory import bit_energy
from ..power.meter import Energy, Meter, Reading
from ..power.outcome import Row, outcome
from ..power.report import BOUNDS
from ..power.tables import LibraryUnits
from ..progress import progress
from ..synthesis import synthesise
from .activity import Activity, activity, random_operands
from .core_check import timing_of

MODES = ("computing", "loading weights", "idle")
TILES = 16
"""Tiles that are measured."""

MEMORY = "memories"


def power(
    config: EngineConfig,
    *,
    weights: Any = None,
    layout: str | None = None,
    activations: Any = None,
    prune: float | None = None,
    per: Scaling | None = None,
    memory_fj: float | None = None,
    seed: int | None = None,
    **options: Unpack[TargetOptions],
) -> Result:
    """Map an engine's core and measure its energy on a GEMM Y = X W.

    Parameters
    ----------
    config:
        The engine.
    weights, layout, activations, per:
        As in ``tileloom_sim.engine.simulate.simulate``, of a matrix product; normally distributed data by
        default.
    prune:
        Share of the blocks of weights that are left out, those with the smallest L1 norm.
    memory_fj:
        Femtojoules for each bit read from or written to the A buffer and the accumulators.
    seed:
        Of what is drawn; a random one, and told, by default.
    options:
        As ``power_target`` takes them.

    Raises
    ------
    UserError, ToolError
        As ``power_target`` and ``synthesise`` do, and for an argument that is wrong or does not apply.
    """
    config.refuse_grid("power")
    check_seed(seed)
    check_data(weights, activations, layout, per, prune)
    per_bit, source = bit_energy(memory_fj)
    goal = power_target(**options)
    units = LibraryUnits.of(goal.library)
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    rng = np.random.default_rng(chosen)
    timing = timing_of(config)
    steps = 2 * timing.latency + 2 + TILES
    operands = _operands(config, weights, layout, activations, prune, per, rng)
    seen = activity(config, operands, rng, lanes=bits.LANES, steps=steps)
    design = generate(config)
    core, modules = f"{design.name}_core", design.manifest["modules"]
    with progress(f"Synthesising {core} to {goal.library.name}") as shown:
        report = synthesise(
            design.verilog, core, goal.library, constraints=goal.constraints, origins=modules, progress=shown
        )
    with step(f"Simulating {core}") as shown_step:
        flat = flatten(report.mapped, goal.library, modules)
        found = {}
        for bound in BOUNDS:
            shown_step.show(bound)
            found[bound] = measure(config, flat, units, seen, rng, unit_delays=bound == BOUNDS[1])
    memory = memory_bits_per_tile(config) * per_bit
    energy = {bound: {**found[bound][MODES[0]].origins, MEMORY: Energy(internal=memory)} for bound in BOUNDS}
    return outcome(
        design.name,
        f"{core}: energy of a cycle",
        goal,
        report,
        seed=chosen,
        energy=energy,
        leakage={**found[BOUNDS[0]][MODES[0]].leakage, MEMORY: 0.0},
        rows=_rows(config, found, memory, seen),
        remarks=[
            source,
            "the compute core and the memories that it uses",
            remark(weights, chosen, "the blocks"),
        ],
        figures={
            "data": "random" if weights is None else "given",
            "tiles": seen.grid,
            "computed": seen.kept,
            "tiles_of_a": seen.tiles_of_a,
            "memory_j_per_cycle": memory,
        },
    )


def _operands(
    config: EngineConfig,
    weights: Any,
    layout: str | None,
    activations: Any,
    prune: float | None,
    per: Scaling | None,
    rng: np.random.Generator,
) -> Operands:
    if weights is None:
        return random_operands(config, rng, prune)
    x, w = named(activations, "activations"), named(weights, "weights")
    oriented(w, layout, MATRIX)  # convolutions are refused
    operands = prepare(config, x, w, layout, prune=prune, per=per or "tensor")
    check_scaled(per, w, quantised=operands.quantised)
    return operands


def _rows(
    config: EngineConfig, found: dict[str, dict[str, Reading]], memory: float, seen: Activity
) -> list[Row]:
    """Return what is told besides origins."""
    computing, loading, idle = ([found[bound][mode].energy.total for bound in BOUNDS] for mode in MODES)
    cycle = [each + memory for each in computing]
    cycles = found[BOUNDS[0]][MODES[1]].cycles
    load = [(one - other) * cycles for one, other in zip(loading, idle, strict=True)]
    tile = [one * seen.tiles_of_a + other for one, other in zip(cycle, load, strict=True)]
    macs = config.m * config.k * config.n
    return [
        Row("computing_cycle_j", "a cycle, computing: a tile of A", cycle),
        Row("loading_weights_cycle_j", "a cycle, loading weights", loading),
        Row("idle_cycle_j", "a cycle, idle", idle),
        Row("mac_j", f"a MAC, computing ({macs} a cycle)", [each / macs for each in cycle]),
        Row("load_j", f"loading a block of weights ({cycles} cycles)", load),
        Row("tile_j", f"a block with {seen.tiles_of_a} tiles of A", tile),
        Row("gemm_j", f"the GEMM: {seen.kept} of {seen.grid} blocks", [each * seen.kept for each in tile]),
    ]


def memory_bits_per_tile(config: EngineConfig) -> int:
    """Return the bits that a tile moves: A is read, its sums are read and written."""
    return config.m * config.k * config.element_bits + 2 * config.m * config.n * config.sum_bits


def measure(
    config: EngineConfig,
    flat: Flat,
    units: LibraryUnits,
    seen: Activity,
    rng: np.random.Generator,
    *,
    unit_delays: bool,
) -> dict[str, Reading]:
    """Return the energy of a core in each of ``MODES``; ``seen`` has a step for each cycle that computes."""
    simulator = Simulator(flat, words=1, clock="clk", rng=rng)
    meter = Meter(simulator, units)
    timing = timing_of(config)

    def drive(port: str, value: Lanes | int) -> None:
        if port in flat.ports:
            simulator.set(port, value)

    def cycle(measured: bool) -> bool:
        simulator.settle(unit_delays=unit_delays and measured)
        taken = bool(simulator.get("weights__ready")[0, 0] & np.uint64(1))
        if measured:
            meter.cycle()
        simulator.tick()
        return taken

    def first_tile(value: int) -> None:
        for port in ("take", "valid", "last"):
            drive(port, value)

    # A dot product takes the last beat of a block with the block's first tile.
    together = config.core is Core.DOT_PRODUCT

    def load(blocks: np.ndarray, *, measured: bool) -> None:
        drive("weights__valid", 1)
        block = bits.of_words(blocks, config.weight_bits)
        block = np.pad(block, ((0, config.block_beats * config.bus - len(block)), (0, 0)))
        beat = 0
        while beat < config.block_beats:
            # Bits of a beat that no block fills are no port's.
            place = beat * config.bus
            drive("weights__payload", block[place : place + len(flat.ports["weights__payload"])])
            first_tile(int(together and beat == config.block_beats - 1))
            beat += cycle(measured)
        drive("weights__valid", 0)
        first_tile(0)

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
    # A block loads while another is in use: one that a tile has come for, and left.
    load(rng.permutation(seen.blocks), measured=False)
    first_tile(int(not together))
    cycle(False)
    first_tile(0)
    for _ in range(2 * timing.latency):
        cycle(False)
    meter.begin()
    load(seen.blocks, measured=True)
    readings[MODES[1]] = meter.read()
    steps = len(seen.tiles)
    for index in range(steps):
        drive("take", int(index == 0 and not together))
        drive("valid", 1)
        drive("last", 0)
        drive("activations", bits.of_words(seen.tiles[index], config.element_bits))
        drive("psum", bits.of_words(seen.psums[max(0, index - timing.psum_delay)], config.sum_bits))
        if index == steps - TILES:
            meter.begin()
        cycle(index >= steps - TILES)
    readings[MODES[0]] = meter.read()
    return readings
