"""The command ``tileloom simulate``: the random regression of an array, or the user's own GEMM on it."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tileloom.cli.console import config_arguments, notes, print_json, print_table, status
from tileloom.errors import UserError
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import Design, generate

from ..build import cache
from ..build.cocotb_run import SIMULATORS
from .gemm import GemmRun, golden_gemm, simulate_gemm
from .harness import HarnessError
from .operands import Operands, Scaling, prepare, read_matrix, require_float32, values_of
from .regression import regress_design
from .report import gemm_figures, gemm_rows, regression_figures, regression_rows

MATRIX = click.Path(exists=True, dir_okay=False, path_type=Path)


def _clear_cache(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"{cache.folder()}: {cache.clear() / 1e6:.0f} MB of simulator builds removed")
        context.exit()


@click.command("simulate", short_help="Run an array's regression, or your own GEMM on it.")
@config_arguments
@click.option(
    "--weights", type=MATRIX, metavar="W.npy", help="K x N weights: run a GEMM, not the regression."
)
@click.option("--activations", type=MATRIX, metavar="X.npy", help="M x K activations of the GEMM.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="Y.npy",
    help="Where to write Y = X W, M x N, float32.",
)
@click.option(
    "--prune",
    type=click.FloatRange(0, 1),
    metavar="RATE",
    help="Set this share of W's tiles to zero first, those with the smallest L1 norm.",
)
@click.option(
    "--per",
    type=click.Choice(["tensor", "column"]),
    default="tensor",
    show_default=True,
    help="Quantise float weights with one scale, or one for each column.",
)
@click.option("--raw", is_flag=True, help="Leave the scale of quantised weights off Y.")
@click.option("--seed", type=click.IntRange(0), envvar="TILELOOM_SEED", help="Replay a regression.")
@click.option("--simulator", type=click.Choice(SIMULATORS), default="verilator", show_default=True)
@click.option("--waves", is_flag=True, help="Leave a wave file in this folder.")
@click.option("--force", is_flag=True, help="Overwrite files.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON instead of a table.")
@click.option(
    "--clear-cache",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_clear_cache,
    help="Only remove all simulator builds, kept in ~/.cache/tileloom up to TILELOOM_CACHE_MB (2000).",
)
def simulate_command(
    config: SystolicConfig,
    weights: Path | None,
    activations: Path | None,
    output: Path | None,
    prune: float | None,
    per: Scaling,
    raw: bool,
    seed: int | None,
    simulator: str,
    waves: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Check an array in simulation, word for word against the golden model.

    CONFIG is a preset's name or a TOML file.

    Alone, it runs random tiles with random stalls on every stream, and resets in mid-stream. With --weights
    and --activations it multiplies your matrices, of any size, tile by tile, leaving out tiles of zeros.

    X is rounded to the nearest word of the array's activation format, and so are float weights. For an array
    with integer weights, integers in W are used as they are (INT8: -127 to 127), and floats are quantised,
    with the scale applied to Y.

    \b
    Examples:
      tileloom simulate sasp-8x8-int8
      tileloom simulate stream-8x8-fp32 --set rows=5 --seed 7 --waves
      tileloom simulate stream-8x8-int8 --weights W.npy --activations X.npy -o Y.npy --prune 0.5

    Exit status: 0 all words equal, 1 a difference or a missing tool, 2 wrong input.
    """
    if (weights is None) != (activations is None):
        raise click.UsageError("give both --weights and --activations for a GEMM, or neither")
    if weights is None or activations is None:
        _refuse_gemm_options(output=output, prune=prune, raw=raw)
        suffix = "vcd" if simulator == "verilator" else "fst"
        wave_file = _new_file(Path(f"{config.name}.{suffix}"), force) if waves else None
        _regress(config, secrets.randbelow(1 << 31) if seed is None else seed, simulator, wave_file, as_json)
        return
    if simulator != "verilator":
        raise click.UsageError("--simulator: a GEMM runs on verilator")
    require_float32(config)
    if output is not None:
        _new_file(output, force)
    wave_file = _new_file(Path(f"{config.name}.vcd"), force) if waves else None
    operands = prepare(
        config,
        (activations, read_matrix(activations)),
        (weights, read_matrix(weights)),
        prune=prune,
        per=per,
    )
    run = _gemm(config, operands, wave_file)
    y = values_of(config, run.words, operands, raw=raw)
    figures = gemm_figures(config, run, operands, y, raw=raw)
    if output is not None:
        _write(output, y)
    files = {"output": output and str(output), "waves": wave_file and str(wave_file)}
    if as_json:
        print_json({**figures, **files})
    else:
        print_table(config.name, (), gemm_rows(figures, output, wave_file))


def _refuse_gemm_options(**options: Any) -> None:
    for name, value in options.items():
        if value:
            raise click.UsageError(f"--{name} goes with --weights and --activations")


def _new_file(path: Path, force: bool) -> Path:
    """Return ``path``; raise UserError if it is there already, or its folder is not."""
    if path.exists() and not force:
        raise UserError(f"{path}: there already; --force overwrites it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")
    return path


def _write(path: Path, y: npt.NDArray[np.float32]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.save(file, y)
        part.replace(path)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None


def _regress(config: SystolicConfig, seed: int, simulator: str, waves: Path | None, as_json: bool) -> None:
    with status(f"Generating {config.name}"):
        design = generate(config)
    with status(f"Building and running {design.name} in {simulator}"):
        regression = regress_design(design, seed=seed, simulator=simulator, waves=waves)
    figures = regression_figures(config, regression, seed)
    if as_json:
        print_json(figures)
    else:
        print_table(design.name, (), regression_rows(figures))
    if not regression.passed:
        lines = regression.failures or ["the simulation ended early:", *regression.run.log.splitlines()[-12:]]
        raise click.ClickException("\n".join([*lines, f"--seed {seed} replays it"]))


def _gemm(config: SystolicConfig, operands: Operands, waves: Path | None) -> GemmRun:
    with status(f"Generating {config.name}"):
        design = generate(config)
    try:
        run = _simulate_with_progress(design, operands, waves)
    except HarnessError as error:
        raise click.ClickException(f"{design.name}: {error}") from None
    with status("Comparing with the golden model"):
        expected = golden_gemm(config, operands.x, operands.w)
    wrong = run.words != expected
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        digits = -(-config.accumulator.width // 4)
        raise click.ClickException(
            f"Y[{row}, {column}] is {int(run.words[row, column]):0{digits}x}, the golden model has "
            f"{int(expected[row, column]):0{digits}x}; {int(wrong.sum())} of {wrong.size} words differ"
        )
    return run


def _simulate_with_progress(design: Design, operands: Operands, waves: Path | None) -> GemmRun:
    """Simulate, with a bar and the rate on a terminal once the model is built."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        task = bar.add_task(f"Building {design.name}", total=None, rate="")
        started: list[float] = []

        def total(vectors: int) -> None:
            bar.update(task, description=f"Simulating {design.name}", total=vectors)
            started.append(time.perf_counter())

        def progress(cycles: int, vectors: int) -> None:
            rate = cycles / (time.perf_counter() - started[0])
            bar.update(task, completed=vectors, rate=f"{rate:,.0f} cycles/s")

        return simulate_gemm(design, operands.x, operands.w, waves=waves, on_start=total, progress=progress)
