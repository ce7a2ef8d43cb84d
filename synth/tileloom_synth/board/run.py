"""The command ``tileloom board run``: a product on a board at a serial port, or on a simulated one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from tileloom.cli.console import step
from tileloom.cli.options import Strict, force_option, input_option, json_option, output_option, prune_option
from tileloom.driver.serial import Port
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom_sim.board.port import SIMULATED, opened, serial_port
from tileloom_sim.board.run import multiply
from tileloom_sim.board.simulated import build, disturbance, simulated
from tileloom_sim.layout import MATRIX

from .project import BLOCK, saved

INPUTS = ("weights", "activations", "bias", "scale", "shift", "zero_point")


def _run(
    folder: Path | None,
    port: str,
    output: Path | None,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Multiply your matrices on a board, checked against the golden model, word for word.

    The board at the serial port says itself what is on it; with DIR, where it was made, it must be that. The
    product may be of any size. What the line loses or damages is sent again, and what a reset of the board
    destroys is done again.

    With --port sim: the board made in DIR is simulated, from the pins of its serial port on. sim:errors=1e-4
    turns round that share of the bits on the line, sim:reset=200000 resets the board in that clock cycle.

    \b
    Examples:
      tileloom board run --port /dev/ttyUSB1 --weights W.npy --layout KN --activations X.npy -o Y.npy
      tileloom board run build --port sim: --weights W.npy --layout KN --activations X.npy -o Y.npy

    Exit status: 0 all words equal, 1 a difference, nobody answers or a missing tool, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    outputs = claim({"-o": output}, inputs=[options[name] for name in INPUTS if options[name]], force=force)
    expected = None if folder is None else saved(folder)
    if port.startswith(SIMULATED):
        wrong = disturbance(port.removeprefix(SIMULATED))
        if folder is None or expected is None:
            raise UserError(f"--port {port}: give DIR too, the folder of the board to simulate")
        verilog = folder / f"{BLOCK}.v"
        if not verilog.is_file():
            raise UserError(f"{verilog}: is not there; make the board anew")
        with step("Building the simulation"):
            program = build(verilog.read_text(encoding="utf-8"), BLOCK)
        lines: AbstractContextManager[Port] = simulated(program, expected.divisor, wrong)
    else:
        lines = serial_port(port)
    with lines as line, opened(line, port, expected) as board:
        result = multiply(board, **options)
    if output is not None and result.values is not None:
        outputs.write({output: result.values})
    result.show({"results": output}, as_json=as_json)


run_command = Strict(
    "run",
    callback=_run,
    help=_run.__doc__,
    short_help="Multiply matrices on a board, or on a simulated one.",
    params=[
        click.Argument(["folder"], metavar="[DIR]", required=False, type=click.Path(path_type=Path)),
        click.Option(["--port"], required=True, metavar="PORT", help="Serial port, as /dev/ttyUSB0, or sim:"),
        input_option("weights", "W.npy", "Weights of Y = X W.", required=True),
        click.Option(
            ["--layout"], type=click.Choice(MATRIX), help="Of W: KN is K x N, NK is N x K, as PyTorch has it."
        ),
        input_option("activations", "X.npy", "Activations, M x K.", required=True),
        input_option("bias", "B.npy", "Of an engine: as simulate has it, one for each column of Y."),
        input_option("scale", "S.npy", "Of an engine that requantises: 0 to 65535, one for each column."),
        input_option("shift", "T.npy", "The same: 0 to 63."),
        input_option("zero-point", "Z.npy", "The same, with result_zero_point: -128 to 127."),
        output_option("Y.npy", "Where to write Y, M x N."),
        prune_option("W's tiles"),
        force_option(),
        json_option(),
    ],
)
