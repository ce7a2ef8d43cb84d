"""The command ``tileloom board``: one for each board, and ``run``."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tileloom import processes
from tileloom.cli.console import Sheet, note, step
from tileloom.cli.main import Group
from tileloom.cli.options import Number, Strict, config_parameters, configured, force_option, json_option
from tileloom.cli.result import Result
from tileloom.errors import ToolError
from tileloom.families import design_name
from tileloom.files import claim

from ..fpga.boards import BOARDS
from .build import Built, build, loader
from .project import Project, project
from .run import run_command


@click.group("board", cls=Group, short_help="Put a design on an FPGA board, and run products on it.")
def board_command() -> None:
    """Put a design on an FPGA board, and run products on it, or on the same board in simulation.

    \b
    Examples:
      tileloom board icebreaker stream-8x8-int8 --set rows=2 --set columns=2 -o ice --build --program
      tileloom board run ice --port /dev/ttyUSB1 --weights W.npy --layout KN --activations X.npy -o Y.npy
      tileloom board run ice --port sim: --weights W.npy --layout KN --activations X.npy -o Y.npy
    """


def _make(name: str) -> Callable[..., None]:
    def run(
        source: str,
        overrides: Sequence[str],
        folder: Path,
        clock: float | None,
        building: bool,
        programming: bool,
        force: bool,
        as_json: bool,
    ) -> None:
        config = configured(source, overrides)
        with step("Generating"):
            made = project(name, config, clock)
            files = {folder / file: content for file, content in made.files.items()}
            outputs = {f"-o, {path.name}": path for path in files}
            claim(outputs, force=force, same_content=True, make_folders=True).write(files)
        figures: dict[str, Any] = {
            "board": name,
            "design": design_name(config),
            "folder": str(folder),
            "clock_hz": made.board.clock_hz,
            "memories": dict(made.board.sizes),
        }
        rows = [
            ("design", str(figures["design"])),
            ("clock", f"{made.board.clock_hz / 1e6:g} MHz"),
            ("files", str(folder)),
        ]
        built = None
        if building or programming:
            with step(f"Building for {name}") as shown:
                built = build(made, folder.resolve(), shown.show)
            figures |= _figures(built)
            rows += _rows(built)
        Result(figures, [Sheet(BOARDS[name].title, (), rows)]).show({}, as_json=as_json)
        if built is not None:
            _program(made, built.product, now=programming)

    run.__doc__ = f"""Put a design on the {BOARDS[name].title}.

    CONFIG is a preset's name or a TOML file, of an array, or of an engine with port and wrapper axi4. The
    folder gets Verilog, constraints and scripts, with --build also what the board is programmed with. Tools
    are those that are installed, else those of wheels: pip install 'tileloom[board]'.

    \\b
    Example:
      tileloom board {name} stream-8x8-int8 --set rows=2 --set columns=2 -o build --build
    """
    return run


def _figures(built: Built) -> dict[str, Any]:
    return {
        "cells": {what: {"used": used, "available": of} for what, (used, of) in built.cells.items()},
        "fmax_mhz": built.fmax_mhz,
        "seconds": {tool: round(seconds, 1) for tool, seconds in built.seconds.items()},
        "processor_seconds": round(built.processor_seconds, 2),
        "product": str(built.product),
    }


def _rows(built: Built) -> list[tuple[str, str]]:
    rows = [(what, f"{used:,} of {of:,} ({used / of:.0%})") for what, (used, of) in built.cells.items()]
    if built.fmax_mhz is not None:
        rows.append(("Fmax", f"{built.fmax_mhz:.2f} MHz"))
    rows += [(tool, f"{seconds:.0f} s") for tool, seconds in built.seconds.items()]
    rows.append(("of the processor", f"{built.processor_seconds:.0f} s"))
    return [*rows, ("to program with", str(built.product))]


def _program(made: Project, product: Path, *, now: bool) -> None:
    command = loader(made, product)
    program = shutil.which(os.environ.get("OPENFPGALOADER", command[0]))
    if not now or program is None:
        note(f"to program the board: {shlex.join(command)}")
        if now:
            raise ToolError(f"openFPGALoader is not installed; once it is: {shlex.join(command)}")
        return
    with step("Programming"):
        done = processes.run([program, *command[1:]], merge=True)
    if done.status:
        lines = done.output.strip().splitlines() or [done.reason]
        raise ToolError(f"openFPGALoader: {lines[-1]}")


for _name, _kind in BOARDS.items():
    _run = _make(_name)
    board_command.add_command(
        Strict(
            _name,
            callback=_run,
            help=_run.__doc__,
            short_help=_kind.title,
            params=[
                *config_parameters(),
                click.Option(
                    ["-o", "--output", "folder"],
                    type=click.Path(path_type=Path, file_okay=False),
                    required=True,
                    metavar="DIR",
                    help="Folder to write to; made if it is not there.",
                ),
                click.Option(
                    ["--clock"],
                    type=Number(1, 400),
                    metavar="MHZ",
                    help="The block's clock: the nearest that the PLL makes.  [default: the oscillator's]",
                ),
                click.Option(
                    ["--build", "building"], is_flag=True, help="Run the tools, up to the bitstream."
                ),
                click.Option(
                    ["--program", "programming"], is_flag=True, help="The same, and program the board."
                ),
                force_option(),
                json_option(),
            ],
        )
    )
board_command.add_command(run_command)
