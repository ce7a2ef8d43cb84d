"""The command ``tileloom engine``. Its subcommands come from the entry points ``tileloom.engine``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from ..cli.console import config_arguments, status
from ..cli.main import Commands
from ..systolic.design import check_name, design_options, write_design
from .config import EngineConfig
from .design import generate_engine
from .presets import PRESETS, load

engine_arguments = partial(config_arguments, load=load, presets=PRESETS)
"""As ``console.config_arguments``, for the configuration of an engine."""


@click.group(
    "engine",
    cls=Commands,
    entry_points="tileloom.engine",
    short_help="The block-sparse tile engine: generate, simulate, synthesise.",
)
def engine_command() -> None:
    """Generate, simulate and synthesise the block-sparse tile engine.

    \b
    Examples:
      tileloom engine generate engine-int8 -o build
      tileloom engine simulate engine-int8 --weights W.npy --activations X.npy
      tileloom engine synth engine-int8
    """


@click.command("generate", short_help="Write an engine's Verilog and manifest.")
@engine_arguments
@design_options
def generate_command(
    config: EngineConfig, output: Path, name: str | None, force: bool, as_json: bool
) -> None:
    """Write the Verilog of an engine, NAME.v, and its manifest, NAME.json.

    CONFIG is a preset's name or a TOML file.

    \b
    Examples:
      tileloom engine generate engine-int8 -o build
      tileloom engine generate engine-int8-axi4 --set bus=64 --set m=8
    """
    check_name(name)
    with status(f"Generating {name or config.name}"):
        design = generate_engine(config, name)
    write_design(design, output, force=force, as_json=as_json)
