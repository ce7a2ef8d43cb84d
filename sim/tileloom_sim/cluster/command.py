"""``tileloom simulate`` of a cluster: its fabric, or layers on its cores."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import Numbers, Whole, force_option, json_option, output_option, seed_option
from tileloom.cluster.config import ClusterConfig
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim

from .simulate import PROGRAMS, ROWS, Layers, simulate

OPTIONS = [
    click.Option(
        ["--programs"], type=Whole(1, 10**9), help=f"Random programs for all cores.  [default: {PROGRAMS}]"
    ),
    click.Option(
        ["--convolution"], type=Numbers(most=4096), help="Run convolutions of so many input channels."
    ),
    click.Option(
        ["--connected"], type=Numbers(most=1 << 16), help="Run fully connected layers of so many inputs."
    ),
    click.Option(["--rows"], type=Whole(1, 4096), help=f"Output channels of layers.  [default: {ROWS}]"),
    click.Option(
        ["--active"], type=Numbers(most=8), help="Cores that layers are run on.  [default: 1 and all]"
    ),
    click.Option(
        ["--int8"], is_flag=True, default=None, help="Layers by the C library, requantised to INT8."
    ),
    click.Option(["--jobs"], type=Whole(1, 256), help="Layers at a time.  [default: cores]"),
    click.Option(["--waves"], is_flag=True, help="Leave a wave file of the last layer, NAME.vcd, here."),
    seed_option("Replay programs and data"),
    output_option("FIGURES.json", "Where to write the figures, as --json prints them."),
    force_option(),
    json_option(),
]


def run(
    config: ClusterConfig,
    *,
    output: Path | None,
    waves: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Check a cluster in simulation: its fabric on random programs, or layers on its cores.

    CONFIG is a preset's name or a TOML file. Random programs run on all ports: accesses that conflict in few
    banks, L2 with waits, DMA transfers, events and barriers; every output is compared with the golden model
    in every cycle, and programs that do not end are a failure. With --convolution or --connected CV32E40P
    cores with xDecimate run layers with every kernel, weights by DMA, and every word is compared; they need
    pip install 'tileloom[xfu]'.

    \b
    Examples:
      tileloom simulate cluster-8
      tileloom simulate cluster-8 --programs 100000 --seed 1          about an hour
      tileloom simulate cluster-8 --set cores=3 --set banks=2
      tileloom simulate cluster-8 --convolution 64 --active 1,2,4,8   some minutes
      tileloom simulate cluster-8 --connected 1024 --rows 256 --int8

    Exit status: 0 all equal, 1 a difference or a missing tool, 2 wrong input.
    """
    given = {name: value for name, value in options.items() if value is not None}
    names = {field.name for field in dataclasses.fields(Layers)}
    of_layers = {name: given.pop(name) for name in names if name in given}
    if of_layers and not of_layers.keys() & {"convolution", "connected"}:
        raise UserError(f"--{min(of_layers)}: would change nothing here; it goes with a layer")
    if "jobs" in given and not of_layers:
        raise UserError("--jobs: would change nothing here; it goes with a layer")
    wave_file = Path(f"{design_name(config)}.vcd") if waves else None
    if force and output is None and not waves:
        raise UserError("--force: there is nothing to overwrite; it goes with -o or --waves")
    outputs = claim({"-o": output, "--waves": wave_file}, force=force)
    if of_layers:
        given["layers"] = Layers(**of_layers)
    if wave_file is None:
        result = simulate(config, **given)
    else:
        with outputs.writing(wave_file) as part:
            result = simulate(config, waves=part, **given)
    if output is not None:
        outputs.write({output: result.json})
    result.show({"figures": output, "waves": wave_file}, as_json=as_json)
