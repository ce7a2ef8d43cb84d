"""What designs take of a board's FPGA, and the clock that nextpnr reaches, beside the targets.

Run: python benchmarks/fpga.py --keep docs/boards.json [--kind KIND] [--only TEXT] [--unrouted]
     python benchmarks/fpga.py --report docs/boards.json
Place and route of the large ones takes a quarter of an hour and more: each figure is kept as soon as it is
there, and what is kept is not measured again. docs/boards.md has what --report prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tileloom import scratch
from tileloom.cli.console import step
from tileloom.cli.main import Told
from tileloom.design import Design
from tileloom.families import family_of, load, presets
from tileloom_synth.board.build import build
from tileloom_synth.board.project import project
from tileloom_synth.fpga.boards import BOARDS
from tileloom_synth.fpga.families import Family
from tileloom_synth.fpga.figures import read_figures, report
from tileloom_synth.fpga.mapping import count_by_modules
from tileloom_synth.fpga.synthesise import synthesise

KINDS = ("counts", "designs", "builds")
DEEP = {"multiply_stages": 2, "add_stages": 5}
INT8 = "stream-8x8-int8"


@dataclass(frozen=True)
class Case:
    """A preset with fields on a board, and the clock that it should reach, in MHz."""

    board: str
    preset: str
    fields: dict[str, Any]
    target_mhz: float | None = None


def _array(board: str, rows: int, columns: int, target_mhz: float | None = None) -> tuple[str, Case]:
    """Return an array of FP32 x INT8 with the stages that suit an FPGA."""
    fields = {"rows": rows, "columns": columns, **DEEP}
    return f"{board} {rows} x {columns} FP32 x INT8", Case(board, INT8, fields, target_mhz)


DESIGNS = {
    **dict(
        _array(*array)
        for array in (
            ("icebreaker", 1, 1),
            ("icebreaker", 2, 2, 24),
            ("icebreaker", 2, 3),
            ("icebreaker", 2, 4),
            ("ulx3s-85f", 1, 1),
            ("ulx3s-85f", 2, 2, 80),
            ("ulx3s-85f", 4, 4, 80),
            ("ulx3s-85f", 10, 10),
            ("ulx3s-85f", 11, 11),
            ("orangecrab", 3, 4),
            ("orangecrab", 4, 4),
            ("orangecrab", 5, 6),
            ("orangecrab", 6, 6),
            ("arty-a7-35", 4, 4),
        )
    ),
    "ulx3s-85f 8 x 8 FP32 x INT8, add_stages 3": Case("ulx3s-85f", INT8, {**DEEP, "add_stages": 3}, 50),
    "ulx3s-85f engine-int8, product_register": Case(
        "ulx3s-85f", "engine-int8", {"product_register": True}, 60
    ),
    "icebreaker xfu-unit": Case("icebreaker", "xfu-unit", {}),
    "ulx3s-85f xfu-unit": Case("ulx3s-85f", "xfu-unit", {}),
    "orangecrab xfu-unit": Case("orangecrab", "xfu-unit", {}),
    **{
        f"ulx3s-85f {preset}": Case("ulx3s-85f", preset, {})
        for preset in ("sasp-4x4-int8", "sasp-4x4-fp32", "sasp-8x8-int8", "engine-int8-axi4", INT8)
    },
}

BUILDS = {
    "icebreaker 2 x 2, single-buffered": Case(
        "icebreaker", INT8, {"rows": 2, "columns": 2, "double_buffer": "false", **DEEP}, 24
    ),
    "ulx3s-85f 4 x 4": Case("ulx3s-85f", INT8, {"rows": 4, "columns": 4, **DEEP}, 80),
    "orangecrab 3 x 4": Case("orangecrab", INT8, {"rows": 3, "columns": 4, **DEEP}, 64),
}


def _is_whole(kept: Mapping[str, Any] | None, unrouted: bool) -> bool:
    """Return whether a figure is kept, and routed too where it can be and is wanted."""
    if kept is None or unrouted or "timing" not in kept:
        return kept is not None
    routable = kept["fits"] and BOARDS[kept["board"]].family.nextpnr is not None
    return kept["timing"] is not None or not routable


def _count(preset: str, family: Family) -> dict[str, int] | None:
    """Return what a preset takes of a family's FPGAs, or None of one that is part of a core."""
    config = load(preset)
    design: Design = family_of(config).room("tileloom", "design").generate(config)
    return None if design.file_list else count_by_modules(design, family)


def _measure(case: Case, *, routed: bool) -> dict[str, Any]:
    clock_ps = round(1e6 / case.target_mhz) if case.target_mhz else None
    config = load(case.preset, **case.fields)
    figures = synthesise(config, fpga=case.board, clock_ps=clock_ps, routed=routed).figures
    told = {name: value for name, value in figures.items() if name != "cells"}
    if told["timing"]:
        told["timing"] = {name: value for name, value in told["timing"].items() if name != "path"}
    return {"target_mhz": case.target_mhz, **told}


def _build(case: Case, show: Callable[[str], None]) -> dict[str, Any]:
    made = project(case.board, load(case.preset, **case.fields), case.target_mhz)
    with scratch.folder() as folder:
        for name, content in made.files.items():
            text = content.encode() if isinstance(content, str) else content
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text)
        built = build(made, folder, show)
    return {
        "clock_hz": made.board.clock_hz,
        "fmax_mhz": built.fmax_mhz,
        "cells": {what: {"used": used, "available": of} for what, (used, of) in built.cells.items()},
        "seconds": built.seconds,
        "processor_seconds": built.processor_seconds,
    }


@click.command(cls=Told)
@click.option(
    "--keep", type=click.Path(path_type=Path), help="Measure what this file lacks, and keep it there."
)
@click.option("--only", default="", help="Cases whose name has this in it.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Those alone; repeatable.")
@click.option("--unrouted", is_flag=True, help="Designs are mapped alone, and nothing is built.")
@click.option("--report", "reported", type=click.Path(path_type=Path, exists=True), help="Print its tables.")
def main(keep: Path | None, only: str, kinds: tuple[str, ...], unrouted: bool, reported: Path | None) -> None:
    """Measure what designs take of FPGAs and how fast they are there, or print what was measured."""
    if (keep is None) == (reported is None):
        raise click.UsageError("give one of --keep FILE and --report FILE")
    if reported is not None:
        click.echo(report(read_figures(reported)))
        return
    assert keep is not None

    def fill(kind: str, name: str, measure: Callable[[Callable[[str], None]], Any]) -> None:
        if (
            kind not in (kinds or KINDS)
            or only not in name
            or _is_whole(getattr(read_figures(keep), kind).get(name), unrouted)
        ):
            return
        with step(name) as shown:
            found = measure(shown.show)
        if found is not None:
            figures = read_figures(keep)  # another run may have kept something since
            getattr(figures, kind)[name] = found
            figures.write(keep)

    for family in {board.family.name: board.family for board in BOARDS.values()}.values():
        for preset in presets():
            name = f"{family.name} {preset}"
            fill("counts", name, lambda _, preset=preset, family=family: _count(preset, family))  # type: ignore[misc]
    for name, case in DESIGNS.items():
        fill("designs", name, lambda _, case=case: _measure(case, routed=not unrouted))  # type: ignore[misc]
    if not unrouted:
        for name, case in BUILDS.items():
            fill("builds", name, lambda show, case=case: _build(case, show))  # type: ignore[misc]


if __name__ == "__main__":
    main()
