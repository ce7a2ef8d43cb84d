"""What ``synth --check`` takes in several libraries: vectors, vectors per second, proofs, seconds in all.

Run: python benchmarks/netlist_check.py [DIR] [--design PRESET]...

DIR holds liberty files; those that begin alike up to the first underscore are one library. Without DIR the
generic library is used alone.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import click

from tileloom.api import load, synthesise
from tileloom.cli.console import print_table

DESIGNS = ("stream-8x8-int8", "sasp-4x4-int8", "engine-int8", "xfu-unit")
SEED = 7


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--design", "designs", multiple=True, default=DESIGNS, help="Preset; several are allowed.")
def main(folder: Path | None, designs: tuple[str, ...]) -> None:
    """Print what the checks of some designs take in each library."""
    libraries: dict[str, list[Path]] = defaultdict(list, generic=[])
    for path in sorted(folder.glob("*.lib*")) if folder else ():
        libraries[path.name.split("_")[0]].append(path)
    rows = []
    for name, files in libraries.items():
        for preset in designs:
            began = sum(os.times()[:4])
            figures = synthesise(load(preset), files=files, check=True, seed=SEED).figures
            seconds = sum(os.times()[:4]) - began
            check = figures["check"]
            told = "; ".join(
                f"{each['what']} {each['vectors']:,} at {each['vectors'] / each['seconds']:,.0f}/s"
                for each in check["sampled"]
            )
            proofs = check["proofs"]
            done = sum(each["proved"] for each in proofs)
            spent = sum(each["seconds"] for each in proofs)
            rows.append((name, preset, told, f"{done} of {len(proofs)}, {spent:.0f} s", f"{seconds:.0f}"))
    headings = ("library", "design", "vectors sampled, at so many a second", "proofs", "s of processor time")
    print_table("Checks of netlists", headings, rows)


if __name__ == "__main__":
    main()
