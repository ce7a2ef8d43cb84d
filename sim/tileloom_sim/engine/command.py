"""The command ``tileloom engine simulate``: the user's own layer on a block-sparse engine, or random ones."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from tileloom.cli.console import print_json, print_table, status
from tileloom.engine.command import engine_arguments
from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.engine.design import generate_engine
from tileloom.errors import UserError
from tileloom_golden.estimate.engine import estimate

from ..systolic.harness import HarnessError
from .harness import run_layers
from .job import Job, golden_outputs, make_job, random_jobs, read_array
from .layers import outputs

ARRAY = click.Path(exists=True, dir_okay=False, path_type=Path)


class Numbers(click.ParamType):  # type: ignore[type-arg]  # generic only to type checkers
    """Whole numbers separated by commas, one or a fixed count."""

    name = "numbers"

    def __init__(self, count: int) -> None:
        self.count = count

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers; one stands for all."""
        if isinstance(value, tuple):
            return value  # click converts a default twice
        try:
            found = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not {self.count} whole numbers separated by commas")
        if len(found) == 1:
            found *= self.count
        if len(found) != self.count:
            self.fail(f"{value!r} has {len(found)} numbers, not 1 or {self.count}")
        return found


@click.command("simulate", short_help="Run your own layer on an engine, or random ones.")
@engine_arguments
@click.option("--weights", type=ARRAY, metavar="W.npy", help="INT8, K x N or C_out x h x w x C_in.")
@click.option("--activations", type=ARRAY, metavar="X.npy", help="INT8, M x K or H x W x C_in.")
@click.option("--bias", type=ARRAY, metavar="B.npy", help="INT32, one for each output channel.")
@click.option("--scale", type=ARRAY, metavar="S.npy", help="0 to 65535, one for each output channel.")
@click.option("--shift", type=ARRAY, metavar="T.npy", help="0 to 63, one for each output channel.")
@click.option("--relu", is_flag=True, help="Negative results become 0.")
@click.option("--stride", type=click.IntRange(1, 15), default=1, show_default=True)
@click.option(
    "--pads",
    type=Numbers(4),
    default=(0, 0, 0, 0),
    metavar="T,B,L,R",
    help="Top, bottom, left, right, or one.",
)
@click.option(
    "--prune",
    type=click.FloatRange(0, 1),
    metavar="RATE",
    help="Leave out this share of W's blocks first, those with the smallest L1 norm.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="Y.npy")
@click.option(
    "--layers", type=click.IntRange(1), default=50, show_default=True, help="Random layers, without W and X."
)
@click.option("--seed", type=click.IntRange(0), envvar="TILELOOM_SEED", help="Replay random layers.")
@click.option("--force", is_flag=True, help="Overwrite Y.npy.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON instead of a table.")
def simulate_command(
    config: EngineConfig,
    weights: Path | None,
    activations: Path | None,
    output: Path | None,
    layers: int,
    seed: int | None,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Check an engine in simulation, bit for bit against the golden model.

    CONFIG is a preset's name or a TOML file.

    Alone, it runs random layers, every stream waiting at random. With --weights and --activations it computes
    your layer, whose blocks of zeros take no cycle: a matrix product, or a convolution where W has four
    dimensions. Without --scale and --shift they are chosen so that no result saturates.

    \b
    Examples:
      tileloom engine simulate engine-int8
      tileloom engine simulate engine-int8 --weights W.npy --activations X.npy -o Y.npy --prune 0.5
      tileloom engine simulate engine-int8 --weights W.npy --activations X.npy --pads 1 --stride 2

    Exit status: 0 all results equal, 1 a difference or a missing tool, 2 wrong input.
    """
    if config.core is not Core.DOT_PRODUCT or config.port is not EnginePort.STREAM or not config.requantise:
        raise UserError("simulate runs engines of the dot-product core with streams and requantisation")
    if (weights is None) != (activations is None):
        raise click.UsageError("give both --weights and --activations, or neither")
    if output is not None and output.exists() and not force:
        raise UserError(f"{output}: there already; --force overwrites it")
    if weights is None or activations is None:
        for name in ("bias", "scale", "shift", "relu", "prune"):
            if options[name]:
                raise click.UsageError(f"--{name} goes with --weights and --activations")
        seed = secrets.randbelow(1 << 31) if seed is None else seed
        jobs = random_jobs(config, layers, seed)
        figures = {**_run(config, jobs)[1], "seed": seed}
    else:
        job = make_job(
            config, *((str(path), read_array(path)) for path in (activations, weights)), **_read(options)
        )
        results, figures = _run(config, [job])
        figures["output"] = output and str(output)
        if output is not None:
            _write(output, results[0].reshape(job.shape))
    if as_json:
        print_json(figures)
    else:
        rows = [
            (name.replace("_", " "), _text(value)) for name, value in figures.items() if value is not None
        ]
        print_table(config.name, (), rows)


def _read(options: dict[str, Any]) -> dict[str, Any]:
    files = {name: options[name] for name in ("bias", "scale", "shift")}
    read = {name: path and (str(path), read_array(path)) for name, path in files.items()}
    return {**options, **read}


def _run(config: EngineConfig, jobs: list[Job]) -> tuple[list[npt.NDArray[np.int8]], dict[str, Any]]:
    """Run the jobs and compare; return the outputs and figures."""
    with status(f"Generating {config.name}"):
        design = generate_engine(config)
    try:
        with status(f"Building and simulating {design.name}"):
            runs = run_layers(design, [job.streams for job in jobs])
    except HarnessError as error:
        raise click.ClickException(f"{design.name}: {error}") from None
    results = []
    for number, (job, run) in enumerate(zip(jobs, runs, strict=True)):
        found = outputs(job.program, run, 8)
        expected = golden_outputs(job).reshape(found.shape)
        wrong = found != expected
        if wrong.any() or run.fault:
            place = ", ".join(str(int(index)) for index in np.argwhere(wrong)[0]) if wrong.any() else ""
            raise click.ClickException(
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


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _write(path: Path, array: npt.NDArray[Any]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.save(file, array)
        part.replace(path)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
