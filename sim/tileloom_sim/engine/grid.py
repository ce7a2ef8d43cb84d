"""Layers on grids of engines: what goes over the streams by the golden model, run, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom_golden.engine.grid import GridProgram, grid_outputs
from tileloom_golden.engine.sparse import BlockSparse
from tileloom_golden.engine.streams import index_entries, packet_ends, weight_beats
from tileloom_golden.words import unpacked

from .harness import INPUTS, Beats, Traffic, run_traffic
from .layers import activation_beats, command_beats, index_beats

Waits = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class GridStreams:
    """A layer's streams on a grid.

    Attributes
    ----------
    inputs:
        By their names: transfers x bytes, the least significant byte first.
    results:
        How many transfers come of each engine, by rows.
    waits:
        How often streams of commands, index, weights, activations and results wait in a cycle.
    seed, abandoned:
        As in ``LayerStreams``.
    """

    inputs: dict[str, Beats]
    results: tuple[tuple[int, ...], ...]
    waits: Waits = (0.0, 0.0, 0.0, 0.0, 0.0)
    seed: int = 0
    abandoned: int = 0


@dataclass(frozen=True)
class GridRun:
    """What a layer gave: of each engine, by rows, transfers x bytes and ``last``; else as ``EngineRun``."""

    results: list[list[Beats]]
    last: list[list[npt.NDArray[np.bool_]]]
    first_cycle: int
    cycles: int
    fault: int
    abandoned: tuple[int, ...] = ()


def grid_streams(
    program: GridProgram,
    activations: npt.NDArray[Any],
    weights: BlockSparse,
    headers: npt.NDArray[np.uint64],
    *,
    waits: Waits = (0.0, 0.0, 0.0, 0.0, 0.0),
    seed: int = 0,
    abandoned: int = 0,
) -> GridStreams:
    """Return the streams of a grid's program; arguments as in ``layer_streams``."""
    weights, headers = program.weights(weights), program.headers(headers)
    inputs = {"commands": command_beats(program.commands())}
    for row, engines in enumerate(program.engines):
        inputs[f"index_{row}"] = index_beats(index_entries(engines[0], weights))
        inputs[f"weights_{row}"] = weight_beats(engines[0], weights, headers)
    for column, one in enumerate(program.engines[0]):
        # A memory tile keeps a strip for the groups that load it again.
        once = replace(one, groups=one.groups[:: program.passes]) if program.tiles else one
        inputs[f"activations_{column}"] = activation_beats(once, activations)
    results = tuple(tuple(len(packet_ends(one)) for one in row) for row in program.engines)
    return GridStreams(inputs, results, waits, seed, abandoned)


def run_grid(
    design: Design,
    layers: Sequence[GridStreams],
    *,
    waves: Path | None = None,
    mutant: int | None = None,
) -> list[GridRun]:
    """Run layers after one another on one grid, as ``run_traffic`` does."""
    traffic = [_traffic(layer) for layer in layers]
    runs = []
    for layer, came in zip(layers, run_traffic(design, traffic, waves=waves, mutant=mutant), strict=True):
        results: list[list[Beats]] = [[] for _ in layer.results]
        last: list[list[npt.NDArray[np.bool_]]] = [[] for _ in layer.results]
        for name in _results(layer):
            data, marks = came.outputs[name]
            for row in range(len(layer.results)):
                mine = marks >> 1 == row
                results[row].append(data[mine])
                last[row].append(marks[mine] & 1 != 0)
        runs.append(GridRun(results, last, came.first_cycle, came.cycles, came.fault, came.abandoned))
    return runs


def _results(layer: GridStreams) -> list[str]:
    return [f"results_{column}" for column in range(len(layer.results[0]))]


def _traffic(layer: GridStreams) -> Traffic:
    counts = [sum(row[column] for row in layer.results) for column in range(len(layer.results[0]))]
    kinds = dict(zip((*INPUTS, "results"), layer.waits, strict=True))
    names = [*layer.inputs, *_results(layer)]
    waits = {name: kinds[name.rpartition("_")[0] or name] for name in names}
    outputs = dict(zip(_results(layer), counts, strict=True))
    return Traffic(layer.inputs, outputs, waits, layer.seed, layer.abandoned)


def joined_grid(layers: Sequence[GridStreams]) -> GridStreams:
    """Return layers one after the other without rest, with the waits and the reset of the first."""
    if len(layers) == 1:
        return layers[0]
    inputs = {name: np.concatenate([layer.inputs[name] for layer in layers]) for name in layers[0].inputs}
    counts = np.sum([layer.results for layer in layers], axis=0)
    return replace(layers[0], inputs=inputs, results=tuple(map(tuple, counts.tolist())))


def grid_apart(run: GridRun, layers: Sequence[GridStreams]) -> list[GridRun]:
    """Return what each of joined layers gave; cycles and fault are those of all."""
    ends = np.cumsum([layer.results for layer in layers], axis=0)[:-1]

    def pieces(arrays: list[list[Any]]) -> list[list[list[Any]]]:
        return [
            [np.split(array, ends[:, row, column]) for column, array in enumerate(line)]
            for row, line in enumerate(arrays)
        ]

    results, last = pieces(run.results), pieces(run.last)
    return [
        replace(
            run,
            results=[[each[place] for each in line] for line in results],
            last=[[each[place] for each in line] for line in last],
        )
        for place in range(len(layers))
    ]


def outputs_of_grid(program: GridProgram, run: GridRun, bits: int) -> npt.NDArray[Any]:
    """Return what a grid computed, H_out x W_out x N words of ``bits``: the engine's result_bits."""
    size = program.size
    units: list[list[npt.NDArray[Any]]] = [
        [unpacked(data, bits, size.drain_rows * size.n).reshape(-1, size.drain_rows, size.n) for data in row]
        for row in run.results
    ]
    return grid_outputs(program, units)
