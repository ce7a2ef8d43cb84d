"""The commands ``tileloom xfu``: generate the xDecimate unit or a core with it, and run the kernel suite."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tileloom.cli.console import notes, print_json, print_table, status
from tileloom.cores import CORES
from tileloom.errors import ConfigError, UserError
from tileloom.systolic.design import write_files
from tileloom.xfu.config import XfuConfig

from ..riscv.run import Conditions, ProgramError, Waits
from .report import print_suite, suite_figures
from .suite import CONNECTED_CHANNELS, CONVOLUTION_CHANNELS, ROWS, WrongResultError, cases, measure


class Numbers(click.ParamType[tuple[int, ...]]):
    """Positive integers with commas between them."""

    name = "N,N,..."

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return a tuple of integers, or fail with what is wrong."""
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if not all(part.isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r}: give positive integers, such as 32,64", parameter, context)
        return tuple(map(int, parts))


class WaitStates(click.ParamType[Waits]):
    """Cycles before a grant and before an answer, as GRANT:ANSWER."""

    name = "GRANT:ANSWER"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the waits, or fail with what is wrong."""
        if isinstance(value, Waits):
            return value
        grant, colon, response = value.partition(":")
        if not (colon and grant.isdecimal() and response.isdecimal()):
            self.fail(
                f"{value!r}: give cycles before a grant and before an answer, such as 0:2", parameter, context
            )
        return Waits(grant=int(grant), response=int(response))


def _config_options(command: Any) -> Any:
    for option in (
        click.option(
            "--fast-errors",
            is_flag=True,
            help="On CV-X-IF: 2 cycles for an xDecimate, not 3; a bus error in its load does not trap.",
        ),
        click.option(
            "--groups",
            type=Numbers(),
            default="4,8,16",
            show_default=True,
            help="The M of 1:M that are built.",
        ),
    ):
        command = option(command)
    return command


def _config(groups: Sequence[int], fast_errors: bool, id_width: int = 4) -> XfuConfig:
    try:
        return XfuConfig(group_sizes=tuple(groups), precise_errors=not fast_errors, id_width=id_width)
    except ConfigError as error:
        raise UserError(
            str(error).replace("group_sizes", "--groups").replace("id_width", "--id-width")
        ) from None


@click.group("xfu", short_help="The xDecimate unit: generate it, run its kernels on RISC-V cores.")
def xfu_command() -> None:
    """Generate the xDecimate unit, and run sparse and dense kernels on RISC-V cores that have it.

    \b
    Examples:
      tileloom xfu generate -o build                          coprocessor for CV-X-IF
      tileloom xfu generate --form cv32e40p -o build          CV32E40P with the unit in its pipeline
      tileloom xfu run --convolution 32 --connected 256       two layers on CV32E40P, half a minute
      tileloom xfu run                                        the paper's layers, some minutes
    """


@xfu_command.command("generate", short_help="Write the unit, its coprocessor, or a core with it.")
@click.option(
    "--form",
    type=click.Choice(["unit", "cv-x-if", "cv32e40p"]),
    default="cv-x-if",
    show_default=True,
    help="The unit behind streams, a coprocessor for CV-X-IF, or CV32E40P with it in ID, EX and WB.",
)
@_config_options
@click.option("--id-width", type=int, default=4, show_default=True, help="X_ID_WIDTH of the core on CV-X-IF.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder to write to; made if it is not there.  [default: this folder]",
)
@click.option("--name", help="Name of the top module and of the files; not of a core.")
@click.option("--force", is_flag=True, help="Overwrite files of other content.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest or the list of files as JSON.")
def generate_xfu_command(
    form: str,
    groups: Sequence[int],
    fast_errors: bool,
    id_width: int,
    output: Path,
    name: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write the unit's Verilog and manifest, NAME.v and NAME.json.

    With --form cv32e40p: the sources of the installed CV32E40P with the unit's lines added, and cv32e40p.f,
    the files in the order in which a tool must read them. The core is to be built with COREV_PULP=1.
    """
    from tileloom.xfu.design import Form, generate_xfu

    from .hosts import xfu_system

    config = _config(groups, fast_errors, id_width)
    if name is not None and (form == "cv32e40p" or not name.isidentifier()):
        raise click.UsageError(f"--name: {name!r} is not a Verilog identifier, or names a core")
    with status("Generating"):
        if form == "cv32e40p":
            sources = xfu_system("cv32e40p", config).core_sources()
            listing = "".join(f"{file}\n" for file in sources)
            files = {output / file: text for file, text in {**sources, "cv32e40p.f": listing}.items()}
            manifest: Any = {"top": CORES["cv32e40p"].top, "files": list(sources)}
            title = "cv32e40p"
        else:
            design = generate_xfu(config, Form.UNIT if form == "unit" else Form.CV_X_IF, name)
            manifest, title = design.manifest, design.name
            files = {
                output / f"{title}.v": design.verilog,
                output / f"{title}.json": json.dumps(manifest, indent=2) + "\n",
            }
    write_files(files, force=force)
    if as_json:
        print_json(manifest)
        return
    rows = [(str(path), f"{len(text) / 1000:.0f} KB") for path, text in files.items()]
    print_table(title, (), rows)


@xfu_command.command("run", short_help="Run the kernel suite on a core and compare with the paper.")
@click.option("--core", type=click.Choice(list(CORES)), default="cv32e40p", show_default=True)
@click.option(
    "--convolution",
    type=Numbers(),
    help=f"Input channels of 3 x 3 convolutions.  [default: {','.join(map(str, CONVOLUTION_CHANNELS))}]",
)
@click.option(
    "--connected",
    type=Numbers(),
    help=f"Inputs of fully connected layers.  [default: {','.join(map(str, CONNECTED_CHANNELS))}]",
)
@click.option("--rows", type=click.IntRange(1), default=ROWS, show_default=True, help="Output channels.")
@_config_options
@click.option("--instruction-waits", type=WaitStates(), default="0:0", show_default=True, help="Wait states.")
@click.option("--data-waits", type=WaitStates(), default="0:0", show_default=True, help="Wait states.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of activations and weights."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Layers at a time.  [default: cores]"
)
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON instead of tables.")
def run_xfu_command(
    core: str,
    convolution: Sequence[int] | None,
    connected: Sequence[int] | None,
    rows: int,
    groups: Sequence[int],
    fast_errors: bool,
    instruction_waits: Waits,
    data_waits: Waits,
    seed: int,
    jobs: int,
    as_json: bool,
) -> None:
    """Run INT8 layers on a core: dense, sparse in software, and sparse with xDecimate.

    The core is real RTL, simulated with single-cycle memory unless wait states are given; cycles are its own
    counter's, im2col included. Every result is compared with the golden model, word for word. Layers are the
    paper's where none are given; given one kind, the other is left out.

    Exit status: 0 all words equal, 1 a difference or a missing tool, 2 wrong input.
    """
    from .hosts import xfu_system

    config = _config(groups, fast_errors)
    if convolution is None and connected is None:
        convolution, connected = CONVOLUTION_CHANNELS, CONNECTED_CHANNELS
    convolution, connected = convolution or (), connected or ()
    for option, channels, window in (("--convolution", convolution, 9), ("--connected", connected, 1)):
        for count in channels:
            for group in config.group_sizes:
                if count * window % group:
                    raise UserError(
                        f"{option} {count}: {count * window} weights are not a multiple of {group}"
                    )
    suite = cases(convolution, connected, config.group_sizes, rows)
    conditions = Conditions(instruction_waits=instruction_waits, data_waits=data_waits, limit=20_000_000_000)
    try:
        with status(f"Building {core}"):
            system = xfu_system(core, config)
            system.build()
        with _progress(len(suite), core) as (advance, on_cycles):
            measurements = []
            for measurement in measure(
                system, suite, seed=seed, conditions=conditions, parallel=jobs, progress=on_cycles
            ):
                measurements.append(measurement)
                advance()
    except (ProgramError, WrongResultError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"core": core, "seed": seed, "rows": rows, **suite_figures(core, measurements)})
    else:
        print_suite(core, measurements)


@contextmanager
def _progress(total: int, core: str) -> Iterator[Any]:
    """Show finished runs and the cycles simulated so far; give what to call after a run, and with cycles."""
    columns = (
        TextColumn("Simulating {task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} runs, {task.fields[cycles]} Mcycles"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        task = bar.add_task(core, total=total, cycles=0)
        by_case: dict[int, int] = {}

        def on_cycles(index: int, cycles: int) -> None:
            by_case[index] = cycles
            bar.update(task, cycles=sum(by_case.copy().values()) // 1_000_000)

        yield lambda: bar.advance(task), on_cycles
