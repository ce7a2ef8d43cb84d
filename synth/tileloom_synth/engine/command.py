"""``tileloom synth`` of a block-sparse tile engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tileloom.cli.options import force_option, json_option, output_option
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.files import claim

from ..check.report import check_options
from ..options import library_options
from .synthesise import synthesise

OPTIONS = [
    *library_options(),
    *check_options(),
    output_option("REPORT.json", "Where to write the report, as --json prints it."),
    force_option(),
    json_option(),
]


def run(config: EngineConfig, *, output: Path | None, force: bool, as_json: bool, **options: Any) -> None:
    """Synthesise an engine with Yosys and report its area by part.

    CONFIG is a preset's name or a TOML file. The memories of the A buffer and of the accumulators are taken
    to be macros: they are left out, and their bits are told. Areas are those of the library's cells, without
    wires.

    --check simulates the compute core's netlist gate by gate against the golden model, and proves control
    equal to the RTL; the rest, the drain above all, is not checked.

    \b
    Examples:
      tileloom synth engine-int8
      tileloom synth engine-int8 --liberty nangate45.lib.gz --clock 2ns
      tileloom synth engine-int8 --check

    Exit status: 0 done, 1 a check or a tool failed, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    outputs = claim({"-o": output}, inputs=options["files"], force=force)
    result = synthesise(config, **options)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"report": output}, as_json=as_json)
