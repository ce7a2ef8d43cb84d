"""Simulates an engine: the user's layer, or random ones; the job behind ``tileloom.simulate``."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.arguments import check_choice, check_flags, check_share, check_whole
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.design import generate
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim
from tileloom.formats import SignMagnitude
from tileloom_golden.engine.convolution import im2col, unrolled
from tileloom_golden.estimate.engine import estimate
from tileloom_golden.integers import from_sign_magnitude
from tileloom_golden.rounding import to_float64

from ..layout import Named, named, paths
from ..systolic import reference
from ..systolic.operands import Scaling, require_float32
from .job import Job, check_requantised, make_job
from .random_jobs import random_jobs
from .run import JobRun, require_whole_bytes, run_jobs
from .text import texts

LAYERS = 50
"""Random layers that are run where no number is given."""

SHOWN = 4
"""Of the numbers of a list, how many a table shows."""


@dataclass(frozen=True)
class EngineResult(Result):
    """What came of a simulation of an engine.

    Attributes
    ----------
    scale, shift:
        Of the user's layer, whether given or chosen; None where results are not requantised.
    job, run:
        The user's layer as the engine had it, and what came of it; None for random layers.
    """

    scale: npt.NDArray[np.int64] | None = None
    shift: npt.NDArray[np.int64] | None = None
    job: Job | None = None
    run: JobRun | None = None

    @cached_property
    def files(self) -> Mapping[str, str]:
        """What went in and came out, as text that ``$readmemh`` reads, by name; empty for random layers."""
        return {} if self.job is None or self.run is None else texts(self.job, self.run)


def simulate(
    config: EngineConfig,
    *,
    weights: Any = None,
    layout: str | None = None,
    activations: Any = None,
    bias: Any = None,
    scale: Any = None,
    shift: Any = None,
    zero_point: Any = None,
    relu: bool = False,
    stride: int | None = None,
    pads: tuple[int, int, int, int] | None = None,
    prune: float | None = None,
    per: Scaling | None = None,
    raw: bool = False,
    layers: int | None = None,
    seed: int | None = None,
    waves: Path | None = None,
) -> EngineResult:
    """Run random layers on an engine, or the user's, and compare every bit with the golden model.

    Parameters
    ----------
    config:
        The engine.
    weights, layout:
        An array or the path of an .npy file, and how it lies: ``KN`` or ``NK`` of a matrix product, ``OHWI``
        or ``OIHW`` of a convolution. INT8; for a systolic core numbers, which are rounded to its format, or
        where that is integers used as they are and floats quantised.
    activations:
        The same, M x K, or H x W x C of a convolution. INT8, or numbers for a systolic core.
    bias, scale, shift, zero_point:
        The same, one for each output channel: bias INT32 (systolic core: numbers, in units of the results);
        where results are requantised, scale 0 to 65535 and shift 0 to 63, and of an engine with
        ``result_zero_point`` -128 to 127. Without scale and shift they are chosen so that no result
        saturates.
    relu, stride, pads:
        Negative results become 0; of a convolution: stride, and padding at top, bottom, left and right.
    prune:
        Share of the blocks of weights that is left out, those with the smallest L1 norm.
    per, raw:
        Systolic core, float weights that are quantised: one scale for the "tensor" (default) or the
        "column", an output channel; leave that scale off the results.
    layers, seed:
        How many random layers, 50 by default, and of what seed, drawn by default.
    waves:
        VCD file to write.

    Returns
    -------
    EngineResult
        Of the user's layer with ``values``, M x N or H x W x C_out: INT8, INT32 or float32.

    Raises
    ------
    CheckError
        Hardware and golden model differ, or the hardware stands still or breaks its bus's protocol.
    UserError
        An argument is wrong or does not apply; the message names it.
    """
    require_whole_bytes(config)
    check_flags({"relu": relu, "raw": raw})
    check_share("prune", prune)
    check_whole("stride", stride, 1, 15)
    check_whole("layers", layers, 1, 100_000)
    check_whole("seed", seed, 0, 2**63 - 1)
    check_choice("per", per, ("tensor", "column"))
    if pads is not None and not (isinstance(pads, tuple) and len(pads) == 4):
        raise UserError(f"pads: must be four whole numbers, top, bottom, left and right, not {pads!r}")
    for pad in pads or ():
        check_whole("pads", pad, 0, 255)
    claim({"waves": waves}, inputs=paths(weights, activations, bias, scale, shift, zero_point))
    if (weights is None) != (activations is None):
        raise UserError("give both --weights and --activations, or neither")
    systolic = config.core is Core.SYSTOLIC
    numbers = {"bias": bias, "scale": scale, "shift": shift, "zero_point": zero_point}
    own = {"layout": layout, **numbers, "relu": relu or None, "stride": stride, "pads": pads}
    own |= {"prune": prune, "per": per, "raw": raw or None}
    if weights is None:
        _refuse(own, "goes with --weights and --activations")
        seed = secrets.randbelow(1 << 31) if seed is None else seed
        with step("Computing the golden model"):
            jobs = random_jobs(config, layers or LAYERS, seed)
        figures = {**_figures(config, jobs, _run(config, jobs, waves)), "seed": seed}
        return EngineResult(figures, [Sheet(design_name(config), (), _rows(figures))])
    _refuse({"layers": layers, "seed": seed}, "is for random layers; --weights and --activations are not")
    check_requantised(config, {"scale": scale, "shift": shift, "zero-point": zero_point})
    if systolic:
        require_float32(config.systolic)
    else:
        _refuse({"per": per, "raw": raw or None}, "is for a systolic core; the dot product takes INT8")

    def array(given: Any, name: str) -> Named | None:
        return None if given is None else named(given, name, floats=systolic)

    with step("Computing the golden model"):
        job = make_job(
            config,
            named(activations, "activations", floats=systolic),
            named(weights, "weights", floats=systolic),
            layout,
            **{name: array(given, name) for name, given in numbers.items()},
            relu=relu,
            stride=stride,
            pads=pads,
            prune=prune,
            per=per or "tensor",
        )
    assert job.operands is not None
    if not job.operands.quantised:
        _refuse({"per": per, "raw": raw or None}, "the weights are not quantised, so that there is no scale")
    runs = _run(config, [job], waves)
    values = _values(job, runs[0], raw=raw)
    figures = _figures(config, [job], runs) | _own_figures(job, runs[0], values, raw=raw)
    sheets = [Sheet(design_name(config), (), _rows(figures))]
    parameters = job.parameters
    return EngineResult(
        figures,
        sheets,
        values=values,
        scale=None if parameters is None else parameters.scale,
        shift=None if parameters is None else parameters.shift,
        job=job,
        run=runs[0],
    )


def _refuse(options: Mapping[str, Any], why: str) -> None:
    """Raise UserError for the first option that has a value."""
    for name, value in options.items():
        if value is not None:
            raise UserError(f"--{name}: {why}")


def _run(config: EngineConfig, jobs: Sequence[Job], waves: Path | None) -> list[JobRun]:
    name = design_name(config)
    with step(f"Generating {name}"):
        design = generate(config)
    with step(f"Building and running {name}"):
        return run_jobs(design, jobs, waves=waves)


def _figures(config: EngineConfig, jobs: Sequence[Job], runs: Sequence[JobRun]) -> dict[str, Any]:
    """Return the figures that random and own layers have, plain values by name; errors on the bus apart."""
    done = [(job, run) for job, run in zip(jobs, runs, strict=True) if not run.failed]
    failed = {"bus_errors": len(jobs) - len(done)} if len(done) < len(jobs) else {}
    jobs, runs = zip(*done, strict=True) if done else ((), ())
    cycles = sum(run.cycles for run in runs)
    macs = sum(estimate(job.program, job.weights).macs for job in jobs)
    return {
        "layers": len(done) + sum(failed.values()),
        **failed,
        "results_compared": sum(run.words.size for run in runs),
        "cycles": cycles,
        "blocks_kept": sum(len(job.weights.block_rows) for job in jobs),
        "blocks": sum(job.weights.grid[0] * job.weights.grid[1] for job in jobs),
        "utilisation": round(macs / max(1, cycles * config.macs), 4),
    }


def _own_figures(job: Job, run: JobRun, values: npt.NDArray[Any], *, raw: bool) -> dict[str, Any]:
    """Return the figures that only the user's layer has."""
    figures: dict[str, Any] = {
        "estimated_cycles": job.estimate().cycles,
        "parts": len(job.grid.engines[0][0].groups if job.config.is_grid else job.program.groups),
    }
    if job.parameters is not None:
        figures["saturated"] = job.saturated
        if job.chosen:
            figures["scale"] = job.parameters.scale.tolist()
            figures["shift"] = job.parameters.shift.tolist()
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        distance = np.abs(np.where(finite, values, 0).astype(np.float64) - _exact(job, raw=raw))[finite]
        figures["largest_distance"] = float(distance.max(initial=0.0))
        figures["overflowed"] = int(np.count_nonzero(~finite))
    return figures


def _values(job: Job, run: JobRun, *, raw: bool) -> npt.NDArray[Any]:
    """Return results in the user's shape: INT8, INT32, or float32 with the scale of the weights."""
    words = run.words.reshape(job.shape)
    if job.config.core is Core.DOT_PRODUCT:
        return words
    assert job.operands is not None
    values = to_float64(words, reference.float_format(job.config.accumulator)).astype(np.float32)
    return values if raw else values * job.operands.scale


def _exact(job: Job, *, raw: bool) -> npt.NDArray[np.float64]:
    """Return float64 results of the operands as the core got them."""
    operands, config, layer = job.operands, job.config, job.program.layer
    assert operands is not None
    x = operands.x_values.reshape(layer.height, layer.width, -1)
    columns = im2col(x, layer.kernel, config.k, layer.stride, layer.pads)
    bias = to_float64(job.headers, reference.float_format(config.accumulator))
    exact = (columns @ unrolled(_weight_values(job), config.k) + bias).reshape(job.shape)
    if job.program.groups[0].write.relu:
        exact = np.maximum(exact, 0)
    return exact if raw else exact * operands.scale


def _weight_values(job: Job) -> npt.NDArray[Any]:
    """Return what the weights of a systolic core are worth, C_out x h x w x C_in, without their scale."""
    words, weight = job.weights.to_convolution(), job.config.weight
    if isinstance(weight, SignMagnitude):
        return from_sign_magnitude(words, weight.bits)
    return to_float64(words, reference.float_format(weight))


def _rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    # A seed is there to be typed again; a share is read like that of an array.
    own: dict[str, Callable[[Any], str]] = {"seed": str, "utilisation": "{:.1%}".format}
    return [(name.replace("_", " "), own.get(name, _shown)(value)) for name, value in figures.items()]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        if len(set(value)) == 1:
            return f"{value[0]}" if len(value) == 1 else f"{value[0]}, for all {len(value)} output channels"
        return ", ".join(map(str, value[:SHOWN])) + (f", ... ({len(value)})" if len(value) > SHOWN else "")
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
