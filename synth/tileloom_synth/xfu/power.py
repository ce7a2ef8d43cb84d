"""Power of an xDecimate unit: the job behind ``tileloom power`` and ``tileloom.power``.

The unit executes random instructions, killed, stalled and failing ones among them, as its check has them.
"""

from __future__ import annotations

import secrets
from typing import Unpack

import numpy as np

from tileloom.arguments import check_whole
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.errors import UserError
from tileloom.xfu.config import Host, XfuConfig
from tileloom.xfu.design import generate

from ..check.outcome import Comparison
from ..gates import bits
from ..gates.flat import flatten
from ..options import TargetOptions, power_target
from ..power.meter import Meter, Reading
from ..power.report import BOUNDS, NOTES, by_bound, by_origin, figures_of, joules
from ..power.tables import Units
from ..progress import progress
from ..synthesis import synthesise
from .unit_check import begin
from .unit_check import step as step_units

WARM, MEASURED = 20, 100
"""Cycles before the measurement, and in it."""


def power(
    config: XfuConfig,
    *,
    seed: int | None = None,
    **options: Unpack[TargetOptions],
) -> Result:
    """Map a unit and measure its energy on random instructions.

    Parameters
    ----------
    config:
        The unit, alone or as a coprocessor, of which the unit is measured.
    seed:
        Of the instructions; a random one, and told, by default.

    options:
        Library, period and constraints, as in ``TargetOptions``; the library must have tables of power, and
        there must be a period.

    Raises
    ------
    UserError
        The library has no tables of power, an argument is wrong, or the unit is part of a core.
    ToolError
        Yosys or OpenSTA fails.
    """
    check_whole("seed", seed, 0, 2**63 - 1)
    if config.host is Host.CV32E40P:
        raise UserError(
            "host: power is for xfu-unit and xfu-cv-x-if; in CV32E40P the unit is spread over the core"
        )
    goal = power_target(**options)
    assert goal.constraints is not None
    library, period = goal.library, goal.constraints.period_ps
    units = Units.of(library)
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    design = generate(config)
    modules = design.manifest["modules"]
    top = f"{design.name}_unit" if config.host is Host.CV_X_IF else design.name
    with progress(f"Synthesising {top} to {library.name}") as shown:
        report = synthesise(
            design.verilog, top, library, constraints=goal.constraints, origins=modules, progress=shown
        )
    found: dict[str, Reading] = {}
    executed = 0
    with step(f"Simulating {top}"):
        flat = flatten(report.mapped, library, modules)
        for bound in BOUNDS:
            simulator, cores = begin(config, flat, np.random.default_rng(chosen), bits.LANES)
            meter, compared = Meter(simulator, units), Comparison("xDecimate unit", "instruction")

            def settle(unit_delays: bool = bound == BOUNDS[1], simulator: object = simulator) -> None:
                simulator.settle(unit_delays=unit_delays)  # type: ignore[attr-defined]

            before = 0
            for cycle in range(WARM + MEASURED):
                if cycle == WARM:
                    before = sum(core.completed for core in cores)
                    meter.begin()
                step_units(simulator, cores, compared, cycle, settle)
                if cycle >= WARM:
                    meter.cycle()
            compared.require()
            executed = sum(core.completed for core in cores) - before
            found[bound] = meter.read()
    per_instruction = MEASURED * bits.LANES / executed
    energy = {bound: reading.origins for bound, reading in found.items()}
    leakage = found[BOUNDS[0]].leakage
    totals = [found[bound].energy.total for bound in BOUNDS]
    watts = [total / (period * 1e-12) + sum(leakage.values()) for total in totals]
    rows = [
        ("a cycle", *map(joules, totals)),
        (f"an instruction ({per_instruction:.2f} cycles)", *(joules(t * per_instruction) for t in totals)),
        ("power, with leakage", *(f"{each * 1e3:,.3f} mW" for each in watts)),
    ]
    met = bool(report.timing and report.timing.met)
    figures = {
        "name": design.name,
        "library": library.name,
        "period_ps": period,
        "met": met,
        "seed": chosen,
        **figures_of(energy, leakage),
        "instructions": executed,
        "cycles_per_instruction": per_instruction,
        **by_bound(
            ("cycle_j", totals),
            ("instruction_j", [total * per_instruction for total in totals]),
            ("power_w", watts),
        ),
    }
    remarks = [*NOTES, f"random instructions, seed {chosen}"]
    if not met:
        remarks.append(f"the netlist does not meet {period:g} ps: its cells would be larger")
    title = f"{top}: energy of a cycle in {library.name}"
    return Result(
        figures, [by_origin(title, energy, leakage), Sheet("Dynamic energy", ("", *BOUNDS), rows)], remarks
    )
