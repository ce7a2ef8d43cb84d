"""Generation: a configuration in, Verilog and its manifest out. Also the command ``tileloom generate``."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..cli.console import config_arguments, print_json, print_table, status
from ..export import export
from ..stream.ports import NamedPorts
from .array import systolic_array
from .config import Port, SystolicConfig, to_plain
from .timing import Timetable

ORIGINS = {
    "multiply": "multiplier",
    "align": "align",
    "normalise_coarse": "normalise",
    "normalise_fine": "normalise",
    "add": "adder",
    "round": "round",
    "processing_element": "processing element",
    "activation_skew": "skew",
    "psum_skew": "skew",
    "result_deskew": "skew",
    "full_adder": "multiplier",
    "loader": "weight loading",
    "encode_weight": "weight loading",
}
"""What part of the array an instance is, by its name; ``origin`` applies it to a module."""


@dataclass(frozen=True)
class Design:
    """Generated hardware: the name of its top module, its Verilog, and its manifest."""

    name: str
    verilog: str
    manifest: dict[str, Any]


def generate(config: SystolicConfig, name: str | None = None) -> Design:
    """Return the array that ``config`` describes, with ``name`` (by default ``config.name``) as top module.

    The same configuration and name give the same bytes.
    """
    name = name or config.name
    top = NamedPorts(systolic_array(config), axi4_stream_names=config.axi4_stream_names)
    netlist = export(top, name, top.signals)
    manifest = {
        "name": name,
        "config": to_plain(config),
        **top.description,
        "timing": timing(config),
        "modules": {module: origin(path) for module, path in netlist.origins.items()},
        "tools": {tool: importlib.metadata.version(tool) for tool in ("tileloom", "amaranth", "pyosys")},
    }
    return Design(name, netlist.verilog, manifest)


def timing(config: SystolicConfig) -> dict[str, int]:
    """Return the manifest's figures of an array: cycles, and transfers per tile and per vector."""
    timetable = Timetable(config)
    word_port = config.port is Port.WORD
    weight_words = -(-config.columns // config.weights_per_word) if word_port else 1
    return {
        "cycles_per_vector": config.step_interval,
        "latency_cycles": timetable.latency,
        "latency_cycles_per_multiply_stage": 1,
        "latency_cycles_per_add_stage": config.rows,
        "weights_released_after_cycles": timetable.weights_released + 1,
        "weight_transfers_per_tile": config.rows * weight_words,
        "activation_transfers_per_vector": config.rows if word_port else 1,
        "result_transfers_per_vector": config.columns if word_port else 1,
    }


def origin(path: tuple[str, ...]) -> str:
    """Return which part of the array the module at ``path`` belongs to."""
    parts = [ORIGINS[part] for part in path if part in ORIGINS]
    if "multiplier" in parts:
        return "multiplier"
    return parts[-1] if parts else "control"


def design_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that writes a design: ``output``, ``name``, ``force``, ``as_json``."""
    options = (
        click.option(
            "-o",
            "--output",
            type=click.Path(file_okay=False, path_type=Path),
            default=Path(),
            help="Folder to write to; made if it is not there.  [default: this folder]",
        ),
        click.option(
            "--name", help="Name of the top module and of the files.  [default: from the configuration]"
        ),
        click.option("--force", is_flag=True, help="Overwrite files of other content."),
        click.option("--json", "as_json", is_flag=True, help="Print the manifest instead of a table."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def check_name(name: str | None) -> None:
    """Raise click.UsageError where ``--name`` cannot be a module's name."""
    if name is not None and not name.isidentifier():
        raise click.UsageError(f"--name: {name!r} is not a Verilog identifier")


@click.command("generate", short_help="Write an array's Verilog and manifest.")
@config_arguments
@design_options
def generate_command(
    config: SystolicConfig, output: Path, name: str | None, force: bool, as_json: bool
) -> None:
    """Write the Verilog of an array, NAME.v, and its manifest, NAME.json.

    CONFIG is a preset's name or a TOML file.

    \b
    Examples:
      tileloom generate sasp-8x8-int8 -o build
      tileloom generate stream-8x8-fp32 --set rows=5 --set rounding=nearest-even
      tileloom generate my_array.toml -o build --name my_array
    """
    check_name(name)
    with status(f"Generating {name or config.name}"):
        design = generate(config, name)
    write_design(design, output, force=force, as_json=as_json)


def write_design(design: Design, output: Path, *, force: bool, as_json: bool) -> None:
    """Write a design's Verilog and manifest to the folder ``output``, and print what was written.

    With ``as_json`` the manifest is printed. Raises click.ClickException as ``write_files`` does.
    """
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


def write_files(files: dict[Path, str], *, force: bool) -> None:
    """Write all files or none; only with ``force`` over a file of other content.

    Raises click.ClickException that names the file.
    """
    for path, text in files.items():
        if path.exists() and not force and path.read_bytes() != text.encode():
            raise click.ClickException(f"{path}: there already, with other content; --force overwrites it")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(path.suffix + ".part")
            part.write_text(text, encoding="utf-8")
        for path in files:
            path.with_suffix(path.suffix + ".part").replace(path)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
