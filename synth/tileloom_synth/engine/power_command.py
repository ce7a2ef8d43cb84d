"""``tileloom power`` of a block-sparse tile engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tileloom.cli.options import force_option, json_option, output_option, seed_option
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.files import claim

from ..options import constraint_options, library_options
from ..power.memory import memory_option
from .power import power

OPTIONS = [
    *library_options(),
    *constraint_options(),
    memory_option(),
    seed_option("Replay the data"),
    output_option("REPORT.json", "Where to write the report, as --json prints it."),
    force_option(),
    json_option(),
]


def run(config: EngineConfig, *, output: Path | None, force: bool, as_json: bool, **options: Any) -> None:
    """Measure the energy of an engine's compute core on its netlist, and of the memories that it uses.

    CONFIG is a preset's name or a TOML file. The core is mapped for --clock and simulated gate by gate with a
    tile of random activations in every cycle; each toggle costs what the liberty file says. Reads of the A
    buffer and reads and writes of the accumulators cost --memory-energy. Without wires and clock tree.

    \b
    Examples:
      tileloom power engine-int8 --liberty nangate45.lib.gz --clock 2ns
      tileloom power engine-int8 --liberty nangate45.lib.gz --clock 2ns --memory-energy 90

    Exit status: 0 done, 1 a tool failed, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    outputs = claim({"-o": output}, inputs=options["files"], force=force)
    result = power(config, **options)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"report": output}, as_json=as_json)
