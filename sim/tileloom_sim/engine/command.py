"""``tileloom simulate`` of a block-sparse tile engine: random layers, or the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import (
    Numbers,
    Whole,
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
from .text import file_names

INPUTS = ("weights", "activations", "bias", "scale", "shift", "zero_point")


def _file(name: str, metavar: str, text: str) -> click.Option:
    return click.Option([f"--{name}"], type=click.Path(path_type=Path), metavar=metavar, help=text)


OPTIONS = [
    input_option(
        "weights",
        "W.npy",
        "Weights of your own layer, a matrix or a convolution's: INT8, or numbers for a systolic core.",
    ),
    click.Option(
        ["--layout"],
        type=click.Choice([*MATRIX, *CONVOLUTION]),
        help="Of W: KN (K x N) or NK of a matrix; OHWI or OIHW (as PyTorch and ONNX) of a convolution.",
    ),
    input_option("activations", "X.npy", "Of the same kind, M x K or H x W x C_in."),
    input_option("bias", "B.npy", "INT32, or numbers for a systolic core; one for each output channel."),
    input_option("scale", "S.npy", "0 to 65535, one for each output channel."),
    input_option("shift", "T.npy", "0 to 63, one for each output channel."),
    input_option("zero-point", "Z.npy", "-128 to 127, one for each output channel, with result_zero_point."),
    click.Option(["--relu"], is_flag=True, help="Negative results become 0."),
    click.Option(["--stride"], type=Whole(1, 15), help="Of a convolution.  [default: 1]"),
    click.Option(
        ["--pads"],
        type=Numbers(count=4, least=0, most=255),
        metavar="T,B,L,R",
        help="Zeros at top, bottom, left and right, or one number for all.  [default: 0]",
    ),
    prune_option("W's blocks"),
    click.Option(
        ["--per"],
        type=click.Choice(["tensor", "column"]),
        help="Quantise float weights with one scale, or one for each output channel.  [default: tensor]",
    ),
    click.Option(["--raw"], is_flag=True, help="Leave the scale of quantised weights off Y."),
    click.Option(["--layers"], type=Whole(1, 100_000), help=f"How many random layers.  [default: {LAYERS}]"),
    seed_option("Replay the random data"),
    output_option("Y.npy", "Where to write the results of your own layer."),
    _file("save-scale", "S.npy", "Where to write the scale that was chosen for your layer."),
    _file("save-shift", "T.npy", "Where to write the shift that was chosen for your layer."),
    _file(
        "streams",
        "FOLDER",
        "Where to write what went into the hardware and came out, as hexadecimal text for $readmemh.",
    ),
    click.Option(["--waves"], is_flag=True, help="Leave a wave file, NAME.vcd, in this folder."),
    force_option(),
    json_option(),
]


def run(
    config: EngineConfig,
    *,
    output: Path | None,
    save_scale: Path | None,
    save_shift: Path | None,
    streams: Path | None,
    waves: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Check an engine in simulation, bit for bit against the golden model.

    CONFIG is a preset's name or a TOML file.

    Alone, it runs random layers, every stream or bus channel waiting at random. With --weights and
    --activations it computes your layer, whose blocks of zeros take no cycle: a matrix product, or a
    convolution where W has four dimensions. Where results are requantised and there is no --scale and
    --shift, they are chosen so that no result saturates.

    A systolic core gets X rounded to the nearest word of its activation format, and so float weights. For
    integer weights, integers in W are used as they are (INT8: -127 to 127), and floats are quantised, with
    the scale applied to Y.

    \b
    Examples:
      tileloom simulate engine-int8
      tileloom simulate engine-int8 --weights W.npy --layout KN --activations X.npy -o Y.npy --prune 0.5
      tileloom simulate engine-int8 --weights W.npy --layout OIHW --activations X.npy --pads 1 --stride 2
      tileloom simulate engine-int8-axi4 --weights W.npy --layout KN --activations X.npy --streams memory

    Exit status: 0 all results equal, 1 a difference or a missing tool, 2 wrong input.
    """
    given = {name: value for name, value in options.items() if value not in (None, False)}
    chosen = {"--save-scale": save_scale, "--save-shift": save_shift}
    for option, path in {"-o": output, **chosen, "--streams": streams}.items():
        if path is not None and "weights" not in given:
            raise UserError(f"{option}: is of your own layer; give --weights and --activations too")
    for option, path in chosen.items():
        if path is not None and "scale" in given:
            raise UserError(f"{option}: is for what is chosen for you; --scale and --shift say it")
        if path is not None and not config.requantise:
            raise UserError(f"{option}: is for results that are requantised, and this engine's are not")
    wave_file = Path(f"{design_name(config)}.vcd") if waves else None
    texts = {} if streams is None else {streams / name: name for name in file_names(config)}
    named = {f"--streams {name}": path for path, name in texts.items()}
    written = {"-o": output, **chosen, "--waves": wave_file, **named}
    if force and all(path is None for path in written.values()):
        raise UserError("--force: there is nothing to overwrite; it goes with -o, --streams or --waves")
    outputs = claim(
        written,
        inputs=[given.get(name) for name in INPUTS],
        force=force,
        make_folders=streams is not None,
    )
    if wave_file is None:
        result = simulate(config, **given)
    else:
        with outputs.writing(wave_file) as part:
            result = simulate(config, waves=part, **given)
    arrays = {output: result.values, save_scale: result.scale, save_shift: result.shift}
    found: dict[Path, Any] = {path: array for path, array in arrays.items() if path is not None}
    outputs.write(found | {path: result.files[name] for path, name in texts.items()})
    result.show(
        {"results": output, "scale": save_scale, "shift": save_shift, "streams": streams, "waves": wave_file},
        as_json=as_json,
    )
