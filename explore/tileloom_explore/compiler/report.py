"""What ``tileloom compile`` prints: times by node, cycles in RTL, what sparsity gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from tileloom.cli.console import note, print_json, print_table

from .abstraction import Abstraction
from .depth.choose import figures
from .depth.search import Tiled
from .engine.run import NodeRun, total
from .graph import Graph
from .program import Program
from .study import LITTLE, SPARSITIES, Gain
from .timeline import LANES, Timeline


def print_times(
    graph: Graph,
    source: str,
    grid: Abstraction,
    program: Program,
    times: Timeline,
    compared: Sequence[Tiled],
    runs: Sequence[NodeRun],
    *,
    as_json: bool,
) -> None:
    """Print how long a program takes, node by node, and what engines in RTL took."""
    if as_json:
        print_json(
            {
                "network": graph.name,
                "grid": grid.label,
                "seconds": times.seconds,
                "steps": len(program.steps),
                "ddr_bytes": program.ddr_bytes,
                "nodes": [
                    {"node": each.node, "seconds": each.seconds, "lanes": each.lanes} for each in times.nodes
                ],
                **({"rtl": [asdict(each) for each in runs]} if runs else {}),
                **({"tiles": [figures(each) for each in compared]} if compared else {}),
            }
        )
        return
    rows = [
        (each.node, f"{each.seconds * 1e6:.1f}", *(f"{each.lanes[lane] * 1e6:.1f}" for lane in LANES))
        for each in times.nodes
    ]
    rows.append(
        (
            "all",
            f"{times.seconds * 1e6:.1f}",
            *(f"{sum(each.lanes[lane] for each in times.nodes) * 1e6:.1f}" for lane in LANES),
        )
    )
    print_table(f"{graph.name} on {source}: microseconds, estimated", ("node", "time", *LANES), rows)
    if runs:
        print_table(
            f"{graph.name} on {source}: cycles of the engine that takes longest, DDR left out",
            ("node", "chains", "words", "RTL", "estimate", "RTL / estimate", "timeline"),
            [each.row() for each in (*runs, total(runs))],
        )


def print_gains(graph: Graph, source: str, found: Sequence[Gain], *, as_json: bool) -> None:
    """Print what sparsity gains, convolution by convolution, and where a mask can be relaxed."""
    if as_json:
        print_json(
            [
                {
                    "node": each.node,
                    "sparsities": list(SPARSITIES),
                    "seconds": list(each.seconds),
                    "bounds": list(each.bounds),
                }
                for each in found
            ]
        )
        return
    shown = [f"{sparsity:.0%}" for sparsity in SPARSITIES]
    print_table(
        f"{graph.name} on {source}: microseconds by sparsity, what takes longest, and where a mask pays",
        ("convolution", *shown, *(f"at {each}" for each in shown), "communication from", "gains to"),
        [
            (
                each.node,
                *(f"{seconds * 1e6:.1f}" for seconds in each.seconds),
                *each.bounds,
                "-" if each.communication is None else shown[each.communication],
                shown[each.last_gain],
            )
            for each in found
        ],
    )
    half = SPARSITIES.index(0.5)
    little = [each.node for each in found if each.seconds[half] > (1 - LITTLE) * each.seconds[0]]
    if little:
        note(f"Half of the blocks gains under a tenth in {len(little)}, relax them: {', '.join(little)}")
