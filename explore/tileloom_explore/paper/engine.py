"""The command that prints networks on grids of engines, dense and block-sparse, from the estimator."""

from __future__ import annotations

import click

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.options import Number
from tileloom.errors import UserError
from tileloom_golden.engine.program import EngineSize

from .grid import GRIDS, Row, network_table
from .published import SECONDS

LARGEST = 64
"""Most engines on a side of a grid."""


def parse_grid(text: str) -> tuple[int, int]:
    """Return the sides of "4x4". Raises UserError if it is not two numbers from 1 to 64."""
    sides = text.split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdecimal() for side in sides):
        raise UserError(f"--grid: {text!r} is not two numbers such as 4x4")
    rows, columns = map(int, sides)
    if not (1 <= rows <= LARGEST and 1 <= columns <= LARGEST):
        raise UserError(f"--grid: {text}: must be from 1x1 to {LARGEST}x{LARGEST}")
    return rows, columns


@click.command("engine", short_help="Estimate ResNet-50, VGG-16 and Inception-v3 on grids of engines.")
@click.option("--grid", "grids", multiple=True, metavar="RxC", help="Grid of engines.  [default: 2x2 to 8x8]")
@click.option(
    "--sparsity", type=Number(0, 1), default=0.5, show_default=True, help="Share of blocks missing."
)
@click.option("--clock", type=Number(1, 10_000), default=1000.0, show_default=True, help="In MHz.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def engine_command(grids: tuple[str, ...], sparsity: float, clock: float, as_json: bool) -> None:
    """Estimate the cycles of all convolutions of three networks, dense and block-sparse.

    An engine is the default one (4 x 8 x 8 INT8). Blocks are missing at random, as many in every layer but
    the first. Beside half sparsity on squares of engines stands what the paper estimates for AIE2 cores.

    \b
    Examples:
      tileloom paper engine
      tileloom paper engine --grid 4x4 --sparsity 0.75
    """
    chosen = [parse_grid(grid) for grid in grids] or list(GRIDS)
    with step("Estimating networks"):
        rows = network_table(chosen, sparsity=sparsity, size=EngineSize())
    if as_json:
        print_json(
            [
                {
                    "network": row.network,
                    "grid": list(row.grid),
                    "dense_cycles": row.dense,
                    "sparse_cycles": row.sparse,
                    "ratio": row.ratio,
                    "paper_seconds": paper(row, sparsity),
                }
                for row in rows
            ]
        )
        return
    print_table(
        f"Milliseconds at {clock:g} MHz, dense and {sparsity:.0%} sparse; the paper's for AIE2",
        ("network", "grid", "dense", "sparse", "ratio", "paper", "sparse", "ratio"),
        [
            (
                row.network,
                f"{row.grid[0]}x{row.grid[1]}",
                *cells(row.dense / clock / 1e6, row.sparse / clock / 1e6),
                *cells(*paper(row, sparsity)),
            )
            for row in rows
        ],
    )


def paper(row: Row, sparsity: float) -> tuple[float | None, float | None]:
    """Return the paper's seconds for a row, dense and sparse, where it has them."""
    square = row.grid[0] == row.grid[1] and sparsity == 0.5
    return SECONDS[row.network].get(row.grid[0], (None, None)) if square else (None, None)


def cells(dense: float | None, sparse: float | None) -> tuple[str, str, str]:
    """Return two times in ms and their ratio, "-" for what there is not."""
    ratio = None if dense is None or sparse is None else sparse / dense
    first, second = ("-" if time is None else f"{1000 * time:.3f}" for time in (dense, sparse))
    return first, second, "-" if ratio is None else f"{ratio:.3f}"
