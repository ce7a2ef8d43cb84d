"""Rooflines as plain values, for JSON and the interactive page, and as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tileloom.cli.console import Sheet

from .moves import Move
from .point import Point, mix_of
from .roof import Machine, Mix

Mixes = Mapping[str, Mix]
"""By the machine's name: how the intensities of its levels keep to each other."""


def mixes_of(points: Sequence[Point]) -> dict[str, Mix]:
    """Return the mix of each machine's layers together, of each its first point."""
    first: dict[str, dict[str, Point]] = {}
    for point in points:
        first.setdefault(point.machine.name, {}).setdefault(point.layer, point)
    return {name: mix_of(list(layers.values())) for name, layers in first.items()}


def figures(
    machines: Sequence[Machine], points: Sequence[Point], moves: Sequence[Move], mixes: Mixes
) -> dict[str, Any]:
    """Return everything as plain values."""
    return {
        "machines": [_machine(machine, mixes.get(machine.name)) for machine in machines],
        "points": [point.to_json() for point in points],
        "moves": [move.to_json() for move in moves],
    }


def sheets(
    machines: Sequence[Machine], points: Sequence[Point], moves: Sequence[Move], mixes: Mixes
) -> list[Sheet]:
    """Return the tables that have rows."""
    found = [_levels(machine, mixes.get(machine.name)) for machine in machines]
    if points:
        found += [_points(points), _throughput(points), _utilisation(points)]
        found += [sheet for machine in machines for sheet in _memories(machine, points)]
    if moves:
        found.append(_moves(moves, points))
    return found


def _machine(machine: Machine, mix: Mix | None) -> dict[str, Any]:
    return {
        "name": machine.name,
        "operations_per_cycle": machine.operations,
        "operation_pj": machine.operation_energy,
        "frequency_hz": machine.frequency,
        "operations_per_second": machine.peak,
        "levels": [
            {
                "name": level.name,
                "bytes_per_cycle": level.bandwidth,
                "pj_per_byte": level.energy,
                "knee": machine.knee(level),
                "energy_knee": machine.energy_knee(level),
            }
            for level in machine.levels
        ],
        "outermost": list(machine.edge),
        "mix": None
        if mix is None
        else {
            "ratios": {name: ratio if math.isfinite(ratio) else None for name, ratio in mix.ratios.items()},
            "fixed": dict(mix.fixed),
            "knee": mix.knee,
            "energy_knee": mix.energy_knee,
        },
    }


def _levels(machine: Machine, mix: Mix | None) -> Sheet:
    """Return a machine's levels; with a mix the knees of all together, per outermost byte."""
    rows = [
        (
            level.name,
            f"{level.bandwidth:g}",
            f"{level.bandwidth * machine.frequency / 1e9:,.1f}",
            f"{level.energy:g}",
            f"{machine.knee(level):.4g}",
            f"{machine.energy_knee(level):.4g}",
        )
        for level in machine.levels
    ]
    if mix is not None:
        rows.append(("together", "", "", "", f"{mix.knee:.4g}", f"{mix.energy_knee:.4g}"))
    title = (
        f"{machine.name}: {machine.operations:g} operations a cycle, {machine.peak / 1e9:,.1f} GOPS, "
        f"{machine.operation_energy:.3g} pJ an operation"
    )
    return Sheet(title, ("level", "B/cycle", "GB/s", "pJ/B", "knee, op/B", "energy knee, op/B"), rows)


def _points(points: Sequence[Point]) -> Sheet:
    """Return what each number stands for in the tables behind it."""
    rows = [
        (
            f"{number}",
            point.layer,
            point.machine.name,
            f"{point.sparsity:.0%}",
            f"{point.counts.cycles:,}",
            point.source,
        )
        for number, point in enumerate(points, 1)
    ]
    return Sheet("Layers", ("point", "layer", "design", "sparsity", "cycles", "these are"), rows)


def _throughput(points: Sequence[Point]) -> Sheet:
    rows = [
        (
            f"{number}",
            f"{point.edge_intensity:.4g}",
            f"{point.throughput / 1e9:,.1f}",
            f"{point.dense_throughput / 1e9:,.1f}",
            f"{point.roof / 1e9:,.1f}",
            point.bound,
            f"{point.efficiency / 1e12:.3f}",
            f"{point.dense_efficiency / 1e12:.3f}",
        )
        for number, point in enumerate(points, 1)
    ]
    headings = ("point", "op/B", "GOPS", "dense", "roof", "bound by", "TOPS/W", "dense")
    return Sheet("Under the roofs: effective operations, and dense-equivalent ones", headings, rows)


def _utilisation(points: Sequence[Point]) -> Sheet:
    rows = [
        (
            f"{number}",
            *(
                f"{share:.1%}"
                for share in (
                    point.mac_utilisation,
                    point.spatial_utilisation,
                    point.temporal_utilisation,
                    point.core_utilisation,
                    point.throughput / point.roof,
                )
            ),
        )
        for number, point in enumerate(points, 1)
    ]
    headings = ("point", "U_MAC", "spatial", "temporal", "core", "of the roof")
    return Sheet("Utilisation: U_MAC = spatial x temporal x core", headings, rows)


def _memories(machine: Machine, points: Sequence[Point]) -> list[Sheet]:
    """Return U_mem and intensities of the points that are a machine's."""
    names = [level.name for level in machine.levels]
    own = [(f"{number}", point) for number, point in enumerate(points, 1) if point.machine == machine]
    used = [(number, *(f"{point.memory_utilisation[name]:.1%}" for name in names)) for number, point in own]
    moved = [(number, *(_short(point.intensities[name]) for name in names)) for number, point in own]
    return [
        Sheet(f"{machine.name}: U_mem by level", ("point", *names), used),
        Sheet(f"{machine.name}: operations per byte by level", ("point", *names), moved),
    ]


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= value < math.inf else f"{value:.4g}"


def _moves(moves: Sequence[Move], points: Sequence[Point]) -> Sheet:
    numbers = {id(point): f"{number}" for number, point in enumerate(points, 1)}
    rows = [
        (
            numbers[id(move.after)],
            numbers[id(move.before)],
            f"{move.gain:.2f}",
            *("-" if factor is None else f"{factor:.2f}" for factor in (move.raised, move.shifted)),
            f"{move.approached:.2f}",
            f"{move.energy_gain:.2f}",
        )
        for move in moves
    ]
    headings = ("point", "from", "gain", "raise", "shift right", "approach", "TOPS/W gain")
    return Sheet("Moves: gain = raise x shift right x approach", headings, rows)
