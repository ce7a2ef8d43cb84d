"""Every small layer on an engine, flowing and waiting: none stands still, and every result is right.

Small is what has every kind of edge: tiles and blocks that are whole, too small by one, or followed by
another of one row or column; kernels, strides and pads that begin and end anywhere in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from tileloom.cli.console import Sheet, step
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom_golden.engine.program import Layer

from .random_jobs import random_job
from .run import require_whole_bytes, run_jobs

HEIGHTS = (1, 2, 3)
KERNELS = tuple(product((1, 2, 3), (1, 2, 3)))
STRIDES = (1, 2, 3)

COUNTS = ("layers", "runs", "results", "cycles")

TOGETHER = 512
"""Layers that one run of the simulator takes."""


@dataclass(frozen=True)
class Exhausted:
    """What came of all small layers.

    Attributes
    ----------
    name, seed:
        Of the design; of data, kept blocks and waits.
    layers:
        How many there are.
    results, cycles:
        Results compared, and cycles of the runs in which nothing waits.
    """

    name: str
    seed: int
    layers: int
    results: int
    cycles: int

    @property
    def runs(self) -> int:
        """How often a layer was run to its end: flowing, and waiting."""
        return 2 * self.layers

    def sheets(self) -> list[Sheet]:
        """Return the table for people."""
        row = tuple(f"{getattr(self, name):,}" for name in COUNTS)
        headings = (*COUNTS[:-1], "cycles, flowing")
        return [Sheet(f"{self.name}: every small layer, flowing and waiting", headings, [row])]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {"name": self.name, "seed": self.seed, **{name: getattr(self, name) for name in COUNTS}}

    def require(self) -> None:
        """Do nothing: a layer that stands still, or is wrong, has been told."""


def small_layers(config: EngineConfig) -> Iterator[Layer]:
    """Yield every layer of at most three rows, a tile and a pixel, and a block and a channel each way.

    Pads are none, on all sides, or on two that meet, and as wide as they may be.
    """
    around = [sorted({1, size, size + 1}) for size in (config.m, config.k, config.n)]
    for height, width, channels, outputs in product(HEIGHTS, *around):
        for kernel, stride, before, after in product(KERNELS, STRIDES, (False, True), (False, True)):
            first, last = ([(taps - 1) * padded for taps in kernel] for padded in (before, after))
            sides = zip((height, width), kernel, first, last, strict=True)
            again = kernel == (1, 1) and (before or after)
            if again or any(size + pad + end < taps for size, taps, pad, end in sides):
                continue
            yield Layer(
                height=height,
                width=width,
                channels=channels,
                outputs=outputs,
                kernel=kernel,
                stride=stride,
                pads=(first[0], last[0], first[1], last[1]),
            )


def exhaustive(config: EngineConfig, seed: int) -> Exhausted:
    """Run every small layer twice: where nothing waits, and where everything does, with resets and errors.

    Raises CheckError for the first that stands still or is wrong, UserError where the configuration has no
    room for one or cannot be simulated, ToolError where a tool fails.
    """
    config.refuse_grid("--exhaustive")
    require_whole_bytes(config)
    design, rng = generate(config), np.random.default_rng(seed)
    layers = list(small_layers(config))
    results = cycles = 0
    with step(f"Small layers on {design.name}") as shown:
        for begin in range(0, len(layers), TOGETHER):
            some = layers[begin : begin + TOGETHER]
            for waiting in (False, True):
                jobs = [random_job(config, rng, layer, waiting=waiting) for layer in some]
                runs = run_jobs(design, jobs)
                results += sum(run.words.size for run in runs)
                cycles += 0 if waiting else sum(run.cycles for run in runs)
            shown.show(f"{begin + len(some):,} of {len(layers):,}")
    return Exhausted(design.name, seed, len(layers), results, cycles)
