"""The command ``tileloom engine synth``: area of a block-sparse engine by part, without its memories."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tileloom import yosys
from tileloom.cli.console import print_json
from tileloom.engine.command import engine_arguments
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate_engine

from ..command import choose_library, library_options
from ..library.standard_cells import Library
from ..progress import progress
from ..report import Report
from ..synthesis import synthesise
from ..tables import print_report
from ..techmap.memories import without
from ..timing import TimingError


def synthesise_engine(config: EngineConfig, cells: Library, clock_ps: float | None = None) -> Report:
    """Return the report of an engine whose A buffer and accumulators are macros, which have no area here.

    Raises ``yosys.YosysError`` where Yosys or ABC fails, ``timing.TimingError`` where OpenSTA does.
    """
    design = generate_engine(config)
    modules = design.manifest["modules"]
    memories = [name for name, part in modules.items() if part == "memory"]
    with progress(f"Synthesising {design.name} to {cells.name}") as on_line:
        return synthesise(
            without(design.verilog, memories),
            design.name,
            cells,
            clock_ps=clock_ps,
            clock=design.manifest["clock"],
            origins=modules,
            macs=config.m * config.k * config.n,
            on_line=on_line,
        )


def memory_bits(config: EngineConfig) -> dict[str, int]:
    """Return the bits of the memories that are left out."""
    bits = {
        "A buffer": 2 * config.m * config.a_words * config.k * config.element_bits,
        "accumulators": 2 * config.acc_tiles * config.m * config.n * config.sum_bits,
    }
    if config.activation_mask:
        bits["mask of A"] = 2 * config.a_words * config.acc_tiles
    return bits


@click.command("synth", short_help="Synthesise an engine and report its area.")
@engine_arguments
@library_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def synth_command(
    config: EngineConfig, files: Sequence[Path], kit: str | None, clock: float | None, as_json: bool
) -> None:
    """Synthesise an engine with Yosys and report its area by part.

    CONFIG is a preset's name or a TOML file. The memories of the A buffer and of the accumulators are taken
    to be macros: they are left out, and their bits are told. Areas are those of the library's cells, without
    wires.

    \b
    Examples:
      tileloom engine synth engine-int8
      tileloom engine synth engine-int8 --liberty nangate45.lib.gz --clock 2ns
    """
    cells = choose_library(files, kit)
    try:
        result = synthesise_engine(config, cells, clock)
    except (yosys.YosysError, TimingError) as error:
        raise click.ClickException(str(error)) from None
    bits = memory_bits(config)
    if as_json:
        figures: dict[str, Any] = {**result.to_json(), "memory_bits": bits}
        print_json(figures)
        return
    print_report(result)
    click.echo("left out: " + ", ".join(f"{part} {count:,} bits" for part, count in bits.items()))
