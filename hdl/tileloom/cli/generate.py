"""The command ``tileloom generate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..api import generate
from ..files import claim
from .console import print_json, print_table, step
from .options import Strict, config_parameters, configured, force_option, json_option


def _run(
    source: str,
    overrides: Sequence[str],
    folder: Path,
    name: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write a design's Verilog, NAME.v, and its manifest, NAME.json.

    CONFIG is a preset's name or a TOML file. A core with a unit in it (xfu-cv32e40p) comes with the core's
    sources and their list; registers (wrapper=axi4) come with a C header, NAME.h, IP-XACT, NAME.xml, and
    pages, NAME_html/index.html, and a driver in C, NAME_driver.c with what it needs. A file of the same
    content is left alone, one of other content is not overwritten without --force.

    \b
    Examples:
      tileloom generate sasp-8x8-int8 -o build
      tileloom generate stream-8x8-fp32 --set rows=5 --set rounding=nearest-even
      tileloom generate my_array.toml -o build --name my_array
      tileloom generate engine-int8-axi4 --set bus=64 --set m=8
      tileloom generate engine-int8-axi4 --set wrapper=axi4 -o engine
      tileloom generate xfu-cv32e40p -o core
    """
    config = configured(source, overrides)
    with step("Generating"):
        design = generate(config, name)
        files = design.files(folder)
        outputs = {f"-o, {path.name}": path for path in files}
        claim(outputs, force=force, same_content=True, make_folders=True).write(files)
    if as_json:
        print_json(design.manifest)
        return
    rows = [(str(path), f"{len(text) / 1000:.0f} KB") for path, text in files.items()]
    if len(rows) > 4:
        ours = [f"{design.name}.{kind}" for kind in ("v", "json", "h", "xml")]
        rows = [row for row, path in zip(rows, files, strict=True) if path.name in ours]
        rows.append((f"{folder}: further files", str(len(files) - len(rows))))
    rows.append(("modules", str(len(design.manifest["modules"]))))
    rows += [(key.replace("_", " "), str(value)) for key, value in design.manifest["timing"].items()]
    print_table(design.name, (), rows)


generate_command = Strict(
    "generate",
    callback=_run,
    help=_run.__doc__,
    short_help="Write Verilog and a manifest.",
    params=[
        *config_parameters(),
        click.Option(
            ["-o", "--output", "folder"],
            type=click.Path(path_type=Path),
            default=Path(),
            help="Folder to write to; made if it is not there.  [default: this folder]",
        ),
        click.Option(
            ["--name"],
            help="Name of the top module and of the files.  [default: the preset's; else what tells the "
            "configuration from others]",
        ),
        force_option(),
        json_option(),
    ],
)
