"""The worked example of an engine: two rows of activations by a matrix whose blocks are not all there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom import scratch
from tileloom.config import from_plain
from tileloom.design import Design
from tileloom.engine.config import Core, EngineConfig, EnginePort, RequantiseRounding
from tileloom.errors import UserError
from tileloom.formats import SignMagnitude
from tileloom.package.pins import Channel, Ports
from tileloom_golden.engine.streams import EMPTY, LAST, activation_units, result_units
from tileloom_golden.rounding import to_float64
from tileloom_golden.words import packed

from ..layout import named
from ..package.example import Example, Stream, matrices
from ..package.timing_diagram import Diagram
from ..package.trace import Trace, read_trace
from ..systolic import reference
from .harness import LayerStreams
from .job import Job, make_job
from .memory_example import memory_text
from .run import require_whole_bytes, run_jobs

PIXELS = 2

OPCODES = {1: "LOAD", 2: "CONV", 3: "WRITE"}

HIGH_BASE = 1 << 32
"""Where the memory begins for engines with more address bits than that, so that all of an address is seen."""


@dataclass(frozen=True)
class _Operands:
    """X (pixels x K), W (K x N), and what columns are requantised with; values, not words."""

    x: npt.NDArray[Any]
    w: npt.NDArray[Any]
    columns: Mapping[str, npt.NDArray[np.int64]]


def example(design: Design, ports: Ports) -> Example:
    """Return the example of an engine.

    Raises CheckError where the engine does not give the golden model's results, UserError where its memory
    cannot be simulated, ToolError where a tool is missing or fails.
    """
    config = from_plain(EngineConfig, design.manifest["config"])
    assert isinstance(config, EngineConfig)
    config.refuse_grid("a package")
    require_whole_bytes(config)
    operands, job = _job(config)
    with scratch.folder() as folder:
        waves = folder / "pins.vcd"
        run_jobs(design, [job], waves=waves)
        trace = read_trace(waves, ports)
    text = _numbers(config, operands, job)
    if config.port is EnginePort.AXI4:
        return Example(text + memory_text(job), trace, _axi_diagrams(ports, trace))
    return Example(text, trace, _stream_diagrams(ports), _streams(config, job, ports))


def _job(config: EngineConfig) -> tuple[_Operands, Job]:
    """Return two block rows by two block columns; where memory has no room for that, one block."""
    for blocks in (2, 1):
        operands = _operands(config, blocks)
        columns: dict[str, Any] = {name: named(each, name) for name, each in operands.columns.items()}
        x, w = named(operands.x, "activations"), named(operands.w, "weights")
        job = make_job(config, x, w, "KN", **columns)
        if config.port is not EnginePort.AXI4:
            return operands, job
        # All strobes in the first access to a register.
        job = replace(job, base=HIGH_BASE if config.address_bits > 33 else 0, seed=0b1111000)
        try:
            _ = job.image
        except UserError:
            if blocks == 1:
                raise
        else:
            return operands, job
    raise AssertionError("unreachable")


def _operands(config: EngineConfig, blocks: int) -> _Operands:
    rows, columns = blocks * config.k, blocks * config.n
    x = np.arange(PIXELS * rows).reshape(PIXELS, rows) % 7 - 3
    # No zero but in the block that is left out: row 1, column 0.
    w = np.arange(rows * columns).reshape(rows, columns) % 3 + 1
    w[1::2] *= -1
    if blocks > 1:
        w[config.k :, : config.n] = 0
    bias = np.arange(columns) % 5 * 3
    if config.core is Core.SYSTOLIC:
        if isinstance(config.weight, SignMagnitude):
            largest = (1 << config.weight.bits - 1) - 1
            return _Operands(x.astype(np.float64), np.clip(w, -largest, largest), {"bias": bias})
        return _Operands(x.astype(np.float64), w.astype(np.float64), {"bias": bias})
    parameters = {"bias": bias}
    if config.requantise:
        largest = int(np.abs(x @ w + bias).max())
        shift = max(1, (largest // 64).bit_length())
        parameters |= {"scale": np.ones(columns, np.int64), "shift": np.full(columns, shift)}
        if config.result_zero_point:
            parameters["zero_point"] = np.full(columns, 5)
    return _Operands(x.astype(np.int8), w.astype(np.int8), parameters)


def _numbers(config: EngineConfig, operands: _Operands, job: Job) -> str:
    """Return what is computed, in words and in numbers."""
    rows, columns = operands.w.shape
    y = job.expected.reshape(PIXELS, columns)
    values = to_float64(y, reference.float_format(config.accumulator)) if config.core is Core.SYSTOLIC else y
    said = "`Y = X W + bias`"
    if config.requantise:
        even = config.requantise_rounding is RequantiseRounding.HALF_EVEN
        half = "to the even one" if even else "away from zero"
        zero = " + zero point" if config.result_zero_point else ""
        said = f"`Y = (X W + bias) scale / 2^shift{zero}`, rounded to the nearest integer, the middle {half},"
    missing = (
        f" Block row 1 of block column 0 is zero, so that it is not stored: {rows // config.k} x "
        f"{columns // config.n} blocks of {config.k} x {config.n}, 3 of them kept."
        if rows > config.k
        else ""
    )
    shown = {"X": operands.x, "W": operands.w}
    shown |= {name: values[None] for name, values in operands.columns.items()}
    return (
        f"{said} for {PIXELS} rows of {rows} activations and {columns} columns.{missing} Y is what the "
        "golden\n"
        f"model computes.\n\n{matrices({**shown, 'Y': values})}\n"
    )


def _streams(config: EngineConfig, job: Job, ports: Ports) -> list[Stream]:
    """Return the transfers of all streams, as docs/engine.md lays them out."""
    went_in: LayerStreams = job.streams
    rows, _ = result_units(job.program, job.expected)
    results = packed(rows.reshape(len(rows), -1), config.result_bits)
    data = {
        "commands": (went_in.commands, [OPCODES[slots[0] & 3] for slots in job.program.commands()]),
        "index": (went_in.index, [_entry(entry) for entry in _words(went_in.index)]),
        "weights": (went_in.weights, list(_beats(config, _words(went_in.index)))),
        "activations": (went_in.activations, _places(activation_units, job, "channels")),
        "results": (results, _places(result_units, job, "outputs")),
    }
    found = []
    for interface in ports.interfaces:
        for channel in interface.channels:
            if channel.name in data:
                pin = max(channel.payload, key=lambda pin: pin.width)
                rows, what = data[channel.name]
                found.append(Stream(channel.name, pin.name, pin.width, _words(rows), what))
    return found


def _words(rows: npt.NDArray[np.uint8]) -> list[int]:
    return [int.from_bytes(row.tobytes(), "little") for row in np.ascontiguousarray(rows)]


def _entry(entry: int) -> str:
    row = "no block" if entry & EMPTY else f"block row {entry & (EMPTY - 1)}"
    return row + (", the last of its column" if entry & LAST else "")


def _beats(config: EngineConfig, entries: list[int]) -> Iterator[str]:
    """Yield what each beat of weights is: a header, then blocks, for each column that the index ends."""
    column: list[int] = []
    number = 0
    for entry in entries:
        column.append(entry)
        if not entry & LAST:
            continue
        for beat in range(config.header_beats):
            yield f"block column {number}: header, beat {beat}"
        for each in column:
            if not each & EMPTY:
                for beat in range(config.block_beats):
                    yield f"block column {number}: block of row {each & (EMPTY - 1)}, beat {beat}"
        column, number = [], number + 1


def _places(units: Any, job: Job, what: str) -> list[str]:
    """Return which pixels and channels each transfer has, from how the golden model packs them."""
    layer = job.program.layer
    channels = layer.channels if what == "channels" else layer.outputs
    numbers = np.arange(1, layer.height * layer.width * channels + 1)  # 0 is what fills up
    packed_numbers = units(job.program, numbers.reshape(layer.height, layer.width, channels))
    rows = packed_numbers[0] if isinstance(packed_numbers, tuple) else packed_numbers
    found = []
    for row in rows.reshape(len(rows), -1):
        there = row[row > 0] - 1
        pixels, places = np.unique(there // channels), there % channels
        which = ", ".join(map(str, pixels.tolist()))
        found.append(f"row{'s' * (len(pixels) > 1)} {which}: {what} {places.min()} to {places.max()}")
    return found


def _stream_diagrams(ports: Ports) -> list[Diagram]:
    channels = _channels(ports)
    plain = [channels[name] for name in ("busy",) if name in channels]
    return [
        Diagram(
            "Commands and operands", [channels[n] for n in ("commands", "index", "weights", "activations")]
        ),
        Diagram("Results", [channels["results"], *plain]),
    ]


def _axi_diagrams(ports: Ports, trace: Trace) -> list[Diagram]:
    channels = _channels(ports)
    ends = ("status", "busy", "irq")
    end = [channels[name] for name in ends if name in channels]
    reads = Diagram("Memory reads", [channels[f"m_axi {name}"] for name in ("ar", "r")])
    writes = Diagram("Memory writes", [*(channels[f"m_axi {name}"] for name in ("aw", "w", "b")), *end])
    if "start" in channels:
        return [
            Diagram("Start", [channels["start"], channels["m_axi ar"], channels["busy"]], 1),
            reads,
            writes,
        ]
    lite = [channels[f"s_axi {name}"] for name in ("aw", "w", "b", "ar", "r")]
    return [
        Diagram("Start by a register", [*lite[:3], channels["m_axi ar"]], cycles=_start(trace, channels)),
        Diagram("Interrupt and its registers", [channels["irq"], *lite[3:]], 1),
        reads,
        writes,
    ]


def _start(trace: Trace, channels: Mapping[str, Channel]) -> range:
    """Return the cycles from the last write before the first read of memory until that."""
    first = trace.transfers(channels["m_axi ar"])[0]
    write = [cycle for cycle in trace.transfers(channels["s_axi aw"]) if cycle <= first][-1]
    return range(write - 1, first + 2)


def _channels(ports: Ports) -> dict[str, Channel]:
    """Return channels by name; those of AXI4 and AXI4-Lite behind their interface's."""
    return {
        f"{interface.name} {channel.name}" if len(interface.channels) > 1 else channel.name: channel
        for interface in ports.interfaces
        for channel in interface.channels
    }
