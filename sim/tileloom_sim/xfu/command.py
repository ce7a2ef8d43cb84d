"""``tileloom simulate`` of an xDecimate unit: the kernel suite on the core that it sits in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import Numbers, Whole, force_option, json_option, output_option, seed_option
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim
from tileloom.xfu.config import XfuConfig

from ..riscv.run import Waits
from .simulate import simulate
from .suite import CONNECTED_CHANNELS, CONVOLUTION_CHANNELS, ROWS


class WaitStates(click.ParamType[Waits]):
    """Cycles before a grant and before an answer, as GRANT:ANSWER."""

    name = "GRANT:ANSWER"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the waits, or fail with what is wrong."""
        if isinstance(value, Waits):
            return value
        parts = str(value).split(":")
        if len(parts) != 2 or not all(
            part.isascii() and part.isdecimal() and len(part) < 5 for part in parts
        ):
            self.fail(f"{value!r}: give cycles to a grant and to an answer, such as 0:2", parameter)
        return Waits(grant=int(parts[0]), response=int(parts[1]))


OPTIONS = [
    click.Option(
        ["--convolution"],
        type=Numbers(most=4096),
        help=f"Input channels of 3 x 3 convolutions.  [default: {','.join(map(str, CONVOLUTION_CHANNELS))}]",
    ),
    click.Option(
        ["--connected"],
        type=Numbers(most=1 << 16),
        help=f"Inputs of fully connected layers.  [default: {','.join(map(str, CONNECTED_CHANNELS))}]",
    ),
    click.Option(["--rows"], type=Whole(1, 4096), help=f"Output channels.  [default: {ROWS}]"),
    click.Option(
        ["--instruction-waits"],
        type=WaitStates(),
        help="Cycles until a fetch is granted, and from there to its answer.  [default: 0:0]",
    ),
    click.Option(
        ["--data-waits"],
        type=WaitStates(),
        help="The same of a load or store.  [default: 0:0]",
    ),
    seed_option("Replay the random data"),
    click.Option(["--jobs"], type=Whole(1, 256), help="Layers at a time.  [default: cores]"),
    output_option("FIGURES.json", "Where to write the figures, as --json prints them."),
    click.Option(["--waves"], is_flag=True, help="Leave a wave file of the last run, NAME.vcd, here."),
    force_option(),
    json_option(),
]


def run(
    config: XfuConfig, *, output: Path | None, waves: bool, force: bool, as_json: bool, **options: Any
) -> None:
    """Run INT8 layers on a core with the unit: dense, sparse in software, and sparse with xDecimate.

    CONFIG is a preset's name or a TOML file. The core is real RTL (CV32E40P, or for cv-x-if CV32E40X),
    simulated with single-cycle memory unless wait states are given; cycles are its own counter's, im2col
    included. Every result is compared with the golden model, word for word. Layers are the paper's where none
    are given; given one kind, the other is left out. Needs pip install 'tileloom[xfu]'.

    \b
    Examples:
      tileloom simulate xfu-cv32e40p --convolution 32 --connected 256    two layers, half a minute
      tileloom simulate xfu-cv32e40p                                     the paper's, some minutes
      tileloom simulate xfu-cv-x-if --set precise_errors=false --connected 256

    Exit status: 0 all words equal, 1 a difference or a missing tool, 2 wrong input.
    """
    wave_file = Path(f"{design_name(config)}.vcd") if waves else None
    if force and output is None and not waves:
        raise UserError("--force: there is nothing to overwrite; it goes with -o or --waves")
    outputs = claim({"-o": output, "--waves": wave_file}, force=force)
    given = {name: value for name, value in options.items() if value is not None}
    if wave_file is None:
        result = simulate(config, **given)
    else:
        with outputs.writing(wave_file) as part:
            result = simulate(config, waves=part, **given)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"figures": output, "waves": wave_file}, as_json=as_json)
