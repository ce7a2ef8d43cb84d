"""Time and memory of a large layer on each family: it is mapped, its cost told, its results computed.

Run: python benchmarks/large_layer.py [--shape K N] [--only PATTERN] [--json]
Target, at 25088 x 4096 with one row, the largest layer of VGG-16: 10 s of processor time, and at most three
times the memory of the weights beside the weights themselves. Each line is of a process of its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

import click
import numpy as np

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.config import Config
from tileloom.engine.config import EngineConfig
from tileloom.errors import UserError
from tileloom.families import load
from tileloom.systolic.config import SystolicConfig
from tileloom_explore.network.affine import Affine
from tileloom_explore.network.arrangement import Axes
from tileloom_explore.network.layer import NetworkLayer, Quantisation
from tileloom_explore.network.mapping import map_layer
from tileloom_sim.engine.job import make_job

SECONDS, TIMES = 10.0, 3.0
"""The targets."""

GROUP = 8
"""M of the 1:M weights, of which every other thing is as of dense ones."""


@dataclass(frozen=True)
class Case:
    """A line of the table: a preset, fields that differ from it, and whether weights are floats or 1:M."""

    preset: str
    fields: tuple[tuple[str, str], ...] = ()
    floats: bool = False
    sparse: bool = False

    @property
    def name(self) -> str:
        """What the line says."""
        return " ".join([self.preset, *map("=".join, self.fields), *(["1:8"] if self.sparse else [])])

    @property
    def config(self) -> Config:
        """The configuration."""
        return load(self.preset, **dict(self.fields))


NEAREST = (("rounding", "nearest-even"),)
CASES = (
    Case("sasp-8x8-int8"),
    Case("stream-8x8-int8", NEAREST),
    Case("sasp-8x8-fp32", floats=True),
    Case("stream-8x8-fp32", NEAREST, floats=True),
    Case("xfu-cv32e40p"),
    Case("xfu-cv32e40p", sparse=True),
    Case("engine-int8"),
    Case("engine-fp32-int8"),
    Case("engine-fp32", floats=True),
)


@dataclass(frozen=True)
class Figure:
    """What came of a case: memory in times of the weights' bytes, these not among it, and hardware cycles."""

    done: str
    seconds: float
    times_the_weights: float
    cycles: int
    met: bool


def peak_bytes() -> int:
    """Return the most memory that this process had."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def layer_of(case: Case, shape: tuple[int, int], rng: np.random.Generator) -> NetworkLayer:
    """Return a product with random weights: floats, integers alone (of an array), or integers throughout."""
    length, outputs = shape
    if case.floats:
        weights, quantisation = rng.standard_normal(shape[::-1], np.float32), None
    else:
        weights = rng.integers(-127, 128, shape[::-1], np.int8)
        scale = Affine(np.full(outputs, 0.01, np.float32), np.zeros(outputs, np.int64), -127, 127)
        x = Affine(np.float32(0.02), np.int64(3), -128, 127)
        y = Affine(np.float32(2.0), np.int64(-5), -128, 127)
        alone = isinstance(case.config, SystolicConfig) or case.preset == "engine-fp32-int8"
        quantisation = Quantisation(None, scale) if alone else Quantisation(x, scale, y)
    if case.sparse:
        kept = rng.integers(0, GROUP, (outputs, -(-length // GROUP)), np.uint8)
        for row, places in zip(weights, kept, strict=True):
            row[np.arange(length) % GROUP != places.repeat(GROUP)[:length]] = 0
    return NetworkLayer(
        name="product",
        operator="MatMul",
        input="x",
        output="y",
        arrangement=Axes("...k", "kn", "...n", (outputs,)),
        weights=weights[:, None, None, :],
        quantisation=quantisation,
    )


def measure(case: Case, shape: tuple[int, int]) -> list[Figure]:
    """Return the figures of a case, the first of this process; of INT8 on an engine its streams' too."""
    rng, config = np.random.default_rng(1), case.config
    layer = layer_of(case, shape, rng)
    x = rng.standard_normal((1, shape[0])).astype(np.float32)
    before, begin = peak_bytes(), time.process_time()
    figures = []

    def note(what: str, cycles: int) -> None:
        times = (peak_bytes() - before) / layer.weights.nbytes
        seconds = time.process_time() - begin
        met = seconds <= SECONDS and times <= TIMES
        figures.append(Figure(f"{case.name}{what}", seconds, times, cycles, met))

    mapping = map_layer(config, layer)
    cycles = mapping.cost(layer.image_shape(x.shape)).cycles
    mapping.compute(layer.image(x))
    note("", cycles)
    if isinstance(config, EngineConfig) and config.requantise:
        del mapping
        integers = layer.weights[:, 0, 0]
        row = rng.integers(-128, 128, (1, shape[0]), np.int8)
        _ = make_job(EngineConfig(), ("X", row), ("W", integers), "NK").streams
        note(", then as streams", cycles)
    return figures


@click.command(cls=Told)
@click.option("--shape", type=(int, int), default=(25088, 4096), show_default=True, metavar="K N")
@click.option("--only", default="*", show_default=True, help="Lines whose name fits this pattern.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(shape: tuple[int, int], only: str, as_json: bool) -> None:
    """Print the processor time and the memory that a product of one row takes on each family."""
    cases = [case for case in CASES if fnmatchcase(case.name, only)]
    if min(shape) < 1 or not cases:
        raise UserError(f"--shape {shape}, --only {only}: no layer, or no line: {[c.name for c in CASES]}")
    figures: list[Figure] = []
    with step(f"Computing {shape[0]} x {shape[1]}") as shown:
        for done, case in enumerate(cases):
            shown.show(case.name, completed=done, total=len(cases))
            with multiprocessing.get_context("spawn").Pool(1) as process:
                figures += process.apply(measure, (case, shape))
    if as_json:
        print_json({"shape": list(shape), "figures": [asdict(each) for each in figures]})
        return
    print_table(
        f"{shape[0]} x {shape[1]}, one row; targets {SECONDS:g} s, {TIMES:g} times",
        ("layer", "processor s", "memory / weights", "cycles", ""),
        [
            (
                each.done,
                f"{each.seconds:.1f}",
                f"{each.times_the_weights:.1f}",
                f"{each.cycles:,}",
                "met" if each.met else "not met",
            )
            for each in figures
        ],
    )


if __name__ == "__main__":
    main()
