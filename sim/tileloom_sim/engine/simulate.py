"""Simulates an engine: the user's layer, or random ones; the job behind ``tileloom.simulate``."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import Sheet, step
from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.engine.design import generate
from tileloom.errors import CheckError, UserError
from tileloom.families import design_name
from tileloom_golden.estimate.engine import estimate

from ..layout import CONVOLUTION, MATRIX, named, oriented
from ..result import Result
from .harness import run_layers
from .job import Job, golden_outputs, make_job, random_jobs
from .layers import outputs

LAYERS = 50
"""Random layers that are run where no number is given."""


def simulate(
    config: EngineConfig,
    *,
    weights: Any = None,
    layout: str | None = None,
    activations: Any = None,
    bias: Any = None,
    scale: Any = None,
    shift: Any = None,
    relu: bool = False,
    stride: int | None = None,
    pads: tuple[int, int, int, int] | None = None,
    prune: float | None = None,
    layers: int | None = None,
    seed: int | None = None,
    waves: Path | None = None,
) -> Result:
    """Run random layers on an engine, or the user's.

    Parameters
    ----------
    config:
        The engine.
    weights, layout:
        An array or the path of an .npy file, and how it lies: ``KN`` or ``NK`` of a matrix product, ``OHWI``
        or ``OIHW`` of a convolution. INT8.
    activations:
        The same, M x K, or H x W x C of a convolution.
    bias, scale, shift:
        The same, one for each output channel: INT32, 0 to 65535, 0 to 63. Without scale and shift they are
        chosen so that no result saturates.
    relu, stride, pads:
        Negative results become 0; of a convolution: stride, and padding at top, bottom, left and right.
    prune:
        Share of the blocks of weights that is left out, those with the smallest L1 norm.
    layers, seed:
        How many random layers, 50 by default, and of what seed, drawn by default.
    waves:
        VCD file to write.

    Returns
    -------
    Result
        Of the user's layer with ``values``, M x N or H x W x C_out.

    Raises
    ------
    CheckError
        Hardware and golden model differ, or the hardware stands still.
    UserError
        An argument is wrong or does not apply; the message names it.
    """
    if config.core is not Core.DOT_PRODUCT or config.port is not EnginePort.STREAM or not config.requantise:
        raise UserError("simulate runs engines of the dot-product core with streams and requantisation")
    if (weights is None) != (activations is None):
        raise UserError("give both --weights and --activations, or neither")
    mine = {"layout": layout, "bias": bias, "scale": scale, "shift": shift, "relu": relu or None}
    mine |= {"stride": stride, "pads": pads, "prune": prune}
    if weights is None:
        for name, value in mine.items():
            if value is not None:
                raise UserError(f"--{name}: goes with --weights and --activations")
        seed = secrets.randbelow(1 << 31) if seed is None else seed
        jobs = random_jobs(config, layers or LAYERS, seed)
        _, figures = _run(config, jobs, waves)
        return _result(config, {**figures, "seed": seed})
    for name, value in {"layers": layers, "seed": seed}.items():
        if value is not None:
            raise UserError(f"--{name}: is for random layers; --weights and --activations are your own")
    given = {"bias": bias, "scale": scale, "shift": shift}
    job = make_job(
        config,
        named(activations, "activations", floats=False),
        oriented(named(weights, "weights", floats=False), layout, (*MATRIX, *CONVOLUTION)),
        relu=relu,
        stride=stride,
        pads=pads,
        prune=prune,
        **{
            name: None if value is None else named(value, name, floats=False) for name, value in given.items()
        },
    )
    results, figures = _run(config, [job], waves)
    return _result(config, figures, results[0].reshape(job.shape))


def _result(config: EngineConfig, figures: dict[str, Any], values: npt.NDArray[Any] | None = None) -> Result:
    rows = [
        (name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
        for name, value in figures.items()
    ]
    return Result(figures, [Sheet(design_name(config), (), rows)], values)


def _run(
    config: EngineConfig, jobs: list[Job], waves: Path | None
) -> tuple[list[npt.NDArray[np.int8]], dict[str, Any]]:
    """Run the jobs and compare; return the outputs and figures."""
    name = design_name(config)
    with step(f"Generating {name}"):
        design = generate(config)
    with step(f"Building and running {name}"):
        runs = run_layers(design, [job.streams for job in jobs], waves=waves)
    results = []
    for number, (job, run) in enumerate(zip(jobs, runs, strict=True)):
        found = outputs(job.program, run, 8)
        expected = golden_outputs(job).reshape(found.shape)
        wrong = found != expected
        if wrong.any() or run.fault:
            place = ", ".join(str(int(index)) for index in np.argwhere(wrong)[0]) if wrong.any() else ""
            raise CheckError(
                f"layer {number}, {job.program.layer}: {int(wrong.sum())} of {wrong.size} results differ, "
                f"the first at [{place}]; the engine's fault is {run.fault}"
            )
        results.append(found)
    cycles = sum(run.cycles for run in runs)
    macs = sum(estimate(job.program, job.weights).macs for job in jobs)
    figures: dict[str, Any] = {
        "layers": len(jobs),
        "results_compared": sum(result.size for result in results),
        "cycles": cycles,
        "blocks_kept": sum(len(job.weights.block_rows) for job in jobs),
        "blocks": sum(job.weights.grid[0] * job.weights.grid[1] for job in jobs),
        "utilisation_of_kept_blocks": round(macs / (cycles * config.m * config.k * config.n), 4),
    }
    if len(jobs) == 1:
        figures["estimated_cycles"] = estimate(jobs[0].program, jobs[0].weights).cycles
        figures["parts"] = len(jobs[0].program.groups)
        figures["saturated"] = float(np.mean(np.abs(results[0].astype(int)) >= 127).round(4))
    return results, figures
