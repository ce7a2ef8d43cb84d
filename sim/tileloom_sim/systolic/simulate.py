"""Simulates a systolic array: the job behind ``tileloom.simulate`` and the command.

Random data runs in cocotb (``regression``), the user's GEMM on a compiled harness (``gemm``); both compare
every word with the golden model.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tileloom.arguments import check_choice, check_flags, check_share, check_whole
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.errors import CheckError, UserError
from tileloom.families import design_name
from tileloom.files import claim
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate
from tileloom_golden.checks import Words

from ..build.cocotb_run import SIMULATORS
from ..layout import MATRIX, named, oriented, paths
from .array_library import Arrangement
from .gemm import golden_gemm, simulate_gemm
from .operands import Operands, Scaling, check_scaled, prepare, require_float32, values_of
from .products import simulate_products
from .regression import regress_design
from .report import gemm_figures, gemm_rows, regression_figures, regression_rows
from .simulate_host import simulate_host

LARGEST = 1 << 20
"""Of a product's sizes."""


def simulate(
    config: SystolicConfig,
    *,
    weights: Any = None,
    layout: str | None = None,
    activations: Any = None,
    prune: float | None = None,
    per: Scaling | None = None,
    raw: bool = False,
    seed: int | None = None,
    simulator: str | None = None,
    interrupts: int | None = None,
    gemm: Sequence[tuple[int, int, int]] = (),
    arrangement: str | None = None,
    caches: bool = False,
    waves: Path | None = None,
) -> Result:
    """Run an array's random regression, or with ``weights`` and ``activations`` Y = X W on it.

    An array with a host runs programs on its core instead (``simulate_host``).

    Parameters
    ----------
    config:
        The array.
    weights, layout:
        An array or the path of an .npy file, and how it lies: ``KN`` is K x N, ``NK`` is N x K. Numbers, or
        for integer weights integers, which are used as they are.
    activations:
        The same, M x K.
    prune:
        Share of the tiles of weights that become zero first, those with the smallest L1 norm.
    per:
        Float weights for integers are quantised with one scale for the "tensor" (default) or the "column".
    raw:
        Leave that scale off the result.
    seed, simulator:
        Of a regression: drawn, and "verilator", by default.
    interrupts:
        Of an array with a host: random interrupts to take in mid-tile.
    gemm, arrangement, caches:
        Of an array with a host, in place of that: M, K and N of products to run by the C library and by
        software alone (``simulate_products``, which takes ``prune`` too); how X and Y lie, "tiles" by
        default, or "rows"; with caches.
    waves:
        File to write waves to: VCD, from Icarus FST.

    Returns
    -------
    Result
        Of a GEMM with ``values``, M x N float32.

    Raises
    ------
    CheckError
        Hardware and golden model differ, or the hardware stands still.
    UserError
        An argument is wrong or does not apply; the message names it.
    """
    check_flags({"raw": raw})
    check_share("prune", prune)
    check_whole("seed", seed, 0, 2**63 - 1)
    check_choice("per", per, ("tensor", "column"))
    check_choice("simulator", simulator, SIMULATORS)
    check_whole("interrupts", interrupts, 0, 10**6)
    check_choice("arrangement", arrangement, tuple(Arrangement))
    for product in gemm:
        for size, number in zip("MKN", product, strict=True):
            check_whole(f"gemm: {size}", number, 1, LARGEST)
    if config.host:
        given = {"weights": weights, "activations": activations, "layout": layout, "per": per}
        given |= {"raw": raw or None, "simulator": simulator, "waves": waves}
        for name, value in given.items():
            if value is not None:
                raise UserError(f"--{name}: is for an array without a host; this one runs programs on a core")
        drawn = secrets.randbelow(1 << 31) if seed is None else seed
        if gemm:
            if interrupts is not None:
                raise UserError("--interrupts: not with --gemm")
            lies = Arrangement(arrangement or Arrangement.TILES)
            return simulate_products(config, gemm, seed=drawn, prune=prune, arrangement=lies, caches=caches)
        _refuse_products(prune=prune, arrangement=arrangement, caches=caches)
        return simulate_host(config, seed=drawn, interrupts=interrupts)
    if gemm:
        raise UserError(
            "--gemm: is for an array with a host; this one multiplies --weights and --activations"
        )
    _refuse_products(arrangement=arrangement, caches=caches)
    if interrupts is not None:
        raise UserError("--interrupts: is for an array with a host, whose core takes them")
    claim({"waves": waves}, inputs=paths(weights, activations))
    if (weights is None) != (activations is None):
        raise UserError("give both --weights and --activations for a GEMM, or neither")
    if weights is None:
        for name, value in {"layout": layout, "prune": prune, "per": per, "raw": raw or None}.items():
            if value is not None:
                raise UserError(f"--{name}: goes with --weights and --activations")
        chosen = secrets.randbelow(1 << 31) if seed is None else seed
        return _regression(config, chosen, simulator or "verilator", waves)
    for name, value in {"seed": seed, "simulator": simulator}.items():
        if value is not None:
            raise UserError(f"--{name}: is for random data; --weights and --activations have none of it")
    require_float32(config)
    x, w = named(activations, "activations"), named(weights, "weights")
    operands = prepare(config, x, oriented(w, layout, MATRIX), prune=prune, per=per or "tensor")
    if raw and not operands.quantised:
        raise UserError(f"--raw: {w[0]} is not quantised, so that there is no scale to leave off")
    check_scaled(per, w, quantised=operands.quantised)
    return _gemm(config, operands, raw=raw, waves=waves)


def _regression(config: SystolicConfig, seed: int, simulator: str, waves: Path | None) -> Result:
    name = design_name(config)
    with step(f"Generating {name}"):
        design = generate(config)
    with step(f"Building and running {name} in {simulator}"):
        regression = regress_design(design, seed=seed, simulator=simulator, waves=waves)
    if not regression.passed:
        lines = regression.failures or ["the simulation ended early:", *regression.run.log.splitlines()[-12:]]
        raise CheckError("\n".join([*lines, f"--seed {seed} replays it"]))
    figures = regression_figures(config, regression, seed)
    return Result(figures, [Sheet(name, (), regression_rows(figures))])


def _gemm(config: SystolicConfig, operands: Operands, *, raw: bool, waves: Path | None) -> Result:
    name = design_name(config)
    with step(f"Generating {name}"):
        design = generate(config)
    began = 0.0
    with step(f"Building and running {name}") as shown:

        def start(vectors: int) -> None:
            nonlocal began
            began = time.perf_counter()
            shown.show("simulating", total=vectors)

        def progress(cycles: int, vectors: int) -> None:
            rate = cycles / (time.perf_counter() - began)
            shown.show(f"{rate:,.0f} cycles/s", completed=vectors)

        run = simulate_gemm(design, operands.x, operands.w, waves=waves, on_start=start, progress=progress)
    with step("Comparing with the golden model"):
        compare(config, run.words, operands)
    y = values_of(config, run.words, operands, raw=raw)
    figures = gemm_figures(config, run, operands, y, raw=raw)
    return Result(figures, [Sheet(name, (), gemm_rows(figures))], values=y)


def compare(config: SystolicConfig, words: Words, operands: Operands) -> None:
    """Raise CheckError where a word differs from the golden model's."""
    expected = golden_gemm(config, operands.x, operands.w)
    wrong = words != expected
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        digits = -(-config.accumulator.width // 4)
        raise CheckError(
            f"Y[{row}, {column}] is {int(words[row, column]):0{digits}x}, the golden model has "
            f"{int(expected[row, column]):0{digits}x}; {int(wrong.sum())} of {wrong.size} words differ"
        )


def _refuse_products(**given: object) -> None:
    """Raise UserError where an option of products was given without any."""
    for name, value in given.items():
        if value:
            raise UserError(f"--{name}: is for products on an array with a host; give --gemm too")
