"""A lane of an engine's requantisation as a netlist, with other numbers in each lane of a simulation.

Its results are held to the golden model.

Drawn are results, biases and scales at the ends of their ranges and anywhere; shifts that bring the product
near INT8's range, and any; and results whose product lies next to a half, where rounding is decided.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig
from tileloom.engine.requantise import LATENCY, SCALE_BITS, SHIFT_BITS, parameters_layout
from tileloom_golden.requantise import Requantisation, requantise

from ..check.outcome import Comparison
from ..gates import bits
from ..gates.flat import Flat
from ..gates.simulator import Simulator

LANES = 4096
"""Lanes simulated at once."""

INT32 = -(1 << 31), (1 << 31) - 1

Integers = npt.NDArray[np.int64]


def _mixed(rng: np.random.Generator, lanes: int, low: int, high: int, ends: list[int]) -> Integers:
    """Return numbers from ``low`` to ``high``: of ``ends``, of any size, or anywhere."""
    size = rng.integers(0, high.bit_length() + 1, lanes)
    small = rng.integers(0, 1 << 62, lanes) >> (62 - size)
    small = np.where(rng.random(lanes) < 0.5, small, -small)
    kinds = [rng.choice(ends, lanes), np.clip(small, low, high), rng.integers(low, high + 1, lanes)]
    return np.choose(rng.integers(0, 3, lanes), kinds)


def draw(rng: np.random.Generator, lanes: int, *, zero_point: bool) -> dict[str, Integers]:
    """Return results and parameters, one of each for every lane."""
    result = _mixed(rng, lanes, *INT32, [*INT32, -1, 0, 1])
    bias = _mixed(rng, lanes, *INT32, [*INT32, -1, 0, 1])
    most = (1 << SCALE_BITS) - 1
    scale = np.abs(_mixed(rng, lanes, 0, most, [0, 1, most]))
    size = np.frexp(np.abs((result + bias) * scale).astype(np.float64))[1]
    near = np.clip(size - rng.integers(5, 11, lanes), 0, (1 << SHIFT_BITS) - 1)
    shift = np.where(rng.random(lanes) < 0.8, near, rng.integers(0, 1 << SHIFT_BITS, lanes))
    # Half of a step of the result, and what is just not.
    half = ((2 * rng.integers(-130, 131, lanes) + 1) << np.minimum(shift, 40)) // 2
    tied = half // np.maximum(scale, 1) + rng.integers(-1, 2, lanes) - bias
    tied = np.where((tied >= INT32[0]) & (tied <= INT32[1]), tied, result)
    result = np.where(rng.random(lanes) < 0.5, tied, result)
    zero = _mixed(rng, lanes, -128, 127, [-128, -1, 0, 1, 127])
    return {
        "result": result,
        "bias": bias,
        "scale": scale,
        "shift": shift,
        "zero": zero if zero_point else np.zeros(lanes, np.int64),
    }


def _golden(config: EngineConfig, drawn: dict[str, Integers], relu: npt.NDArray[np.bool_]) -> Integers:
    parameters = Requantisation(*(drawn[name] for name in ("bias", "scale", "shift", "zero")))
    rounding = config.requantise_rounding.value
    both = [
        requantise(drawn["result"][None], parameters, relu=each, rounding=rounding) for each in (False, True)
    ]
    return np.where(relu, both[1][0], both[0][0]).astype(np.int64)


def check_requantise(config: EngineConfig, flat: Flat, rng: np.random.Generator, vectors: int) -> Comparison:
    """Return how a lane's netlist compares with the golden model over at least ``vectors`` results."""
    began = time.perf_counter()
    lanes = min(LANES, vectors)
    found = Comparison("requantisation", "result of a lane")
    simulator = Simulator(flat, words=bits.words_of(lanes), clock="clk", rng=rng)
    layout = parameters_layout(zero_point=config.result_zero_point)
    # What is on its way, the latest first; each stage moves where its lane is enabled.
    flying: list[dict[str, Any]] = [draw(rng, lanes, zero_point=config.result_zero_point)] * LATENCY
    q = np.zeros(lanes, np.int64)
    cycle = 0
    while found.vectors < vectors:
        filling = cycle <= LATENCY
        enable = np.ones(lanes, np.bool_) if filling else rng.random(lanes) < 0.8
        new = draw(rng, lanes, zero_point=config.result_zero_point)
        relu = rng.random(lanes) < 0.5
        for port, value in (("enable", bits.one(enable)), ("relu", bits.one(relu))):
            simulator.set(port, value)
        simulator.set("result", _nets(new["result"], 32))
        fields = [_nets(new[name], field.width) for name, field in layout]
        simulator.set("parameters", np.vstack(fields))
        simulator.settle()
        if not filling:
            got = bits.as_words(simulator.get("q"), lanes, 8)[:, 0]
            found.compare(got, q.astype(np.uint8).astype(np.uint64), where=f"q in cycle {cycle}, lane ")
            found.vectors += int(enable.sum())
        simulator.tick()
        # The last stage before q is where ReLU is decided.
        q = np.where(enable, _golden(config, flying[LATENCY - 2], relu), q)
        for place in range(LATENCY - 1, 0, -1):
            flying[place] = _moved(flying[place], flying[place - 1], enable)
        flying[0] = _moved(flying[0], new, enable)
        cycle += 1
    found.seconds = time.perf_counter() - began
    return found


def _moved(
    old: dict[str, Integers], new: dict[str, Integers], enable: npt.NDArray[np.bool_]
) -> dict[str, Integers]:
    return {name: np.where(enable, new[name], old[name]) for name in old}


def _nets(values: Integers, width: int) -> Any:
    return bits.of_words(values.astype(np.uint64) & np.uint64((1 << width) - 1), width)
