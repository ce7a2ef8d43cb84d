"""``tileloom simulate`` of a block-sparse tile engine: random layers, or the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import (
    Numbers,
    force_option,
    input_option,
    json_option,
    output_option,
    prune_option,
    seed_option,
)
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim

from ..layout import CONVOLUTION, MATRIX
from .simulate import LAYERS, simulate

INPUTS = ("weights", "activations", "bias", "scale", "shift")

OPTIONS = [
    input_option("weights", "W.npy", "INT8 weights of your own layer: a matrix, or a convolution's."),
    click.Option(
        ["--layout"],
        type=click.Choice([*MATRIX, *CONVOLUTION]),
        help="Of W: KN (K x N) or NK of a matrix; OHWI or OIHW (as PyTorch and ONNX) of a convolution.",
    ),
    input_option("activations", "X.npy", "INT8, M x K or H x W x C_in."),
    input_option("bias", "B.npy", "INT32, one for each output channel."),
    input_option("scale", "S.npy", "0 to 65535, one for each output channel."),
    input_option("shift", "T.npy", "0 to 63, one for each output channel."),
    click.Option(["--relu"], is_flag=True, help="Negative results become 0."),
    click.Option(["--stride"], type=click.IntRange(1, 15), help="Of a convolution.  [default: 1]"),
    click.Option(
        ["--pads"],
        type=Numbers(count=4, least=0, most=255),
        metavar="T,B,L,R",
        help="Zeros at top, bottom, left and right, or one number for all.  [default: 0]",
    ),
    prune_option("W's blocks"),
    click.Option(
        ["--layers"], type=click.IntRange(1, 100_000), help=f"How many random layers.  [default: {LAYERS}]"
    ),
    seed_option("Replay random layers"),
    output_option("Y.npy", "Where to write the results of your own layer."),
    click.Option(["--waves"], is_flag=True, help="Leave a wave file, NAME.vcd, in this folder."),
    force_option(),
    json_option(),
]


def run(
    config: EngineConfig, *, output: Path | None, waves: bool, force: bool, as_json: bool, **options: Any
) -> None:
    """Check an engine in simulation, bit for bit against the golden model.

    CONFIG is a preset's name or a TOML file.

    Alone, it runs random layers, every stream waiting at random. With --weights and --activations it computes
    your layer, whose blocks of zeros take no cycle: a matrix product, or a convolution where W has four
    dimensions. Without --scale and --shift they are chosen so that no result saturates.

    \b
    Examples:
      tileloom simulate engine-int8
      tileloom simulate engine-int8 --weights W.npy --layout KN --activations X.npy -o Y.npy --prune 0.5
      tileloom simulate engine-int8 --weights W.npy --layout OIHW --activations X.npy --pads 1 --stride 2

    Exit status: 0 all results equal, 1 a difference or a missing tool, 2 wrong input.
    """
    given = {name: value for name, value in options.items() if value not in (None, False)}
    if output is not None and "weights" not in given:
        raise UserError("-o: is the result of your own layer; give --weights and --activations too")
    wave_file = Path(f"{design_name(config)}.vcd") if waves else None
    outputs = claim(
        {"-o": output, "--waves": wave_file}, inputs=[given.get(name) for name in INPUTS], force=force
    )
    if wave_file is None:
        result = simulate(config, **given)
    else:
        with outputs.writing(wave_file) as part:
            result = simulate(config, waves=part, **given)
    if output is not None and result.values is not None:
        outputs.write({output: result.values})
    result.show({"results": output, "waves": wave_file}, as_json=as_json)
