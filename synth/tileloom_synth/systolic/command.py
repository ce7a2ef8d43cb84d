"""``tileloom synth`` of a systolic array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import force_option, json_option, output_option
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom.systolic.config import SystolicConfig

from ..check.report import check_options
from ..options import library_options
from .synthesise import synthesise

OPTIONS = [
    *library_options(),
    click.Option(
        ["--flat"], is_flag=True, help="Flatten the hierarchy first: much slower, a little smaller."
    ),
    click.Option(
        ["--detail"], is_flag=True, help="Show the parts of the adder, which makes it a little larger."
    ),
    click.Option(["--module"], metavar="NAME", help="Only this module, such as processing_element."),
    *check_options(),
    output_option("REPORT.json", "Where to write the report, as --json prints it."),
    force_option(),
    json_option(),
]


def run(config: SystolicConfig, *, output: Path | None, force: bool, as_json: bool, **options: Any) -> None:
    """Synthesise a systolic array with Yosys and report its area by origin.

    CONFIG is a preset's name or a TOML file. Areas are those of the library's cells, without wires. A gate
    equivalent (GE) is the area of the library's smallest two-input NAND.

    --check simulates the netlist gate by gate against the golden model, an element and the whole array, and
    proves equal to the RTL what SAT can do in a minute.

    \b
    Examples:
      tileloom synth stream-8x8-int8
      tileloom synth sasp-16x16-fp32 --liberty nangate45.lib.gz
      tileloom synth stream-8x8-int8 --pdk sky130A --clock 10ns
      tileloom synth stream-8x8-fp32 --module processing_element --flat --clock 2ns
      tileloom synth stream-8x8-int8 --check

    Exit status: 0 done, 1 a check or a tool failed, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    outputs = claim({"-o": output}, inputs=options["files"], force=force)
    result = synthesise(config, **options)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"report": output}, as_json=as_json)
