"""The command ``tileloom package``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tileloom.api import generate
from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.options import Strict, config_parameters, configured, force_option, json_option
from tileloom.files import claim

from .package import package


def _run(
    source: str,
    overrides: Sequence[str],
    folder: Path | None,
    name: str | None,
    results: Sequence[Path],
    force: bool,
    as_json: bool,
) -> None:
    """Write a design with all that a designer needs beside its Verilog.

    CONFIG is a preset's name or a TOML file. What `tileloom generate` writes comes with a datasheet
    (DATASHEET.md and .html), FuseSoC and IP-XACT descriptions, file list, constraints, an instantiation
    template, a test bench and signals for GTKWave. A worked example runs in simulation for it. Figures of
    area and power are those of NAME.synth.json and NAME.power.json in the folder, or of --results.

    \b
    Examples:
      tileloom package stream-8x8-int8
      tileloom package engine-int8-axi4 --set wrapper=axi4 -o build/engine
      tileloom package my_array.toml --name my_array --results area.json
    """
    config = configured(source, overrides)
    with step("Generating"):
        design = generate(config, name)
    place = Path(design.name) if folder is None else folder
    claim({"-o": place / "DATASHEET.md"}, inputs=results, force=force, same_content=True, make_folders=True)
    files = package(config, design, place, results)
    outputs = {f"-o, {path.relative_to(place)}": path for path in files}
    claim(outputs, inputs=results, force=force, same_content=True, make_folders=True).write(files)
    names = [str(path.relative_to(place)) for path in files]
    if as_json:
        print_json({"name": design.name, "folder": str(place), "files": names})
        return
    shown = [
        (str(path), f"{len(text) / 1000:.0f} KB") for path, text in files.items() if path.parent == place
    ]
    rest = len(files) - len(shown)
    print_table(design.name, (), [*shown, (f"{place}: further files", str(rest))])


package_command = Strict(
    "package",
    callback=_run,
    help=_run.__doc__,
    short_help="Write a design with datasheet, FuseSoC, IP-XACT, constraints.",
    params=[
        *config_parameters(),
        click.Option(
            ["-o", "--output", "folder"],
            type=click.Path(path_type=Path),
            help="Folder to write to; made if it is not there.  [default: the design's name]",
        ),
        click.Option(["--name"], help="Name of the top module and of the files, as of tileloom generate."),
        click.Option(
            ["--results"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            multiple=True,
            metavar="FILE",
            help="What --json of tileloom synth, power or verify --mutate printed; may be repeated.",
        ),
        force_option(),
        json_option(),
    ],
)
