"""Power of an xDecimate unit: the job behind ``tileloom power`` and ``tileloom.power``.

The unit executes random instructions, killed, stalled and failing ones among them, as its check has them.
"""

from __future__ import annotations

import secrets
from typing import Unpack

import numpy as np

from tileloom.cli.console import step
from tileloom.cli.result import Result
from tileloom.errors import UserError
from tileloom.xfu.config import Host, XfuConfig, refuse_others
from tileloom.xfu.design import generate

from ..check.outcome import Comparison
from ..gates import bits
from ..gates.flat import flatten
from ..options import TargetOptions, power_target
from ..power.data import check_seed
from ..power.meter import Meter, Reading
from ..power.outcome import Row, outcome
from ..power.report import BOUNDS
from ..power.tables import LibraryUnits
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
        As ``power_target`` takes them.

    Raises
    ------
    UserError
        From ``power_target``, an argument is wrong, or the unit is part of a core.
    ToolError
        Yosys or OpenSTA fails.
    """
    check_seed(seed)
    refuse_others(config, "power")
    if config.host is Host.CV32E40P:
        raise UserError(
            "host: power is for xfu-unit and xfu-cv-x-if; in CV32E40P the unit is spread over the core"
        )
    goal = power_target(**options)
    library = goal.library
    units = LibraryUnits.of(library)
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
    totals = [found[bound].energy.total for bound in BOUNDS]
    return outcome(
        design.name,
        f"{top}: energy of a cycle",
        goal,
        report,
        seed=chosen,
        energy={bound: reading.origins for bound, reading in found.items()},
        leakage=found[BOUNDS[0]].leakage,
        rows=[
            Row("cycle_j", "a cycle", totals),
            Row(
                "instruction_j",
                f"an instruction ({per_instruction:.2f} cycles)",
                [total * per_instruction for total in totals],
            ),
        ],
        remarks=[f"random instructions, seed {chosen}"],
        figures={"instructions": executed, "cycles_per_instruction": per_instruction},
    )
