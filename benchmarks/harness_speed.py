"""Simulated cycles per second of the compiled GEMM harness and of the cocotb bench, same array, same tiles.

Run: python benchmarks/harness_speed.py [PRESET] [--json]
Target: the harness simulates at least 10 times as many cycles per second.
"""

from __future__ import annotations

import click
import numpy as np

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_sim.systolic.gemm import simulate_gemm
from tileloom_sim.systolic.regression import regress_design
from tileloom_sim.systolic.stimulus import gemm_words

TARGET = 10
VECTORS, TILES = 256, 16
"""What both run: tiles of 256 vectors, nothing stalled (``stream_tiles`` in ``bench``)."""


@click.command(cls=Told)
@click.argument("preset", default="stream-8x8-int8")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(preset: str, as_json: bool) -> None:
    """Print the speed of the compiled harness and of the cocotb bench, and their ratio."""
    config = load(preset)
    design = generate(config)
    with step("Simulating in cocotb"):
        bench = regress_design(design, seed=1, testcase="streaming")
    if not bench.passed:
        raise click.ClickException("; ".join(bench.failures) or bench.run.log)
    (entry,) = bench.entries
    # The harness runs the same tiles over and over, so that its start-up does not count.
    repeat = 32
    shape = VECTORS, config.rows * TILES, config.columns * repeat
    x, w, _ = gemm_words(
        np.random.default_rng(1), shape, config.activation, config.weight, config.accumulator
    )
    with step("Simulating in the harness"):
        run = simulate_gemm(design, x, w, skip_zero_tiles=False)
    cocotb_speed, harness_speed = entry["cycles"] / entry["seconds"], run.cycles / run.seconds
    ratio = harness_speed / cocotb_speed
    if as_json:
        speeds = {"cocotb": cocotb_speed, "harness": harness_speed}
        print_json({"cycles_per_second": speeds, "ratio": ratio, "target": TARGET, "met": ratio >= TARGET})
        return
    rows = [
        ("cocotb bench", f"{entry['cycles']:,}", f"{cocotb_speed:,.0f}"),
        ("compiled harness", f"{run.cycles:,}", f"{harness_speed:,.0f}"),
        ("ratio", "", f"{ratio:.0f} (target: at least {TARGET}, {'met' if ratio >= TARGET else 'not met'})"),
    ]
    print_table(f"Speed of simulation, {preset}", ("", "cycles", "cycles per second"), rows)


if __name__ == "__main__":
    main()
