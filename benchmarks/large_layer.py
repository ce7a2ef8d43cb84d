"""Time and memory of a large layer on the engine: golden model, estimate and streams.

Run: python benchmarks/large_layer.py [--shape K N] [--prune SHARE] [--json]
Target, at 25088 x 4096 with one row, the largest layer of VGG-16: 10 s, and at most three times the memory of
the weights beside the weights themselves.
"""

from __future__ import annotations

import resource
import sys
import time

import click
import numpy as np

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.cli.options import Number
from tileloom.engine.config import EngineConfig
from tileloom_golden.estimate.engine import estimate
from tileloom_sim.engine.job import make_job

SECONDS, TIMES = 10.0, 3.0
"""The targets."""


def peak_bytes() -> int:
    """Return the most memory that this process had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


@click.command(cls=Told)
@click.option("--shape", type=(int, int), default=(25088, 4096), show_default=True, metavar="K N")
@click.option("--prune", type=Number(0, 1), help="Share of the blocks left out.  [default: none]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(shape: tuple[int, int], prune: float | None, as_json: bool) -> None:
    """Print how long a product of one row takes, and how much memory, on the default engine."""
    rng = np.random.default_rng(1)
    weights = rng.integers(-128, 128, shape, np.int8)
    activations = rng.integers(-128, 128, (1, shape[0]), np.int8)
    before, begin = peak_bytes(), time.perf_counter()
    figures = []

    def note(what: str) -> None:
        times = (peak_bytes() - before) / weights.nbytes
        seconds = time.perf_counter() - begin
        met = seconds <= SECONDS and times <= TIMES
        figures.append({"done": what, "seconds": seconds, "times_the_weights": times, "met": met})

    with step(f"Preparing {shape[0]} x {shape[1]}"):
        job = make_job(EngineConfig(), ("X", activations), ("W", weights), "KN", prune=prune)
        note("golden model")
        cycles = estimate(job.program, job.weights).cycles
        note("estimate")
        job.streams()
        note("streams")
    if as_json:
        print_json({"shape": list(shape), "cycles": cycles, "figures": figures})
        return
    print_table(
        f"{shape[0]} x {shape[1]}, one row, {cycles:,} cycles; targets {SECONDS:g} s, {TIMES:g} times",
        ("by the end of", "seconds", "memory / weights", ""),
        [
            (
                each["done"],
                f"{each['seconds']:.1f}",
                f"{each['times_the_weights']:.1f}",
                "met" if each["met"] else "not met",
            )
            for each in figures
        ],
    )


if __name__ == "__main__":
    main()
