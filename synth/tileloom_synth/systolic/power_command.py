"""``tileloom power`` of a systolic array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import (
    force_option,
    input_option,
    json_option,
    output_option,
    prune_option,
    seed_option,
)
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom.systolic.config import SystolicConfig
from tileloom_sim.layout import MATRIX

from ..options import constraint_options, library_options
from .power import power

OPTIONS = [
    *library_options(),
    *constraint_options(),
    input_option("weights", "W.npy", "Weights of your own GEMM Y = X W."),
    click.Option(
        ["--layout"], type=click.Choice(MATRIX), help="Of W: KN is K x N, NK is N x K, as PyTorch has it."
    ),
    input_option("activations", "X.npy", "M x K activations of the GEMM."),
    prune_option("W's tiles"),
    click.Option(
        ["--per"],
        type=click.Choice(["tensor", "column"]),
        help="Quantise float weights with one scale, or one for each column.  [default: tensor]",
    ),
    seed_option("Replay what is drawn"),
    output_option("REPORT.json", "Where to write the report, as --json prints it."),
    force_option(),
    json_option(),
]


def run(config: SystolicConfig, *, output: Path | None, force: bool, as_json: bool, **options: Any) -> None:
    """Measure a systolic array's energy on its netlist: per cycle, MAC, tile and GEMM, by origin.

    CONFIG is a preset's name or a TOML file. The array is mapped for --clock; elements, drawn at random, and
    the array's edges are simulated gate by gate, on normally distributed data or on your own GEMM, and each
    toggle costs what the liberty file says. Tiles of zeros are left out. Without wires and clock tree.

    Two bounds are printed: zero delay has no glitches, unit delay has more than there are.

    \b
    Examples:
      tileloom power stream-8x8-int8 --liberty nangate45.lib.gz --clock 2ns
      tileloom power sasp-8x8-int8 --pdk sky130A --clock 10ns --prune 0.5
      tileloom power stream-8x8-fp32 --liberty nangate45.lib.gz --clock 2ns \\
          --weights W.npy --layout KN --activations X.npy

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    inputs = [*options["files"], options["weights"], options["activations"]]
    outputs = claim({"-o": output}, inputs=inputs, force=force)
    result = power(config, **options)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"report": output}, as_json=as_json)
