"""Sparse matrix times sparse matrix: effective operations against performance, blocks of 1 x 1 and of 8 x 8.

Run: python benchmarks/sparse_products.py [--size 256] [--seed 1] [--svg FILE [--force]] [--json]
The study of Section "Block Sparsity in a Matrix" of "Weight Block Sparsity" (arXiv 2407.09453), whose scatter
plots have an AMD Threadripper. Each pair of INT8 matrices, with the same share of single elements or of 8 x 8
blocks other than zero, goes to the engine in RTL, which skips blocks of weights and, by ``activation_mask``,
tiles of activations, and is held to the golden model. And it goes to SciPy on this computer, in float32 and
one thread: as CSR, and those of blocks as BSR, too. An effective operation is a multiplication of two
elements that are not zero, or its addition. The engine's figure is of cycles, so it is the same everywhere;
SciPy's is of this computer, now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import numpy.typing as npt
from scipy import sparse

from tileloom.cli.console import note, print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom.files import claim
from tileloom_explore.svg import OKABE_ITO, svg
from tileloom_sim.engine.job import make_job
from tileloom_sim.engine.run import run_jobs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DENSITIES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
BLOCKS = (1, 8)
Matrix = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Point:
    """One pair of matrices.

    Attributes
    ----------
    block, density:
        Side of a block; the share of blocks that are not zero, of both matrices.
    operations:
        Effective ones.
    cycles:
        Of the engine in RTL.
    seconds:
        Of SciPy, by its format.
    """

    block: int
    density: float
    operations: int
    cycles: int
    seconds: dict[str, float]


def matrix(rng: np.random.Generator, size: int, block: int, density: float) -> Matrix:
    """Return size x size integers without zeros, but for the blocks that are nothing but zeros."""
    side = -(-size // block)
    kept = rng.permutation(np.arange(side * side) < round(density * side * side)).reshape(side, side)
    values = rng.integers(1, 128, (size, size)) * rng.choice([-1, 1], (size, size))
    return (values * kept.repeat(block, 0).repeat(block, 1)[:size, :size]).astype(np.int8)


def operations(x: Matrix, w: Matrix) -> int:
    """Return the effective operations of a product."""
    return 2 * int(np.count_nonzero(x, axis=0) @ np.count_nonzero(w, axis=1))


def measure(x: Matrix, w: Matrix, block: int) -> dict[str, float]:
    """Return the seconds of SciPy's product in each format, the least of five; it is held to NumPy's."""
    expected = x.astype(np.float32) @ w.astype(np.float32)
    formats: dict[str, Callable[[npt.NDArray[Any]], Any]] = {"CSR": sparse.csr_array}
    if block > 1:
        formats["BSR"] = lambda values: sparse.bsr_array(values, blocksize=(block, block))
    found = {}
    for name, convert in formats.items():
        left, right = (convert(each.astype(np.float32)) for each in (x, w))
        np.testing.assert_array_equal((left @ right).toarray(), expected)
        times = []
        for _ in range(5):
            began = time.perf_counter()
            left @ right
            times.append(time.perf_counter() - began)
        found[name] = min(times)
    return found


def study(size: int, seed: int) -> list[Point]:
    """Return all points."""
    rng = np.random.default_rng(seed)
    config = EngineConfig(activation_mask=True)
    cases = [(block, density) for block in BLOCKS for density in DENSITIES]
    pairs = [(matrix(rng, size, *case), matrix(rng, size, *case)) for case in cases]
    jobs = [make_job(config, ("X", x), ("W", w), "KN") for x, w in pairs]
    with step("Simulating"):
        runs = run_jobs(generate(config), jobs)
    return [
        Point(block, density, operations(x, w), run.cycles, measure(x, w, block))
        for (block, density), (x, w), run in zip(cases, pairs, runs, strict=True)
    ]


def draw(points: Sequence[Point], peak: int) -> str:
    """Return the scatter plots as SVG: the engine by cycle, SciPy by second."""

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        for block, colour in zip(BLOCKS, OKABE_ITO, strict=False):
            own = [each for each in points if each.block == block]
            across = [each.operations for each in own]
            label = f"{block} x {block}"
            left.plot(across, [each.operations / each.cycles for each in own], "o", color=colour, label=label)
            for name, marker in (("CSR", "o"), ("BSR", "s")):
                up = [each.operations / each.seconds[name] / 1e9 for each in own if name in each.seconds]
                if up:
                    right.plot(across, up, marker, color=colour, label=f"{label}, {name}")
        left.axhline(peak, color="#666666", linewidth=0.9)
        left.set_ylabel("effective operations a cycle: engine, RTL")
        right.set_ylabel("effective GOPS: SciPy, one thread")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("effective operations")
            axes.grid(color="#dddddd", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.legend(frameon=False)
            axes.spines[["top", "right"]].set_visible(False)

    return svg(paint, width=9.8, height=4.2)


@click.command(cls=Told)
@click.option("--size", default=256, show_default=True, type=click.IntRange(8, 1024), help="M, K and N.")
@click.option("--seed", default=1, show_default=True, help="Of the matrices.")
@click.option("--svg", "picture", type=click.Path(path_type=Path), metavar="FILE", help="Draw them, too.")
@click.option("--force", is_flag=True, help="Overwrite the file of --svg.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(size: int, seed: int, picture: Path | None, force: bool, as_json: bool) -> None:
    """Print effective operations and performance of sparse times sparse."""
    outputs = claim({"--svg": picture}, force=force)
    config = EngineConfig()
    peak = 2 * config.m * config.k * config.n
    points = study(size, seed)
    if picture:
        outputs.write({picture: draw(points, peak)})
    if as_json:
        print_json({"size": size, "seed": seed, "peak": peak, "points": [asdict(each) for each in points]})
        return
    rows = [
        (
            f"{each.block}x{each.block}",
            f"{each.density:.0%}",
            f"{each.operations:,}",
            f"{each.cycles:,}",
            f"{each.operations / each.cycles:.1f}",
            f"{each.operations / each.cycles / peak:.1%}",
            *(
                f"{each.operations / each.seconds[name] / 1e9:.2f}" if name in each.seconds else ""
                for name in ("CSR", "BSR")
            ),
        )
        for each in points
    ]
    headings = (
        "blocks",
        "kept",
        "effective operations",
        "cycles",
        "a cycle",
        "of the peak",
        "CSR GOPS",
        "BSR GOPS",
    )
    print_table(f"Sparse times sparse, {size} x {size} x {size}, engine with activation_mask", headings, rows)
    note(f"Seed {seed}; --seed replays it.")


if __name__ == "__main__":
    main()
