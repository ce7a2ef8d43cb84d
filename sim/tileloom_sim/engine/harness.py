"""Builds and runs an engine's compiled harness, ``harness.cpp``: layers in bulk, streams that wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class Traffic:
    """What a layer sends and gets over the streams of a design, by their names in its manifest.

    Attributes
    ----------
    inputs:
        Transfers x bytes.
    outputs:
        How many transfers come out.
    waits:
        How often each stream waits in a cycle, 0 to below 1.
    seed, abandoned:
        As in ``LayerStreams``.
    """

    inputs: Mapping[str, Beats]
    outputs: Mapping[str, int]
    waits: Mapping[str, float]
    seed: int
    abandoned: int


@dataclass(frozen=True)
class Came:
    """What came of it: of each output the transfers, and a word for each: its ``last``, its id above that.

    The others are as in ``EngineRun``.
    """

    outputs: Mapping[str, tuple[Beats, npt.NDArray[np.uint32]]]
    first_cycle: int
    cycles: int
    fault: int
    abandoned: tuple[int, ...]


def build_engine_harness(design: Design, *, waves: bool = False) -> Path:
    """Return the harness of engines, made if the cache has none. Raises ToolError as a tool fails."""
    kept = verilator.elements(design.manifest["modules"])
    names = {way: [one["name"].upper() for one in _ports(design, way)] for way in ("in", "out")}
    config = design.manifest["config"]
    numbers: dict[str, object] = {side.upper(): config.get(side, 1) for side in ("grid_rows", "grid_columns")}
    numbers["GRID_TILES"] = int(config.get("grid_tile_words", 0) > 0)
    for way, kind in (("in", "INPUT"), ("out", "OUTPUT")):
        numbers[f"{kind}S(X)"] = " ".join(f"X({name})" for name in names[way])
        numbers[f"{kind}_STREAMS"] = len(names[way])
    return harness.design_harness("engine-harness", design, SOURCE, numbers=numbers, kept=kept, waves=waves)


def run_traffic(
    design: Design,
    layers: Sequence[Traffic],
    *,
    waves: Path | None = None,
    mutant: int | None = None,
) -> list[Came]:
    """Run layers after one another on one design, that has faults on the one numbered ``mutant``.

    Raises ToolError if the harness cannot be built, and HarnessError if it fails: the engine stands still,
    takes or gives the wrong number of transfers, or takes back an offer.
    """
    program = build_engine_harness(design, waves=waves is not None)
    inputs, outputs = ([port["name"] for port in _ports(design, way)] for way in ("in", "out"))
    plan = [
        [len(layer.inputs[name]) for name in inputs]
        + [layer.outputs[name] for name in outputs]
        + [layer.seed, *(round(65536 * layer.waits[name]) for name in inputs + outputs), layer.abandoned]
        for layer in layers
    ]
    raw = {}
    with scratch.folder() as folder:
        np.array(plan, "<u8").tofile(folder / "plan.bin")
        for number, name in enumerate(inputs):
            with (folder / f"{number}.bin").open("wb") as file:
                for layer in layers:
                    file.write(np.ascontiguousarray(_words(layer.inputs[name])).data)
        lines = harness.run(program, [folder, *([waves] if waves else [])], mutant=mutant)
        for number, port in enumerate(_ports(design, "out"), len(inputs)):
            width = -(-port["elements"] * port["element_width"] // 8)
            words = np.fromfile(folder / f"{number}.bin", np.uint8).reshape(-1, -(-width // 4) * 4 + 4)
            raw[port["name"]] = words[:, :width], np.ascontiguousarray(words[:, -4:]).view("<u4")[:, 0]
    runs, begin = [], dict.fromkeys(outputs, 0)
    for layer, line in zip(layers, lines, strict=True):
        first, cycles, fault, *moved = map(int, line[2:])
        mine = {}
        for name, (data, marks) in raw.items():
            own = slice(begin[name], begin[name] + layer.outputs[name])
            begin[name] = own.stop
            mine[name] = data[own], marks[own]
        runs.append(Came(mine, first, cycles, fault, tuple(moved)))
    return runs


def run_layers(
    design: Design,
    layers: Sequence[LayerStreams],
    *,
    waves: Path | None = None,
    mutant: int | None = None,
) -> list[EngineRun]:
    """Run layers after one another on one engine, as ``run_traffic`` does."""
    traffic = [
        Traffic(
            {name: getattr(layer, name) for name in INPUTS},
            {"results": layer.results},
            dict(zip((*INPUTS, "results"), layer.waits, strict=True)),
            layer.seed,
            layer.abandoned,
        )
        for layer in layers
    ]
    runs = []
    for came in run_traffic(design, traffic, waves=waves, mutant=mutant):
        results, marks = came.outputs["results"]
        runs.append(EngineRun(results, marks != 0, came.first_cycle, came.cycles, came.fault, came.abandoned))
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


def _ports(design: Design, direction: str) -> list[dict[str, Any]]:
    """Return the manifest's account of a design's streams, "in" or "out", in order."""
    return [port for port in design.manifest["ports"] if port["direction"] == direction]
