"""The worked example of a systolic array: two vectors through one tile of weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom import scratch
from tileloom.config import from_plain
from tileloom.design import Design
from tileloom.formats import SignMagnitude
from tileloom.package.pins import Ports
from tileloom.systolic.config import Port, SystolicConfig
from tileloom_golden.integers import sign_magnitude
from tileloom_golden.rounding import to_float64
from tileloom_golden.words import encode

from ..package.example import Example, Stream, matrices
from ..package.timing_diagram import Diagram
from ..package.trace import Trace, read_trace
from . import beats, host_example, reference
from .gemm import golden_gemm
from .harness import build_harness, run_harness

VECTORS = 2


def example(design: Design, ports: Ports) -> Example:
    """Return the example of an array.

    Raises CheckError where the array does not give the golden model's words, ToolError where a tool is
    missing or fails.
    """
    config = from_plain(SystolicConfig, design.manifest["config"])
    assert isinstance(config, SystolicConfig)
    x, w = _operands(config)
    activations = encode(x, reference.float_format(config.activation))
    weights = _weight_words(config, w)
    results = golden_gemm(config, activations, weights)
    values = to_float64(results, reference.float_format(config.accumulator))
    text = _TEXT.format(
        rows=config.rows,
        columns=config.columns,
        matrices=matrices({"X": x, "W": w, "Y": values}),
        kinds=f"X in {config.activation}, W in {config.weight}, Y in {config.accumulator}",
    )
    if config.host:
        steps, trace = host_example.run_example(design, ports, config, activations, weights)
        text = f"{text}\n{_EXECUTED}\n{host_example.listed(steps)}"
        return Example(text, trace, host_example.diagrams(config, ports))
    trace = _simulate(design, ports, config, activations, weights)
    return Example(text, trace, _diagrams(ports), _streams(config, ports, activations, weights, results))


_TEXT = """\
`Y = X W` for two vectors of {rows} activations and a tile of {rows} x {columns} weights ({kinds}); every sum
starts from +0. Y is what the golden model computes, rounded as the array rounds.

{matrices}"""

_EXECUTED = """\
These instructions ran on this design in simulation; what rd is afterwards is what the golden model has. A
step returns a result of two vectors before; here there is none, and `tl.read` gets them.
"""


def _operands(config: SystolicConfig) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return X and W: whole numbers from -3 to 3, which every format has but small integers."""
    largest = (1 << config.weight.bits - 1) - 1 if isinstance(config.weight, SignMagnitude) else 3
    x = np.arange(VECTORS * config.rows).reshape(VECTORS, config.rows) % 7 - 3
    w = np.arange(config.rows * config.columns).reshape(config.rows, config.columns) * 5 % 7 - 3
    return x.astype(np.float64), np.clip(w, -largest, largest).astype(np.float64)


def _weight_words(config: SystolicConfig, w: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    if isinstance(config.weight, SignMagnitude):
        return sign_magnitude(w.astype(np.int64), config.weight.bits)
    return encode(w, reference.float_format(config.weight))


def _simulate(design: Design, ports: Ports, config: SystolicConfig, x: Any, w: Any) -> Trace:
    program = build_harness(design, waves=True)
    with scratch.folder() as folder:
        waves = folder / "pins.vcd"
        run_harness(
            program,
            folder,
            vectors=VECTORS,
            tiles=[(0, 0)],
            weights=beats.weight_beats(config, w[None]),
            activations=beats.vector_beats(config, x, config.activation.width),
            waves=waves,
        )
        return read_trace(waves, ports)


def _diagrams(ports: Ports) -> list[Diagram]:
    """Return the streams' transfers, and of an array behind registers the accesses to these."""
    of = {channel.name: channel for interface in ports.interfaces for channel in interface.channels}
    streams = [of[name] for name in ("weights", "activations", "psum_in", "results") if name in of]
    if "irq" not in of:
        return [Diagram("One tile", streams)]
    return [
        Diagram("One job", [of["irq"], *streams]),
        Diagram("Writing registers", [of["aw"], of["w"], of["b"]]),
        Diagram("Reading registers", [of["irq"], of["ar"], of["r"]]),
    ]


def _streams(config: SystolicConfig, ports: Ports, x: Any, w: Any, y: Any) -> list[Stream]:
    """Return the transfers of all streams, as docs/systolic.md lays them out."""
    word_port = config.port is Port.WORD
    rows, columns, per = config.rows, config.columns, config.weights_per_word if word_port else 0
    data = {
        "weights": beats.weight_beats(config, w[None]),
        "activations": beats.vector_beats(config, x, config.activation.width),
        "results": beats.vector_beats(config, y, config.accumulator.width),
    }
    if word_port:
        what = {
            "weights": [
                f"row {row}: {_span('W', row, first, min(first + per, columns))}, from the most significant "
                "bits"
                for row in range(rows)
                for first in range(0, columns, per)
            ],
            "activations": [f"X[{m}, {k}]" for m in range(VECTORS) for k in range(rows)],
            "results": [f"Y[{m}, {n}]" for m in range(VECTORS) for n in range(columns)],
        }
    else:
        what = {
            "weights": [f"row {row}: {_span('W', row, 0, columns)}" for row in range(rows)],
            "activations": [f"vector {m}: {_span('X', m, 0, rows)}" for m in range(VECTORS)],
            "results": [f"vector {m}: {_span('Y', m, 0, columns)}" for m in range(VECTORS)],
        }
    what["activations"][-1] += "; `last`"
    what["results"][-1] += "; `last`"
    found = []
    for interface in ports.interfaces:
        for channel in interface.channels:
            if channel.name in data:
                pin = max(channel.payload, key=lambda pin: pin.width)
                words = beats.integers(data[channel.name])
                found.append(Stream(channel.name, pin.name, pin.width, words, what[channel.name]))
    return found


def _span(name: str, row: int, begin: int, end: int) -> str:
    """Return which elements of a row a word holds, the first in the least significant bits."""
    return f"{name}[{row}, {begin}]" if end == begin + 1 else f"{name}[{row}, {begin}..{end - 1}]"
