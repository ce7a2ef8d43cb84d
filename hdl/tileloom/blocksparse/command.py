"""The command ``tileloom engine``. Its subcommands come from the entry points ``tileloom.engine``."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from ..cli import Commands
from ..console import config_arguments, print_json, print_table, status
from ..generate import write_files
from .config import EngineConfig
from .generate import generate_engine
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
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder to write to; made if it is not there.  [default: this folder]",
)
@click.option("--name", help="Name of the top module and of the files.  [default: from the configuration]")
@click.option("--force", is_flag=True, help="Overwrite files of other content.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest instead of a table.")
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
    if name is not None and not name.isidentifier():
        raise click.UsageError(f"--name: {name!r} is not a Verilog identifier")
    with status(f"Generating {name or config.name}"):
        design = generate_engine(config, name)
    manifest = json.dumps(design.manifest, indent=2) + "\n"
    files = {output / f"{design.name}.v": design.verilog, output / f"{design.name}.json": manifest}
    write_files(files, force=force)
    if as_json:
        print_json(design.manifest)
        return
    rows = [(str(path), f"{len(text) / 1000:.0f} KB") for path, text in files.items()]
    rows.append(("modules", str(len(design.manifest["modules"]))))
    rows += [(key.replace("_", " "), str(value)) for key, value in design.manifest["timing"].items()]
    print_table(design.name, (), rows)
