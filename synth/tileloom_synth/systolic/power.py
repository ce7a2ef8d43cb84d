"""Power of a systolic array: the job behind ``tileloom power`` and ``tileloom.power``."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

import numpy as np

from tileloom.cli.console import step
from tileloom.cli.result import Result
from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_sim.layout import MATRIX, named, oriented
from tileloom_sim.systolic.operands import Operands, Scaling, check_scaled, prepare

from ..options import TargetOptions, power_target
from ..power.data import check_data, check_seed, remark
from ..power.outcome import Row, outcome
from ..power.report import BOUNDS
from ..progress import progress
from ..synthesis import synthesise
from .activity import activity, random_operands
from .array_power import LANES, ArrayPower, measure
from .element_power import MODES


def power(
    config: SystolicConfig,
    *,
    weights: Any = None,
    layout: str | None = None,
    activations: Any = None,
    prune: float | None = None,
    per: Scaling | None = None,
    seed: int | None = None,
    **options: Unpack[TargetOptions],
) -> Result:
    """Map an array and measure its energy on a GEMM Y = X W.

    Parameters
    ----------
    config:
        The array.
    weights, layout, activations, per:
        As in ``tileloom_sim.systolic.simulate.simulate``; normally distributed data by default.
    prune:
        Share of the tiles of weights that become zero first, those with the smallest L1 norm.
    seed:
        Of what is drawn; a random one, and told, by default.
    options:
        As ``power_target`` takes them.

    Raises
    ------
    UserError, ToolError
        As ``power_target`` and ``synthesise`` do, and for an argument that is wrong or does not apply.
    """
    config.require_no_host("power measurement")
    if config.columns_per_register > 1:
        raise UserError("broadcast: energy is measured of arrays whose elements are all the same, with 1")
    if config.wrapper:
        raise UserError("wrapper: energy is measured of arrays without registers; leave it out")
    check_seed(seed)
    check_data(weights, activations, layout, per, prune)
    goal = power_target(**options)
    library = goal.library
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    rng = np.random.default_rng(chosen)
    operands = _operands(config, weights, layout, activations, prune, per, rng)
    seen = activity(config, operands, rng, LANES)
    design = generate(config)
    with progress(f"Synthesising {design.name} to {library.name}") as shown:
        report = synthesise(
            design.verilog,
            design.name,
            library,
            constraints=goal.constraints,
            clock=design.manifest["clock"],
            origins=design.manifest["modules"],
            macs=config.rows * config.columns,
            progress=shown,
        )
    with step(f"Simulating {design.name}") as shown_step:
        found = measure(design, config, report.mapped, library, seen, rng, show=shown_step.show)
    return outcome(
        design.name,
        f"{design.name}: energy of a cycle",
        goal,
        report,
        seed=chosen,
        energy={bound: found.energy[bound][MODES[0]] for bound in BOUNDS},
        leakage=found.leakage,
        rows=_rows(found),
        remarks=[remark(weights, chosen, "the elements")],
        figures={
            "data": "random" if weights is None else "given",
            "tiles": found.seen.tiles,
            "computed": found.seen.kept,
            "vectors": found.seen.vectors,
        },
    )


def _operands(
    config: SystolicConfig,
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
    operands = prepare(config, x, oriented(w, layout, MATRIX), prune=prune, per=per or "tensor")
    check_scaled(per, w, quantised=operands.quantised)
    return operands


def _rows(found: ArrayPower) -> list[Row]:
    """Return what is told besides origins."""
    seen = found.seen
    macs = found.config.rows * found.config.columns

    def row(key: str, text: str, value: Callable[[str], float]) -> Row:
        return Row(key, text, [value(bound) for bound in BOUNDS])

    return [
        *(
            row(f"{mode.replace(' ', '_')}_cycle_j", f"a cycle, {mode}", partial(found.per_cycle, mode=mode))
            for mode in MODES
        ),
        row("mac_j", f"a MAC, computing ({macs} elements)", found.per_mac),
        row("load_j", f"loading a tile's weights ({found.transfers} cycles)", found.load),
        row("tile_j", f"a tile of {seen.vectors} vectors", found.per_tile),
        row("gemm_j", f"the GEMM: {seen.kept} of {seen.tiles} tiles", found.per_gemm),
    ]
