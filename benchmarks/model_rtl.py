"""The model beside the RTL: layers as large as ResNet-50's, estimated, and simulated in Verilator.

Run: python benchmarks/model_rtl.py [--json]
Target: cycles, transfers and actions of our designs 2,000 times as fast as their RTL, which is timed without
building it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np

import tileloom
from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.families import load
from tileloom_explore.cost import Cost, Run
from tileloom_explore.engine.cost import engine_cost
from tileloom_explore.systolic.cost import array_cost
from tileloom_explore.xfu.cost import kernel_cost, kernel_layer
from tileloom_golden.engine.layer import Layer
from tileloom_sim.engine.job import make_job
from tileloom_sim.engine.run import run_jobs

TARGET = 2000
"""How many times as fast as RTL an estimate is to be."""

Comparison = tuple[str, float, float, int]
"""A design and its layer, seconds of the estimate and of the RTL, and the cycles simulated."""


def array() -> Comparison:
    """Return a product on an array."""
    vectors, inner, outputs = 784, 1152, 128
    config, rng = load("stream-8x8-int8"), np.random.default_rng(0)
    x, w = rng.normal(size=(vectors, inner)), rng.integers(-127, 128, (inner, outputs))
    done = tileloom.simulate(config, activations=x, weights=w, layout="KN").figures
    run = whole(Layer.product(vectors, inner, outputs), config.rows, config.columns)
    text = f"stream-8x8-int8, {vectors} x {inner} x {outputs}"
    return text, timed(lambda: array_cost(config, [run])), done["seconds"], done["cycles"]


def engine() -> Comparison:
    """Return a 3 x 3 convolution on an engine."""
    height, width, channels, outputs = 56, 56, 128, 128
    config, rng = load("engine-int8"), np.random.default_rng(0)
    shapes = {"activations": (height, width, channels), "weights": (outputs, 3, 3, channels)}
    x, w = ((name, rng.integers(-127, 128, shape).astype(np.int8)) for name, shape in shapes.items())
    job, design = make_job(config, x, w, "OHWI", pads=(1, 1, 1, 1)), tileloom.generate(config)
    (found,), seconds = second(lambda: run_jobs(design, [job]))
    run = whole(job.program.layer, config.k, config.n)
    text = f"engine-int8, {height} x {width} x {channels}, 3 x 3, {outputs}"
    return text, timed(lambda: engine_cost(config, [run])), seconds, found.cycles


def unit() -> Comparison:
    """Return a fully connected 1:8 layer on a core with xDecimate; the suite's time is shared by cycles."""
    inner, outputs = 2048, 256
    config, layers = load("xfu-cv32e40p"), {"connected": (inner,), "rows": outputs}
    done, seconds = second(lambda: tileloom.simulate(config, **layers, seed=0, jobs=1))
    runs = done.figures["runs"]
    (cycles,) = (each["cycles"] for each in runs if (each["kernel"], each["group"]) == ("xdecimate", 8))
    kernel = kernel_layer(Layer.product(1, inner, outputs), 8)
    share = cycles / sum(each["cycles"] for each in runs)
    text = f"xfu-cv32e40p, 1 x {inner} x {outputs}, 1:8"
    return text, timed(lambda: kernel_cost(config, kernel)), seconds * share, cycles


def second(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what the second of two runs gives, and its seconds: the first may build."""
    work()
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def timed(estimate: Callable[[], Cost]) -> float:
    """Return the seconds of an estimate of cycles, transfers and actions: the median of 20."""
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        estimate()
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[10]


def whole(layer: Layer, rows: int, columns: int) -> Run:
    """Return a layer none of whose tiles or blocks of ``rows`` x ``columns`` is left out."""
    return Run(layer, np.ones((-(-layer.channels // rows), -(-layer.outputs // columns)), np.bool_), 1)


@click.command(cls=Told)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(as_json: bool) -> None:
    """Print how many times as fast as the RTL an estimate is, for a layer of each family."""
    figures = []
    with step("Estimating and simulating") as shown:
        for compare in (array, engine, unit):
            shown.show(compare.__name__)
            what, estimate, rtl, cycles = compare()
            figures.append(
                {
                    "layer": what,
                    "estimate_ms": round(1000 * estimate, 3),
                    "rtl_s": round(rtl, 3),
                    "cycles": cycles,
                    "times": round(rtl / estimate),
                    "met": rtl / estimate >= TARGET,
                }
            )
    if as_json:
        print_json(figures)
        return
    rows = [
        (
            row["layer"],
            f"{row['estimate_ms']:.2f}",
            f"{row['rtl_s']:.2f}",
            f"{row['cycles']:,}",
            f"{row['times']:,}",
            "met" if row["met"] else "not met",
        )
        for row in figures
    ]
    headings = ("layer", "estimate, ms", "RTL, s", "cycles", "times as fast", f"{TARGET:,}")
    print_table("Estimates beside RTL in Verilator", headings, rows)


if __name__ == "__main__":
    main()
