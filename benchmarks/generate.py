"""How long generation takes and how large the Verilog is, by size of the array.

Run: python benchmarks/generate.py [--json]
Targets: 32 x 32 in 5 s and 500 KB at most; 64 x 64 in 20 s at most; as many modules at every size.
"""

from __future__ import annotations

import time

import click

from tileloom.cli.console import print_json, print_table
from tileloom.cli.main import Told
from tileloom.families import load
from tileloom.systolic.design import generate

SIZES = (4, 8, 16, 32, 64)
TARGETS = {32: {"seconds": 5.0, "kilobytes": 500.0}, 64: {"seconds": 20.0}}


@click.command(cls=Told)
@click.option("--preset", default="stream-8x8-int8", show_default=True, help="What is resized.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(preset: str, as_json: bool) -> None:
    """Print seconds, kilobytes and modules for arrays of 4 x 4 to 64 x 64."""
    figures = []
    for size in SIZES:
        config = load(preset, rows=size, columns=size)
        start = time.perf_counter()
        design = generate(config)
        seconds = time.perf_counter() - start
        figure = {
            "size": size,
            "seconds": round(seconds, 2),
            "kilobytes": round(len(design.verilog) / 1000, 1),
            "modules": len(design.manifest["modules"]),
        }
        targets = TARGETS.get(size, {})
        figure["met"] = all(figure[name] <= limit for name, limit in targets.items()) if targets else None
        figures.append(figure)
    if as_json:
        print_json(figures)
        return
    rows = [
        (
            f"{figure['size']} x {figure['size']}",
            str(figure["seconds"]),
            str(figure["kilobytes"]),
            str(figure["modules"]),
            ", ".join(f"{name} <= {limit:g}" for name, limit in TARGETS.get(figure["size"], {}).items()),
            {True: "met", False: "not met", None: ""}[figure["met"]],
        )
        for figure in figures
    ]
    print_table(f"Generation of {preset}", ("size", "seconds", "KB", "modules", "target", ""), rows)


if __name__ == "__main__":
    main()
