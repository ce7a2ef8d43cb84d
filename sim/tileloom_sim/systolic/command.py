"""``tileloom simulate`` of a systolic array: its random regression, or the user's own GEMM on it."""

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
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim
from tileloom.systolic.config import SystolicConfig

from ..build.cocotb_run import SIMULATORS
from ..layout import MATRIX
from .array_library import Arrangement
from .simulate import LARGEST, simulate


class Sizes(Numbers):
    """M, K and N of a product."""

    name = "M,K,N"

    def __init__(self) -> None:
        super().__init__(most=LARGEST)

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers, or fail with what is wrong."""
        numbers = super().convert(value, parameter, context)
        if len(numbers) != 3:
            self.fail(f"{value!r} is not M,K,N in whole numbers", parameter, context)
        return numbers


OPTIONS = [
    input_option("weights", "W.npy", "Weights of your own GEMM Y = X W."),
    click.Option(
        ["--layout"], type=click.Choice(MATRIX), help="Of W: KN is K x N, NK is N x K, as PyTorch has it."
    ),
    input_option("activations", "X.npy", "M x K activations of the GEMM."),
    output_option("Y.npy", "Where to write Y = X W, M x N, float32."),
    prune_option("W's tiles"),
    click.Option(
        ["--per"],
        type=click.Choice(["tensor", "column"]),
        help="Quantise float weights with one scale, or one for each column.  [default: tensor]",
    ),
    click.Option(["--raw"], is_flag=True, help="Leave the scale of quantised weights off Y."),
    seed_option("Replay the random data"),
    click.Option(
        ["--simulator"], type=click.Choice(SIMULATORS), help="Of a regression.  [default: verilator]"
    ),
    click.Option(
        ["--interrupts"],
        type=click.IntRange(0, 10**6),
        metavar="COUNT",
        help="Of an array with a host: random interrupts in mid-tile.  [default: 50]",
    ),
    click.Option(
        ["--gemm"],
        type=Sizes(),
        multiple=True,
        help="Of an array with a host: a product by its C library and by software; may be repeated.",
    ),
    click.Option(
        ["--arrangement"],
        type=click.Choice([each.value for each in Arrangement]),
        help="Of --gemm: X and Y tile after tile, or row-major.  [default: tiles]",
    ),
    click.Option(["--caches"], is_flag=True, help="Of --gemm: two levels of cache, not single-cycle memory."),
    click.Option(["--waves"], is_flag=True, help="Leave a wave file, NAME.vcd or NAME.fst, in this folder."),
    force_option(),
    json_option(),
]


def run(
    config: SystolicConfig, *, output: Path | None, waves: bool, force: bool, as_json: bool, **options: Any
) -> None:
    """Check a systolic array in simulation, word for word against the golden model.

    CONFIG is a preset's name or a TOML file.

    Alone, it runs random tiles with random stalls on every stream, and resets in mid-stream. With --weights
    and --activations it multiplies your matrices, of any size, tile by tile, leaving out tiles of zeros.

    X is rounded to the nearest word of the array's activation format, and so are float weights. For an array
    with integer weights, integers in W are used as they are (INT8: -127 to 127), and floats are quantised,
    with the scale applied to Y.

    An array with a host runs on the RTL of its core: streams of random tiles by programs, with and without
    random interrupts whose handler saves the array, uses it and restores it, and loops that tell what a word
    costs. With --gemm it runs products of these sizes, random data, by the array's C library and by software
    alone, and prints cycles, instructions and speed-ups.

    \b
    Examples:
      tileloom simulate sasp-8x8-int8
      tileloom simulate stream-8x8-fp32 --set rows=5 --seed 7 --waves
      tileloom simulate sasp-cv32e40p --gemm 32,64,64 --prune 0.25
      tileloom simulate stream-8x8-int8 --weights W.npy --layout KN --activations X.npy -o Y.npy --prune 0.5

    Exit status: 0 all words equal, 1 a difference or a missing tool, 2 wrong input.
    """
    given = {name: value for name, value in options.items() if value not in (None, False)}
    if output is not None and "weights" not in given:
        raise UserError("-o: is the result of your own data; give --weights and --activations too")
    wave_file = Path(f"{design_name(config)}.{_suffix(given)}") if waves else None
    if force and output is None and not waves:
        raise UserError("--force: there is nothing to overwrite; it goes with -o or --waves")
    outputs = claim(
        {"-o": output, "--waves": wave_file},
        inputs=[given.get("weights"), given.get("activations")],
        force=force,
    )
    if wave_file is None:
        result = simulate(config, **given)
    else:
        with outputs.writing(wave_file) as part:
            result = simulate(config, waves=part, **given)
    if output is not None and result.values is not None:
        outputs.write({output: result.values})
    result.show({"results": output, "waves": wave_file}, as_json=as_json)


def _suffix(given: dict[str, Any]) -> str:
    return "fst" if given.get("simulator") == "icarus" else "vcd"
