"""Power of a systolic array: the job behind ``tileloom power`` and ``tileloom.power``."""

from __future__ import annotations

import secrets
from typing import Any, Unpack

import numpy as np

from tileloom.arguments import check_choice, check_share, check_whole
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_sim.layout import MATRIX, named, oriented
from tileloom_sim.systolic.operands import Operands, Scaling, prepare

from ..options import TargetOptions, power_target
from ..power.report import BOUNDS, NOTES, by_bound, by_origin, figures_of, joules
from ..progress import progress
from ..synthesis import synthesise
from .activity import random_operands
from .array_power import ArrayPower, measure
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
        Library, period and constraints, as in ``TargetOptions``; the library must have tables of power, and
        there must be a period.

    Raises
    ------
    UserError
        The library has no tables of power, or an argument is wrong or does not apply.
    ToolError
        Yosys or OpenSTA fails.
    """
    if (config.broadcast or 1) > 1:
        raise UserError("broadcast: energy is measured of arrays whose elements are all the same, with 1")
    check_share("prune", prune)
    check_whole("seed", seed, 0, 2**63 - 1)
    check_choice("per", per, ("tensor", "column"))
    if (weights is None) != (activations is None):
        raise UserError("give both --weights and --activations, or neither")
    if weights is None:
        for name, value in {"layout": layout, "per": per}.items():
            if value is not None:
                raise UserError(f"--{name}: goes with --weights and --activations")
    goal = power_target(**options)
    assert goal.constraints is not None
    library, period = goal.library, goal.constraints.period_ps
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    rng = np.random.default_rng(chosen)
    operands = _operands(config, weights, layout, activations, prune, per, rng)
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
    with step(f"Simulating {design.name}"):
        found = measure(design, config, report.mapped, library, operands, rng)
    figures = {
        "name": design.name,
        "library": library.name,
        "period_ps": period,
        "met": bool(report.timing and report.timing.met),
        "seed": chosen,
        "data": "random" if weights is None else "given",
        **_figures(found, period),
    }
    met = [] if figures["met"] else [f"the netlist does not meet {period:g} ps: its cells would be larger"]
    data = (
        f"normally distributed data, seed {chosen}"
        if weights is None
        else f"seed {chosen} draws the elements"
    )
    title = f"{design.name}: energy of a cycle in {library.name}, computing"
    tables = [
        by_origin(title, {b: found.energy[b][MODES[0]] for b in BOUNDS}, found.leakage),
        _sheet(found, period),
    ]
    return Result(figures, tables, [*NOTES, data, *met])


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
    if per and not operands.quantised:
        raise UserError(f"--per: {w[0]} is not quantised, so that there is no scale")
    return operands


def _rows(found: ArrayPower, period_ps: float) -> list[tuple[str, str, list[float]]]:
    """Return what is told besides origins: a key, words for it, and joules or watts for each bound."""
    leak = sum(found.leakage.values())
    period = period_ps * 1e-12
    macs = found.config.rows * found.config.columns
    return [
        *(
            (
                f"{mode.replace(' ', '_')}_cycle_j",
                f"a cycle, {mode}",
                [found.per_cycle(b, mode) for b in BOUNDS],
            )
            for mode in MODES
        ),
        ("mac_j", f"a MAC, computing ({macs} elements)", [found.per_mac(b) for b in BOUNDS]),
        ("load_j", f"loading a tile's weights ({found.transfers} cycles)", [found.load(b) for b in BOUNDS]),
        ("tile_j", f"a tile of {found.seen.vectors} vectors", [found.per_tile(b) for b in BOUNDS]),
        (
            "gemm_j",
            f"the GEMM: {found.seen.kept} of {found.seen.tiles} tiles",
            [found.per_gemm(b) for b in BOUNDS],
        ),
        ("power_w", "power, computing, with leakage", [found.per_cycle(b) / period + leak for b in BOUNDS]),
    ]


def _figures(found: ArrayPower, period_ps: float) -> dict[str, Any]:
    computing = {bound: found.energy[bound][MODES[0]] for bound in BOUNDS}
    return {
        **figures_of(computing, found.leakage),
        "tiles": found.seen.tiles,
        "computed": found.seen.kept,
        "vectors": found.seen.vectors,
        **by_bound(*((key, values) for key, _, values in _rows(found, period_ps))),
    }


def _sheet(found: ArrayPower, period_ps: float) -> Sheet:
    rows = []
    for key, text, values in _rows(found, period_ps):
        told = [f"{value * 1e3:,.3f} mW" if key == "power_w" else joules(value) for value in values]
        rows.append((text, *told))
    return Sheet("Dynamic energy", ("", *BOUNDS), rows)
