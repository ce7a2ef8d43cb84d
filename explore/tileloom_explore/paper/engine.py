"""The command that prints networks on grids, dense and sparse: the paper's Table II, then our engines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from tileloom.cli.console import note, print_json, print_table, step
from tileloom.cli.options import Number, Sides

from ..compiler.abstraction import LARGEST_SIDE, load_abstraction
from ..compiler.networks import inception_v3, resnet_50, vgg_16
from ..compiler.study import at_sparsity
from .default import WithDefault
from .depth import depth_command
from .published import SECONDS
from .table1 import table1_command

GRIDS = tuple((side, side) for side in range(2, 9))
"""2 x 2 to 8 x 8."""

PAPER = (resnet_50, vgg_16, inception_v3)
"""The networks of Table II."""

FAMILIES = {"aie2": "the paper's overlays", "engine": "our engines, one AXI4 port"}
"""What networks are compiled for: the first part of the names of abstractions."""

FAR = 0.2
"""A difference from the paper that docs/compiler.md explains."""


@dataclass(frozen=True)
class Row:
    """A network on a grid, in seconds, with all blocks and with some missing; the paper's if it has any."""

    family: str
    network: str
    grid: tuple[int, int]
    dense: float
    sparse: float
    paper: tuple[float | None, float | None]

    @property
    def ratio(self) -> float:
        """Sparse to dense."""
        return self.sparse / self.dense

    @property
    def paper_ratio(self) -> float | None:
        """The paper's; None where one of its two times is missing."""
        dense, sparse = self.paper
        return sparse / dense if sparse and dense else None

    @property
    def beside(self) -> float | None:
        """Our ratio over the paper's."""
        return self.ratio / self.paper_ratio if self.paper_ratio else None


def table(family: str, grids: Iterable[tuple[int, int]], sparsity: float) -> list[Row]:
    """Compile all networks for grids, dense and sparse.

    Parameters
    ----------
    family:
        Of `FAMILIES`.
    grids:
        Rows and columns.
    sparsity:
        Share of blocks that are missing, of each block column of every convolution but the first.
    """
    found = []
    for build in PAPER:
        graph = build()
        for grid in grids:
            abstraction = load_abstraction(f"{family}-{grid[0]}x{grid[1]}")
            dense, sparse = (at_sparsity(graph, abstraction, share)[1].seconds for share in (0.0, sparsity))
            known = family == "aie2" and grid[0] == grid[1] and sparsity == 0.5
            paper = SECONDS[graph.name].get(grid[0], (None, None)) if known else (None, None)
            found.append(Row(family, graph.name, grid, dense, sparse, paper))
    return found


@click.command("table2", short_help="Compile ResNet-50, VGG-16 and Inception-v3 for grids.")
@click.option(
    "--grid",
    "grids",
    type=Sides(LARGEST_SIDE),
    multiple=True,
    metavar="RxC",
    help="Grid of cores.  [default: 2x2 to 8x8]",
)
@click.option(
    "--sparsity", type=Number(0, 1), default=0.5, show_default=True, help="Share of blocks missing."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def table2_command(grids: tuple[tuple[int, int], ...], sparsity: float, as_json: bool) -> None:
    """Compile three networks for grids of cores, dense and block-sparse, and estimate their times.

    First for the paper's AIE2 overlays, beside its Table II, then for our engines on one AXI4 port. Blocks
    are missing at random, as many in each block column but of the first layer; pooling and additions count.

    \b
    Examples:
      tileloom paper engine
      tileloom paper engine --grid 4x4 --sparsity 0.75
    """
    chosen = list(grids or GRIDS)
    with step("Compiling networks") as shown:
        rows = []
        for number, family in enumerate(FAMILIES):
            for done, grid in enumerate(chosen):
                total = len(FAMILIES) * len(chosen)
                shown.show(
                    f"{family}-{grid[0]}x{grid[1]}", completed=number * len(chosen) + done, total=total
                )
                rows += table(family, [grid], sparsity)
    if as_json:
        print_json(
            [
                {
                    "family": row.family,
                    "network": row.network,
                    "grid": list(row.grid),
                    "dense_seconds": row.dense,
                    "sparse_seconds": row.sparse,
                    "ratio": row.ratio,
                    "paper_seconds": list(row.paper),
                    "paper_ratio": row.paper_ratio,
                }
                for row in rows
            ]
        )
        return
    for family, title in FAMILIES.items():
        own = [row for row in rows if row.family == family]
        _print(f"Milliseconds on {title}, dense and {sparsity:.0%} sparse", own)
    far = [row for row in rows if row.beside and abs(row.beside - 1) > FAR]
    if far:
        names = ", ".join(f"{row.network} {row.grid[0]}x{row.grid[1]}" for row in far)
        note(f"Ratios more than {FAR:.0%} from the paper's (docs/compiler.md says why): {names}")


@click.group(
    "engine", cls=WithDefault, default="table2", short_help="Networks on grids (Table II), in tiles."
)
def engine_command() -> None:
    """Print the figures of the block-sparsity paper, ours beside the paper's; docs/compiler.md explains them.

    \b
    Examples:
      tileloom paper engine --grid 4x4       table II, networks on grids, dense and sparse
      tileloom paper engine depth            depth-wise tiling of VGG-16
      tileloom paper engine table1 FILE      accuracies of networks with block masks
    """


for _command in (table2_command, depth_command, table1_command):
    engine_command.add_command(_command)


def _print(title: str, rows: Sequence[Row]) -> None:
    rows = sorted(rows, key=lambda row: [*SECONDS].index(row.network))
    headings = ["network", "grid", "dense", "sparse", "ratio"]
    beside = any(any(row.paper) for row in rows)
    if beside:
        headings += ["paper", "sparse", "ratio", "ours/paper"]
    cells = []
    for row in rows:
        line = [
            row.network,
            f"{row.grid[0]}x{row.grid[1]}",
            *map(_ms, (row.dense, row.sparse)),
            f"{row.ratio:.3f}",
        ]
        if beside:
            line += [
                *map(_ms, row.paper),
                *("-" if each is None else f"{each:.3f}" for each in (row.paper_ratio,)),
            ]
            line.append("-" if row.beside is None else f"{row.beside:.2f}")
        cells.append(line)
    print_table(title, headings, cells)


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.3f}"
