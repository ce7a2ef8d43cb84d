"""What ``--fuse`` and ``--tiles`` say, and the table of what was compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tileloom.cli.console import Step, note, print_table
from tileloom.config import did_you_mean
from tileloom.errors import UserError

from ..abstraction import Abstraction
from ..compile import Plans
from ..graph import Graph
from ..study import at_sparsity
from .fuse import Group, named
from .search import Tiled, candidates, spilling, tiled

SPILLS = "spills"
"""In place of two nodes: the sub-graph that moves most activations to DDR and back."""


def parse_group(graph: Graph, grid: Abstraction, text: str) -> Group:
    """Return the sub-graph of "FIRST..LAST", or of "spills". Raises UserError that says what is wrong."""
    if text == SPILLS:
        found = spilling(graph, at_sparsity(graph, grid, 0.0)[0], grid)
        if found is None:
            raise UserError(f"--fuse: no nodes in a row of {graph.name} take activations to DDR and back")
        return found
    ends = text.split("..")
    if len(ends) != 2:
        raise UserError(f"--fuse: {text!r} is neither two nodes such as conv1_1..pool2 nor {SPILLS}")
    names = [node.name for node in graph.nodes]
    for name in ends:
        if name not in names:
            raise UserError(f"--fuse: {graph.name} has no {name}{did_you_mean(name, names, 'nodes')}")
    try:
        return named(graph, *ends)
    except ValueError as error:
        raise UserError(f"--fuse: {error}") from None


def compare(
    group: Group, grid: Abstraction, sparsity: float, tiles: tuple[int, int] | None, shown: Step
) -> list[Tiled]:
    """Return the sub-graph layer by layer, then in the tiles given, or in all that are considered."""
    considered = [(1, 1), tiles] if tiles else list(candidates(group))
    found: list[Tiled] = []
    plans: Plans = {}
    for done, each in enumerate(dict.fromkeys(considered)):
        shown.show(f"{each[0]} x {each[1]} tiles", completed=done, total=len(considered))
        found.append(tiled(group, grid, sparsity, each, plans))
    return found


def best(found: Sequence[Tiled], tiles: tuple[int, int] | None) -> Tiled:
    """Return what takes least time, or what has the tiles that were asked for."""
    return next((each for each in found if each.tiles == tiles), min(found, key=lambda each: each.seconds))


def figures(each: Tiled) -> dict[str, Any]:
    """Return what is compared, for ``--json``."""
    return {
        "tiles": list(each.tiles),
        "seconds": each.seconds,
        "network_seconds": each.times.seconds,
        "loaded_bytes": each.traffic.loaded,
        "written_bytes": each.traffic.written,
        "weight_bytes": each.traffic.weights,
        "multiplications": each.extra,
        "active_bytes": each.active,
    }


def print_comparison(group: Group, source: str, grid: Abstraction, found: Sequence[Tiled]) -> None:
    """Print what is compared, and what has room for everything between."""
    nodes = f"{group.nodes[0].name} to {group.nodes[-1].name}"
    room = grid.activation_room * grid.columns
    print_table(
        f"{group.graph.name} on {source}: {nodes} in tiles, estimated",
        ("tiles", "ms", "network, ms", "loaded, MiB", "written", "weights", "multiplications", "active, KiB"),
        [
            (
                f"{each.tiles[0]} x {each.tiles[1]}",
                f"{1e3 * each.seconds:.3f}",
                f"{1e3 * each.times.seconds:.3f}",
                *(
                    f"{size / 2**20:.2f}"
                    for size in (each.traffic.loaded, each.traffic.written, each.traffic.weights)
                ),
                f"{each.extra:.3f}",
                f"{each.active / 1024:.0f}",
            )
            for each in found
        ],
    )
    if all(each.active > room for each in found):
        note(f"No number of tiles keeps what is between the nodes in {room / 1024:.0f} KiB of memory tiles.")
