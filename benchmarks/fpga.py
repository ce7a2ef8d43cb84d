"""What designs take of a board's FPGA, and the clock that nextpnr reaches, beside the targets.

Run: python benchmarks/fpga.py [--only NAME] [--json]
Place and route of the large ones takes a quarter of an hour and more; results are kept (tileloom cache).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

import tileloom
from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.families import load

DEEP = {"multiply_stages": 2, "add_stages": 5}


@dataclass(frozen=True)
class Case:
    """A preset with fields on a board, and the clock that it should reach, in MHz."""

    board: str
    preset: str
    fields: dict[str, Any]
    target_mhz: float | None = None


CASES = {
    "UP5K, 1 x 1 FP32 x INT8": Case("icebreaker", "stream-8x8-int8", {"rows": 1, "columns": 1, **DEEP}),
    "UP5K, 2 x 2 FP32 x INT8": Case("icebreaker", "stream-8x8-int8", {"rows": 2, "columns": 2, **DEEP}, 24),
    "UP5K, xfu-unit": Case("icebreaker", "xfu-unit", {}),
    "85F, xfu-unit": Case("ulx3s-85f", "xfu-unit", {}),
    "85F, 2 x 2 FP32 x INT8": Case("ulx3s-85f", "stream-8x8-int8", {"rows": 2, "columns": 2, **DEEP}, 80),
    "85F, 4 x 4 FP32 x INT8": Case("ulx3s-85f", "stream-8x8-int8", {"rows": 4, "columns": 4, **DEEP}, 80),
    "85F, engine-int8": Case("ulx3s-85f", "engine-int8", {"product_register": True}, 60),
    "85F, 8 x 8 FP32 x INT8": Case("ulx3s-85f", "stream-8x8-int8", {**DEEP, "add_stages": 3}, 50),
    "85F, sasp-4x4-int8": Case("ulx3s-85f", "sasp-4x4-int8", {}),
    "85F, sasp-4x4-fp32": Case("ulx3s-85f", "sasp-4x4-fp32", {}),
    "85F, sasp-8x8-int8": Case("ulx3s-85f", "sasp-8x8-int8", {}),
    "85F, stream-8x8-bf16-int8": Case("ulx3s-85f", "stream-8x8-bf16-int8", {}),
    "85F, stream-8x8-fp16": Case("ulx3s-85f", "stream-8x8-fp16", {}),
    "85F, stream-8x8-int8": Case("ulx3s-85f", "stream-8x8-int8", {}),
    "85F, engine-int8-axi4": Case("ulx3s-85f", "engine-int8-axi4", {}),
    "A7-35, 4 x 4 FP32 x INT8": Case("arty-a7-35", "stream-8x8-int8", {"rows": 4, "columns": 4, **DEEP}),
}


@click.command(cls=Told)
@click.option("--only", type=click.Choice(list(CASES)), multiple=True, help="This case; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(only: tuple[str, ...], as_json: bool) -> None:
    """Print what designs take of FPGAs and how fast they are there."""
    figures = []
    for name in only or CASES:
        case = CASES[name]
        clock = {"clock_ps": round(1e6 / case.target_mhz)} if case.target_mhz else {}
        with step(name):
            result = tileloom.synthesise(load(case.preset, **case.fields), fpga=case.board, **clock)
        figures.append({"case": name, "target_mhz": case.target_mhz, **result.figures})
    if as_json:
        print_json(figures)
        return
    headings = ("", "LUTs", "flip-flops", "DSP", "RAM", "MHz", "target")
    print_table("On FPGAs", headings, [_row(one) for one in figures])


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    used, timing = one["used"], one["timing"]
    reached = f"{timing['fmax_mhz']:.1f}" if timing else "" if one["fits"] else "does not fit"
    target = f"{one['target_mhz']:g}" if one["target_mhz"] else ""
    counts = (f"{used[resource]:,}" for resource in ("lut", "flip_flops", "dsp", "ram"))
    return (one["case"], *counts, reached, target)


if __name__ == "__main__":
    main()
