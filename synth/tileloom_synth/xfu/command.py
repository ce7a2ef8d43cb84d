"""``tileloom synth`` of an xDecimate unit, and of the core that it sits in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import force_option, json_option, output_option
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom.xfu.config import XfuConfig

from ..check.report import check_options
from ..options import library_options
from .synthesise import synthesise

OPTIONS: list[click.Parameter] = [
    *library_options(),
    click.Option(
        ["--flat"], is_flag=True, help="Flatten the hierarchy first: much slower, a little smaller."
    ),
    *check_options(),
    output_option("REPORT.json", "Where to write the report, as --json prints it."),
    force_option(),
    json_option(),
]


def run(config: XfuConfig, *, output: Path | None, force: bool, as_json: bool, **options: Any) -> None:
    """Synthesise an xDecimate unit with Yosys, and what it adds to its core.

    CONFIG is a preset's name or a TOML file. xfu-cv32e40p: the core with and without the unit, and the share
    that it adds. xfu-cv-x-if: the coprocessor alone, and what it adds to CV32E40X. xfu-unit: the unit alone.
    The cores come with pip install 'tileloom[xfu]'.

    --check simulates the unit's netlist gate by gate against golden harts, and proves it equal to the RTL.

    \b
    Examples:
      tileloom synth xfu-unit
      tileloom synth xfu-cv32e40p --liberty nangate45.lib.gz
      tileloom synth xfu-cv-x-if --set group_sizes=8
      tileloom synth xfu-unit --check

    Exit status: 0 done, 1 a check or a tool failed, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    outputs = claim({"-o": output}, inputs=options["files"], force=force)
    result = synthesise(config, **options)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"report": output}, as_json=as_json)
