"""Grids of engines beside one: ResNet-50's 3 x 3 layers, by estimate and in RTL; size and time of Verilog.

Run: python benchmarks/grid.py [--grid RxC] [--tile-words N] [--sparsity SHARE] [--axi4] [--rtl] [--generate]
Targets: 2 x 2 at least 3.9 times one engine on these layers; RTL within 3 % of the estimate; Verilog and the
time that it takes grow with distinct modules only.
"""

from __future__ import annotations

import time
from typing import Any

import click
import numpy as np

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.cli.options import Sides
from tileloom.config import SETTLED
from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.engine.design import generate
from tileloom_explore.compiler.abstraction import LARGEST_SIDE
from tileloom_explore.paper.grid import crop
from tileloom_explore.paper.networks import NETWORKS
from tileloom_golden.engine.cut import compile_layer
from tileloom_golden.engine.grid import compile_grid
from tileloom_golden.engine.program import Layer
from tileloom_golden.estimate.axi.bus import Bus
from tileloom_golden.estimate.engine import estimate
from tileloom_golden.estimate.grid import estimate_grid
from tileloom_sim.engine.job import Job, make_job
from tileloom_sim.engine.run import run_jobs

IN_RTL = ("conv3_2.2", (0, 8))
"""The layer that runs in RTL, and its output rows."""

GRIDS = ((1, 1), (1, 2), (2, 2), (2, 4), (4, 4), (8, 8))
"""That are generated."""


def layers() -> dict[str, Layer]:
    """Return ResNet-50's 3 x 3 layers by their names."""
    return {name: layer for name, layer in NETWORKS["ResNet-50"]() if layer.kernel == (3, 3)}


def estimated(config: EngineConfig, sparsity: float) -> list[dict[str, Any]]:
    """Return the cycles of every layer on one engine and on a grid of them, and of all together.

    The memory of AXI4 masters answers at once.
    """
    axi4 = config.port is EnginePort.AXI4
    bus = Bus() if axi4 else None
    sides = {"rows": config.grid[0], "columns": config.grid[1], "tile_words": config.grid_tile_words or 0}
    rng = np.random.default_rng(1)
    found = []
    for name, layer in layers().items():
        shape = (-(-layer.channels // 8), -(-layer.outputs // 8))
        count = shape[0] * shape[1]
        mask = rng.permutation(np.arange(count) >= round(sparsity * count)).reshape(shape)
        one = estimate(compile_layer(layer), mask, bus=bus).cycles
        program = compile_grid(layer, **sides, density=1 - sparsity, axi4=axi4, kept=mask)
        found.append(_figure(name, one, estimate_grid(program, mask, bus=bus).cycles))
    found.append(_figure("all", *(sum(each[key] for each in found) for key in ("engine", "grid"))))
    return found


def _figure(name: str, engine: int, grid: int) -> dict[str, Any]:
    return {"layer": name, "engine": engine, "grid": grid, "ratio": round(engine / grid, 3)}


def in_rtl(grid: EngineConfig, sparsity: float) -> list[dict[str, Any]]:
    """Return the cycles of a layer in RTL, bit for bit, beside the estimate."""
    name, rows = IN_RTL
    layer = crop(layers()[name], rows)
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (layer.height, layer.width, layer.channels), np.int8)
    w = rng.integers(-128, 128, (layer.outputs, *layer.kernel, layer.channels), np.int8)
    found: dict[str, list[int]] = {"RTL": [], "estimate": []}
    for config in (grid.engine, grid):
        job: Job = make_job(config, ("X", x), ("W", w), "OHWI", pads=layer.pads, prune=sparsity)
        found["RTL"].append(run_jobs(generate(config), [job])[0].cycles)
        found["estimate"].append(job.estimate().cycles)
    return [_figure(f"{name}, {rows[1]} rows: {kind}", *cycles) for kind, cycles in found.items()]


def generated() -> list[dict[str, Any]]:
    """Return how much Verilog grids have, and how long it takes in processor time."""
    found = []
    for rows, columns in GRIDS:
        begin = time.process_time()
        design = generate(EngineConfig(grid_rows=rows, grid_columns=columns))
        seconds = time.process_time() - begin
        found.append(
            {
                "grid": f"{rows} x {columns}",
                "modules": len(design.manifest["modules"]),
                "bytes": len(design.verilog),
                "seconds": round(seconds, 1),
            }
        )
    return found


@click.command(cls=Told, help=__doc__)
@click.option(
    "--grid",
    type=Sides(LARGEST_SIDE),
    default="2x2",
    show_default=True,
    metavar="RxC",
    help="Rows and columns of engines.",
)
@click.option("--sparsity", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Of blocks.")
@click.option("--tile-words", type=click.IntRange(0, 1 << 16), default=0, help="Of half a memory tile.")
@click.option("--axi4", is_flag=True, help="Engine and grid as AXI4 masters.")
@click.option("--rtl", is_flag=True, help="Run a layer in RTL too.")
@click.option("--generate", "verilog", is_flag=True, help="Generate grids too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    grid: tuple[int, int],
    sparsity: float,
    tile_words: int,
    axi4: bool,
    rtl: bool,
    verilog: bool,
    as_json: bool,
) -> None:
    """Print the figures."""
    config = EngineConfig(
        port=EnginePort.AXI4 if axi4 else EnginePort.STREAM,
        grid_rows=grid[0],
        grid_columns=grid[1],
        grid_tile_words=tile_words or SETTLED,
    )
    with step("Estimating layers"):
        cycles = estimated(config, sparsity)
    if rtl:
        cycles += in_rtl(config, sparsity)
    sizes: list[dict[str, Any]] = []
    if verilog:
        with step("Generating grids"):
            sizes = generated()
    if as_json:
        print_json({"cycles": cycles, "verilog": sizes})
        return
    head = ("layer", "one engine", f"{grid[0]} x {grid[1]}", "times")
    rows = [(one["layer"], f"{one['engine']:,}", f"{one['grid']:,}", f"{one['ratio']:.3f}") for one in cycles]
    print_table(f"ResNet-50, 3 x 3, {sparsity:.0%} of the blocks missing: cycles", head, rows)
    if sizes:
        lines = [
            (one["grid"], str(one["modules"]), f"{one['bytes']:,}", str(one["seconds"])) for one in sizes
        ]
        print_table("Verilog", ("grid", "modules", "bytes", "processor s"), lines)


if __name__ == "__main__":
    main()
