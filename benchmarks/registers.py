"""What registers add to the area of an array: 8 x 8, FP32 x INT8, between AXI4-Streams.

Run: python benchmarks/registers.py [LIBERTY] [--json]
Without a liberty file (figures are quoted for nangate45_typ.lib.gz) the generic library stands in. Takes some
minutes.
Target: registers, and all that belongs to them, below 3 % of the array without.
"""

from __future__ import annotations

from pathlib import Path

import click

from tileloom.cli.console import print_json, print_table
from tileloom.cli.main import Told
from tileloom.families import load
from tileloom_synth.systolic.synthesise import synthesise

PRESET = "stream-8x8-int8"
TARGET_PERCENT = 3.0


@click.command(cls=Told)
@click.argument("liberty", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(liberty: Path | None, as_json: bool) -> None:
    """Print the area of an array without and with registers, in the cells of the file LIBERTY."""
    files = [liberty] if liberty else []
    without, behind = (
        synthesise(load(PRESET, **fields), files=files).figures for fields in ({}, {"wrapper": "axi4"})
    )
    added = behind["area"] - without["area"]
    figures = {
        "library": behind["library"],
        "unit": behind["unit"],
        "without": without["area"],
        "with_registers": behind["area"],
        "register_block": behind["origins"]["registers"]["area"],
        "added_percent": round(100 * added / without["area"], 2),
        "target_percent": TARGET_PERCENT,
    }
    if as_json:
        print_json(figures)
        return
    met = "met" if figures["added_percent"] < TARGET_PERCENT else "NOT met"
    rows = [
        ("array without registers", f"{figures['without']:,.0f} {figures['unit']}"),
        ("with registers", f"{figures['with_registers']:,.0f} {figures['unit']}"),
        ("of these the register block", f"{figures['register_block']:,.0f} {figures['unit']}"),
        (f"added, target < {TARGET_PERCENT:g} %", f"{figures['added_percent']:.2f} %, {met}"),
    ]
    print_table(f"{PRESET} in {figures['library']}", ("", ""), rows)


if __name__ == "__main__":
    main()
