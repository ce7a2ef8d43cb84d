"""``tileloom power`` of an xDecimate unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tileloom.cli.options import force_option, json_option, output_option, seed_option
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom.xfu.config import XfuConfig

from ..options import constraint_options, library_options
from .power import power

OPTIONS = [
    *library_options(),
    *constraint_options(),
    seed_option("Replay the instructions"),
    output_option("REPORT.json", "Where to write the report, as --json prints it."),
    force_option(),
    json_option(),
]


def run(config: XfuConfig, *, output: Path | None, force: bool, as_json: bool, **options: Any) -> None:
    """Measure the energy of an xDecimate unit on its netlist, by origin and per instruction.

    CONFIG is a preset's name or a TOML file. The unit is mapped for --clock and simulated gate by gate with
    random instructions, each result held to the golden model; each toggle costs what the liberty file says.
    Of xfu-cv-x-if the unit inside is measured. Without wires and clock tree.

    \b
    Examples:
      tileloom power xfu-unit --liberty nangate45.lib.gz --clock 5ns

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    outputs = claim({"-o": output}, inputs=options["files"], force=force)
    result = power(config, **options)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"report": output}, as_json=as_json)
