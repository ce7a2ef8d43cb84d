"""``tileloom paper engine depth``: VGG-16 in tiles with a slow DDR, and the least traffic of VGG-E."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from tileloom.cli.console import note, print_json, print_table, step
from tileloom.config import did_you_mean
from tileloom.errors import UserError

from ..compiler.abstraction import load_abstraction
from ..compiler.compile import Plans
from ..compiler.depth.choose import figures
from ..compiler.depth.fuse import Group, alone, named
from ..compiler.depth.search import Tiled, spilling, tiled
from ..compiler.depth.traffic import map_bytes
from ..compiler.networks import vgg_16, vgg_19
from ..compiler.study import at_sparsity
from .published import DEPTH_SECONDS

SLOWER = 16
"""How many times DDR is slower than the overlay's."""

FP32 = 4
"""Bytes of a number in the other source."""

FUSED_MIB = (77.1, 3.64)
"""Of "Fused-Layer CNN Accelerators" (Alwani et al., MICRO 2016), five convolutions of VGGNet-E."""


@click.command("depth", short_help="VGG-16 on 3 x 3 in tiles, with a slow DDR (Section V).")
@click.option("--last", metavar="NODE", help="Where the sub-graph ends.  [default: where activations stay]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def depth_command(last: str | None, as_json: bool) -> None:
    """Estimate VGG-16 on 3 x 3 cores with DDR 16 times slower: layer by layer, in tiles, and sparse.

    The sub-graph is the part that takes activations to DDR and back, layer by layer. Then the least traffic
    of the first five convolutions of VGG-E, by another paper.

    \b
    Examples:
      tileloom paper engine depth
      tileloom paper engine depth --last pool3
    """
    graph, grid = vgg_16(), load_abstraction("aie2-3x3")
    grid = replace(grid, ddr_channel=grid.ddr_channel // SLOWER)
    names = [node.name for node in graph.nodes]
    if last and last not in names:
        raise UserError(f"--last: {graph.name} has no {last}{did_you_mean(last, names, 'nodes')}")
    with step("Compiling VGG-16") as shown:
        if last:
            found: Group | None = named(graph, names[0], last)
        else:
            found = spilling(graph, at_sparsity(graph, grid, 0.0)[0], grid)
        if found is None:
            raise UserError("--last: nothing takes activations to DDR and back; name a node")
        group = Group(alone(found), 0, len(found.nodes))
        cases = [*DEPTH_SECONDS, (3, 0.5)]
        rows: list[tuple[float, Tiled]] = []
        plans: dict[float, Plans] = {sparsity: {} for _, sparsity in cases}
        for done, (tiles, sparsity) in enumerate(cases):
            shown.show(f"{tiles} tiles, {sparsity:.0%} sparse", completed=done, total=len(cases))
            rows.append((sparsity, tiled(group, grid, sparsity, (tiles, 1), plans[sparsity])))
    least = map_bytes(named(vgg_19(), "conv1_1", "conv3_1"), FP32)
    if as_json:
        print_json(
            {
                "first": group.nodes[0].name,
                "last": group.nodes[-1].name,
                "rows": [
                    {"sparsity": sparsity, **figures(each), "paper_seconds": _paper(sparsity, each)}
                    for sparsity, each in rows
                ],
                "vgg_e_bytes": list(least),
            }
        )
        return
    title = f"VGG-16, {group.nodes[0].name} to {group.nodes[-1].name}, 3 x 3, DDR {SLOWER} times slower"
    print_table(
        f"{title}, estimated",
        ("tiles", "sparse", "ms", "ratio", "paper, ms", "ratio", "maps, MiB", "weights", "multiplications"),
        [_row(sparsity, each, rows[0][1].seconds) for sparsity, each in rows],
    )
    shares = [f"{size / 2**20:.2f} MiB" for size in least]
    note(
        f"VGG-E, five convolutions in FP32: {shares[0]} layer by layer, {shares[1]} fused; "
        f"published {FUSED_MIB[0]} and {FUSED_MIB[1]}."
    )


def _paper(sparsity: float, each: Tiled) -> float | None:
    return DEPTH_SECONDS.get((each.tiles[0], sparsity))


def _row(sparsity: float, each: Tiled, plain: float) -> tuple[Any, ...]:
    paper = _paper(sparsity, each)
    beside = ("-", "-") if paper is None else (f"{1e3 * paper:.0f}", f"{paper / DEPTH_SECONDS[1, 0.0]:.2f}")
    moved = [f"{size / 2**20:.2f}" for size in (each.traffic.activations, each.traffic.weights)]
    ours = f"{1e3 * each.seconds:.2f}", f"{each.seconds / plain:.2f}"
    return (str(each.tiles[0]), f"{sparsity:.0%}", *ours, *beside, *moved, f"{each.extra:.3f}")
