"""Cycles that the array takes: streams of tiles, the word port, and pruned matrices.

Run: python benchmarks/cycles.py [--json]
Targets: streaming with double buffers, tiles x vectors cycles and one fill, no bubble between tiles; the word
port, a word every cycle in steady state; a pruned GEMM, cycles proportional to the tiles kept, within 1 % and
one fill.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import click
import numpy as np

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.design import Design
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.prune import prune_tiles
from tileloom_golden.words import encode
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.gemm import simulate_gemm
from tileloom_sim.systolic.interface import Interface

VECTORS = 256
RATES = (0.0, 0.25, 0.5, 0.75, 0.9)


@cache
def design(preset: str) -> Design:
    """Return the generated array of a preset."""
    return generate(load(preset))


def cycles(preset: str, vectors: int, k: int, n: int, prune: float = 0.0) -> tuple[int, int]:
    """Return the cycles of a random GEMM, and how many tiles were computed."""
    config = Interface.of_manifest(design(preset).manifest).config
    rng = np.random.default_rng(1)
    x = encode(rng.normal(size=(vectors, k)), reference.float_format(config.activation))
    weights = rng.integers(1, 128, (k, n)).astype(np.int8)
    w = sign_magnitude(prune_tiles(weights, config.rows, config.columns, prune))
    run = simulate_gemm(design(preset), x, w)
    return run.cycles, run.computed


def streaming() -> dict[str, object]:
    """Measure tiles of 256 vectors back to back on an 8 x 8 stream array."""
    preset = "stream-8x8-int8"
    one, _ = cycles(preset, VECTORS, 8, 8)
    fill = one - VECTORS
    total, tiles = cycles(preset, VECTORS, 8 * 8, 8 * 8)
    bubbles = total - tiles * VECTORS - fill
    return {
        "figure": f"{preset}, {tiles} tiles x {VECTORS} vectors",
        "measured": f"{total:,} cycles = tiles x {VECTORS} + {fill} fill + {bubbles}",
        "target": "no bubble",
        "met": bubbles == 0,
    }


def word_serial() -> dict[str, object]:
    """Measure what a further vector costs on the 32-bit word port of an 8 x 8 array."""
    preset = "sasp-8x8-int8"
    short, long = (cycles(preset, vectors, 8, 8)[0] for vectors in (VECTORS, 2 * VECTORS))
    per_word = (long - short) / (VECTORS * 8)
    return {
        "figure": f"{preset}, steady state",
        "measured": f"{per_word:.3f} cycles per word",
        "target": "1 cycle per word",
        "met": per_word == 1,
    }


def pruned(preset: str) -> dict[str, object]:
    """Measure how far the cycles of pruned matrices are from proportional to the tiles kept."""
    # The fill is what a first tile takes beyond a further one; it is negative where weights are not loaded
    # under the tile before, and the first tile has not to wait for its end.
    one, two = cycles(preset, 64, 8, 8)[0], cycles(preset, 64, 16, 8)[0]
    fill = one - (two - one)
    full, tiles = cycles(preset, 64, 128, 128)
    worst = 0.0
    for rate in RATES:
        total, kept = cycles(preset, 64, 128, 128, rate)
        share = (full - fill) * kept / tiles
        worst = max(worst, abs(total - fill - share) / share)
    return {
        "figure": f"{preset}, {tiles} tiles, pruned {RATES[1]:.0%} to {RATES[-1]:.0%}",
        "measured": f"at most {worst:.2%} off proportional",
        "target": "1 % and one fill",
        "met": worst <= 0.01,
    }


BENCHMARKS: list[Callable[[], dict[str, object]]] = [
    streaming,
    word_serial,
    lambda: pruned("stream-8x8-int8"),
    lambda: pruned("sasp-8x8-int8"),
]


@click.command(cls=Told)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(as_json: bool) -> None:
    """Print the cycles of streams of tiles, of the word port, and of pruned matrices."""
    with step("Simulating"):
        figures = [benchmark() for benchmark in BENCHMARKS]
    if as_json:
        print_json(figures)
        return
    rows = [
        (*(str(figure[key]) for key in ("figure", "measured", "target")), _met(figure)) for figure in figures
    ]
    print_table("Cycles", ("figure", "measured", "target", ""), rows)


def _met(figure: dict[str, object]) -> str:
    return "met" if figure["met"] else "not met"


if __name__ == "__main__":
    main()
