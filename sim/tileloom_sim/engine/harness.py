"""Builds and runs an engine's compiled harness, ``harness.cpp``: layers in bulk, streams that wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom import scratch
from tileloom.design import Design

from ..build import harness, verilator

SOURCE = Path(__file__).with_name("harness.cpp")
INPUTS = ("commands", "index", "weights", "activations")
Beats = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LayerStreams:
    """A layer's streams: transfers x bytes, the least significant byte first.

    Attributes
    ----------
    commands, index, weights, activations:
        What goes in.
    results:
        How many transfers come out.
    waits:
        How often each of the five streams waits in a cycle, 0 to below 1.
    seed:
        Of the waits.
    abandoned:
        After how many cycles the layer is given up by a reset, before it is begun anew; 0 for never.
    """

    commands: Beats
    index: Beats
    weights: Beats
    activations: Beats
    results: int
    waits: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    seed: int = 0
    abandoned: int = 0


@dataclass(frozen=True)
class EngineRun:
    """What a layer gave.

    Attributes
    ----------
    results:
        Transfers x bytes.
    last:
        Of each transfer.
    first_cycle, cycles:
        From the first command's offer until the first and the last result were taken.
    fault:
        The engine's output after it.
    abandoned:
        Transfers of commands, index, weights, activations and results before the reset that gave it up; all
        0 where there was none.
    """

    results: Beats
    last: npt.NDArray[np.bool_]
    first_cycle: int
    cycles: int
    fault: int
    abandoned: tuple[int, ...] = (0, 0, 0, 0, 0)


def build_engine_harness(design: Design, *, waves: bool = False) -> Path:
    """Return the harness of an engine, made if the cache has none. Raises ToolError as a tool fails."""
    kept = verilator.elements(design.manifest["modules"])
    return harness.design_harness("engine-harness", design, SOURCE, kept=kept, waves=waves)


def run_layers(
    design: Design,
    layers: Sequence[LayerStreams],
    *,
    waves: Path | None = None,
    mutant: int | None = None,
) -> list[EngineRun]:
    """Run layers after one another on one engine, that has faults on the one numbered ``mutant``.

    Raises ToolError if the harness cannot be built, and HarnessError if it fails: the engine stands still,
    takes or gives the wrong number of transfers, or takes back an offer.
    """
    program = build_engine_harness(design, waves=waves is not None)
    plan = [
        [len(getattr(layer, name)) for name in INPUTS]
        + [layer.results, layer.seed, *(round(65536 * wait) for wait in layer.waits), layer.abandoned]
        for layer in layers
    ]
    with scratch.folder() as folder:
        np.array(plan, "<u8").tofile(folder / "plan.bin")
        for name in INPUTS:
            with (folder / f"{name}.bin").open("wb") as file:
                for layer in layers:
                    file.write(np.ascontiguousarray(_words(getattr(layer, name))).data)
        lines = harness.run(program, [folder, *([waves] if waves else [])], mutant=mutant)
        raw = np.fromfile(folder / "results.bin", np.uint8)
    port = next(port for port in design.manifest["ports"] if port["name"] == "results")
    width = -(-port["elements"] * port["element_width"] // 8)
    transfers = raw.reshape(-1, -(-width // 4) * 4 + 4)
    runs, begin = [], 0
    for layer, line in zip(layers, lines, strict=True):
        first, cycles, fault, *moved = map(int, line[2:])
        mine = transfers[begin : begin + layer.results]
        begin += layer.results
        runs.append(EngineRun(mine[:, :width], mine[:, -4] != 0, first, cycles, fault, tuple(moved)))
    return runs


def joined(layers: Sequence[LayerStreams]) -> LayerStreams:
    """Return layers one after the other without rest, with the waits and the reset of the first."""
    if len(layers) == 1:
        return layers[0]
    streams: dict[str, Any] = {
        name: np.concatenate([getattr(layer, name) for layer in layers]) for name in INPUTS
    }
    return replace(layers[0], **streams, results=sum(layer.results for layer in layers))


def apart(run: EngineRun, layers: Sequence[LayerStreams]) -> list[EngineRun]:
    """Return what each of ``joined`` layers gave; cycles and fault are those of all."""
    ends = np.cumsum([layer.results for layer in layers])
    pieces = zip(np.split(run.results, ends[:-1]), np.split(run.last, ends[:-1]), strict=True)
    return [replace(run, results=results, last=last) for results, last in pieces]


def _words(beats: Beats) -> Beats:
    """Return transfers filled up to whole 32-bit words; the same where they are."""
    if beats.shape[1] % 4 == 0:
        return beats
    return np.pad(beats, ((0, 0), (0, -beats.shape[1] % 4)))
