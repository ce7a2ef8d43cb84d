"""``tileloom simulate`` of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import Whole, force_option, json_option, output_option, seed_option
from tileloom.cluster.config import ClusterConfig
from tileloom.errors import UserError
from tileloom.files import claim

from .simulate import PROGRAMS, simulate

OPTIONS = [
    click.Option(
        ["--programs"], type=Whole(1, 10**9), help=f"Random programs for all cores.  [default: {PROGRAMS}]"
    ),
    seed_option("Replay the random programs"),
    output_option("FIGURES.json", "Where to write the figures, as --json prints them."),
    force_option(),
    json_option(),
]


def run(
    config: ClusterConfig,
    *,
    output: Path | None,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Check a cluster's fabric in simulation, every output in every cycle against the golden model.

    CONFIG is a preset's name or a TOML file. Random programs run on all cores: accesses that conflict in few
    banks, L2 with waits, DMA transfers, events and barriers. Programs that do not end are a failure.

    \b
    Examples:
      tileloom simulate cluster-8
      tileloom simulate cluster-8 --programs 100000 --seed 1     every bank, two thirds of an hour
      tileloom simulate cluster-8 --set cores=3 --set banks=2

    Exit status: 0 all outputs equal, 1 a difference or a missing tool, 2 wrong input.
    """
    if force and output is None:
        raise UserError("--force: there is nothing to overwrite; it goes with -o")
    outputs = claim({"-o": output}, force=force)
    result = simulate(config, **{name: value for name, value in options.items() if value is not None})
    if output is not None:
        outputs.write({output: result.json})
    result.show({"figures": output}, as_json=as_json)
