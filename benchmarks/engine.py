"""Cycles of the block-sparse engine in RTL, and its area and clock.

Run: python benchmarks/engine.py [--liberty FILE PERIOD ...] [--json]
Targets, at the default size: 99.3 % of the MACs used on dense 256 x 256 x 256, fill and drain included; at
most 50.4 % of those cycles with half the blocks; cycles linear in the blocks kept within 1 % plus a constant;
the estimator within 1 % over 200 random layers, with streams and on AXI4; walker and control at most 5 % of
the engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.engine.design import generate
from tileloom_sim.engine.job import make_job, random_jobs
from tileloom_sim.engine.run import run_jobs
from tileloom_synth.constraints import constrain
from tileloom_synth.engine.synthesise import map_engine, memory_bits
from tileloom_synth.library import standard_cells as library
from tileloom_synth.options import Target

SIZE = 256
LAYERS = 1200
"""Random layers; some 250 of them take SMALLEST cycles or more, of each variant."""
SMALLEST = 600
"""Cycles from which an estimate is held to 1 %: below, one cycle is more than that."""

Figure = dict[str, Any]


def cycles() -> list[Figure]:
    """Return the figures of 256 x 256 x 256 with 0 to 100 % of the blocks."""
    config = EngineConfig()
    rng = np.random.default_rng(1)
    x, w = ((name, rng.integers(-128, 128, (SIZE, SIZE), np.int8)) for name in ("X", "W"))
    shares = [tenths / 10 for tenths in range(11)]
    jobs = [make_job(config, x, w, "KN", prune=1 - share) for share in shares]
    found = [run.cycles for run in run_jobs(generate(config), jobs)]
    kept = [len(job.weights.block_rows) for job in jobs]
    utilisation = SIZE**3 / (config.m * config.k * config.n * found[-1])
    per_block = SIZE // config.m
    # Least constant with which every count is within 1 % of the blocks' own cycles.
    constant = max(count - 1.01 * per_block * blocks for count, blocks in zip(found, kept, strict=True))
    return [
        _figure(
            "dense 256^3: MACs used",
            f"{utilisation:.2%} of {found[-1]:,} cycles",
            "99.3 %",
            utilisation >= 0.993,
        ),
        _figure(
            "half the blocks", f"{found[5] / found[-1]:.2%} of dense", "50.4 %", found[5] <= 0.504 * found[-1]
        ),
        _figure(
            "0 to 100 % of the blocks",
            f"{per_block} cycles a block within 1 %, and at most {constant:,.0f}",
            "linear",
            all(count >= per_block * blocks for count, blocks in zip(found, kept, strict=True)),
        ),
    ]


def estimator(port: EnginePort) -> Figure:
    """Return how far the estimator is from the RTL, nothing waiting."""
    config = EngineConfig(port=port)
    jobs = random_jobs(config, LAYERS, 7, waiting=False)
    runs = run_jobs(generate(config), jobs)
    errors = [
        abs(job.estimate().cycles - run.cycles) / run.cycles
        for job, run in zip(jobs, runs, strict=True)
        if run.cycles >= SMALLEST
    ]
    return _figure(
        f"estimator, {port.value}: {len(errors)} random layers of {SMALLEST} cycles or more",
        f"at most {max(errors):.2%} off, {np.mean(errors):.2%} on average",
        "1 %",
        max(errors) <= 0.01,
    )


def area(liberty: Path, period_ps: float) -> Figure:
    """Return area, clock, and the share of walker and control in one library."""
    cells = library.load([liberty])
    config = EngineConfig()
    report = map_engine(config, generate(config), Target(cells, constrain(cells, period_ps)))
    control = sum(report.shares[part].area for part in ("walker", "control")) / report.area
    clock = f"{report.timing.frequency_mhz:.0f} MHz" if report.timing else ""
    return _figure(
        f"{cells.name}",
        f"{report.area:,.0f} {report.unit}, {report.gate_equivalents / 1000:.0f} kGE, {clock}, "
        f"control {control:.2%}",
        "5 % control",
        control <= 0.05,
    )


def _figure(figure: str, measured: str, target: str, met: bool) -> Figure:
    return {"figure": figure, "measured": measured, "target": target, "met": met}


@click.command(cls=Told)
@click.option(
    "--liberty",
    type=(click.Path(exists=True, path_type=Path), float),
    multiple=True,
    metavar="FILE PICOSECONDS",
    help="Synthesise for this library and period; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(liberty: tuple[tuple[Path, float], ...], as_json: bool) -> None:
    """Print the engine's cycles, and its area in each library."""
    with step("Simulating"):
        figures = [*cycles(), *map(estimator, EnginePort)]
    figures += [area(path, period) for path, period in liberty]
    if as_json:
        print_json({"figures": figures, "memory_bits": memory_bits(EngineConfig())})
        return
    rows = [
        (
            *(str(figure[key]) for key in ("figure", "measured", "target")),
            "met" if figure["met"] else "not met",
        )
        for figure in figures
    ]
    print_table("Block-sparse engine, 4 x 8 x 8", ("figure", "measured", "target", ""), rows)


if __name__ == "__main__":
    main()
