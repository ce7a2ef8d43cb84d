"""An engine's compute core as a netlist against the golden model, through its own ports, in every lane.

Blocks of B come at random, are taken when they are there, and serve one to three tiles of A with pauses
between. The engine's other parts hold no arithmetic but requantisation, and can be proved.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.engine import dot_product, systolic_core
from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.core import Timing
from tileloom_golden.formats import Rounding
from tileloom_golden.rounding import add, flush, multiply, unpack
from tileloom_sim.systolic import reference
from tileloom_sim.systolic.stimulus import float_words, gemm_words

from ..check.outcome import Comparison
from ..check.streams import Source
from ..gates import bits
from ..gates.flat import Flat
from ..gates.simulator import Simulator

BLOCKS = 4
"""Blocks of B in each lane."""

ENDS = np.array([-128, -127, -1, 0, 1, 127])
"""Of INT8."""

Array = npt.NDArray[Any]


class Integers:
    """Operands and results of a dot-product core: INT8, sums of INT32 that wrap. Words are uint64."""

    def __init__(self, config: EngineConfig, rng: np.random.Generator) -> None:
        self.config, self.rng = config, rng

    def _values(self, shape: tuple[int, ...]) -> Array:
        kinds = [np.full(shape, -128), self.rng.choice(ENDS, shape), self.rng.integers(-128, 128, shape)]
        chosen = self.rng.integers(0, 4, (shape[0], *[1] * (len(shape) - 1)))
        return np.choose(np.minimum(chosen, 2), kinds)

    def draw(self, lanes: int) -> tuple[Array, Array]:
        """Return tiles of A and partial sums for every lane."""
        config = self.config
        psum = self.rng.integers(0, 1 << 32, (lanes, config.m, config.n), np.uint64)
        return self._values((lanes, config.m, config.k)).astype(np.uint8).astype(np.uint64), psum

    def blocks(self, lanes: int) -> Array:
        """Return a block of B for every lane."""
        values = self._values((lanes, self.config.k, self.config.n))
        return values.astype(np.uint8).astype(np.uint64)

    def result(self, a: Array, block: Array, psum: Array) -> Array:
        """Return partial sums plus tiles times blocks."""
        signed = [each.astype(np.uint8).view(np.int8).astype(np.int64) for each in (a, block)]
        return (psum.astype(np.int64) + signed[0] @ signed[1]).astype(np.uint32).astype(np.uint64)


class Floats:
    """The same of a systolic core: words of its formats, summed in order of k."""

    def __init__(self, config: EngineConfig, rng: np.random.Generator) -> None:
        self.array, self.config, self.rng = config.systolic, config, rng

    def draw(self, lanes: int) -> tuple[Array, Array]:
        """Return tiles of A and partial sums for every lane."""
        array = self.array
        shape = lanes, self.config.k, self.config.n
        a, _, psum = gemm_words(self.rng, shape, array.activation, array.weight, array.accumulator)
        anything = float_words(self.rng, array.accumulator, psum.shape, infinity=True)
        psum = np.where(self.rng.random((lanes, 1)) < 0.2, anything, psum)
        return a[:, None, :], psum[:, None, :]

    def blocks(self, lanes: int) -> Array:
        """Return a block of B for every lane."""
        array, (k, n) = self.array, (self.config.k, self.config.n)
        w = gemm_words(self.rng, (1, k, n * lanes), array.activation, array.weight, array.accumulator)[1]
        return w.reshape(k, lanes, n).swapaxes(0, 1)

    def result(self, a: Array, block: Array, psum: Array) -> Array:
        """Return partial sums plus tiles times blocks."""
        array = self.array
        accumulator, rounding = reference.float_format(array.accumulator), Rounding(array.rounding.value)
        x = unpack(a[:, 0, :, None], reference.float_format(array.activation))
        w = unpack(block, reference.operand_format(array.weight))
        total = flush(psum[:, 0], accumulator)
        for k in range(self.config.k):
            total = add(total, multiply(x[:, k], w[:, k], accumulator, rounding), accumulator, rounding)
        return total[:, None]


def numbers_of(config: EngineConfig, rng: np.random.Generator) -> Integers | Floats:
    """Return the operands of a core's kind."""
    return Integers(config, rng) if config.core is Core.DOT_PRODUCT else Floats(config, rng)


def timing_of(config: EngineConfig) -> Timing:
    """Return a core's fixed numbers of cycles."""
    return (dot_product if config.core is Core.DOT_PRODUCT else systolic_core).timing(config)


def check_core(
    config: EngineConfig, flat: Flat, rng: np.random.Generator, *, lanes: int = bits.LANES
) -> Comparison:
    """Return how a core's netlist compares with the golden model: ``BLOCKS`` blocks of B in each lane."""
    began = time.perf_counter()
    found = Comparison("compute core", "tile of A")
    simulator = Simulator(flat, words=bits.words_of(lanes), clock="clk", rng=rng)
    numbers = numbers_of(config, rng)
    timing = timing_of(config)
    blocks = np.stack([numbers.blocks(lanes) for _ in range(BLOCKS)], axis=1)
    beats = _beats(config, blocks, rng)
    source = Source(simulator, "weights__valid", "weights__ready", ["weights__payload"], beats, 0.3, rng)
    for port in flat.inputs - {"clk"}:
        simulator.set(port, 0)
    simulator.set("rst", 1)
    simulator.settle()
    simulator.tick()
    simulator.set("rst", 0)
    # A dot product has no use for the one, a systolic array none for the other.
    has_last, has_take = "last" in simulator.ports, "take" in simulator.ports
    lane = np.arange(lanes)
    current, left = np.full(lanes, -1), np.zeros(lanes, np.int64)
    flying: list[tuple[Array, Array, Array]] = []
    for cycle in range(60 * BLOCKS + 20 * BLOCKS * config.block_beats):
        source.drive()
        if has_take:
            simulator.set("take", 0)
        simulator.settle()
        ready = bits.to_lanes(simulator.get("block_ready"), lanes)[:, 0]
        takes = (left == 0) & ready & (current < BLOCKS - 1)
        current = current + takes
        left = np.where(takes, rng.integers(1, 4, lanes), left)
        valid = takes | (left > 0) & (rng.random(lanes) < 0.8)
        a, psum = numbers.draw(lanes)
        if has_take:
            simulator.set("take", bits.one(takes))
        simulator.set("valid", bits.one(valid))
        if has_last:
            simulator.set("last", bits.one(np.where(valid, left == 1, rng.random(lanes) < 0.5)))
        simulator.set("activations", bits.of_words(a, config.element_bits))
        left = left - valid
        expected = numbers.result(a, blocks[lane, np.maximum(current, 0)], psum)
        flying.append((valid, psum, expected))
        noise = numbers.draw(lanes)[1]
        if cycle >= timing.psum_delay:
            then, theirs, _ = flying[cycle - timing.psum_delay]
            noise = np.where(then[:, None, None], theirs, noise)
        simulator.set("psum", bits.of_words(noise, config.sum_bits))
        simulator.settle()
        if cycle >= timing.latency:
            then, _, result = flying[cycle - timing.latency]
            got = bits.as_words(simulator.get("results"), lanes, config.sum_bits)
            found.compare(
                got,
                result.reshape(lanes, -1),
                then[:, None],
                where=f"results in cycle {cycle}, [lane, place] ",
            )
            found.vectors += int(then.sum())
        source.observe()
        simulator.tick()
        if not any(each[0].any() for each in flying[-timing.latency - 1 :]) and (current == BLOCKS - 1).all():
            break
    found.compare(current, np.full(lanes, BLOCKS - 1), where="blocks taken, lane ")
    found.seconds = time.perf_counter() - began
    return found


def _beats(config: EngineConfig, blocks: Array, rng: np.random.Generator) -> bits.Bools:
    """Return lanes x blocks x k x n words as lanes x beats x bits, each block filled up with noise."""
    lanes = len(blocks)
    width = config.weight_bits
    places = np.arange(width, dtype=np.uint64)
    own = (blocks.reshape(lanes, BLOCKS, -1, 1) >> places & np.uint64(1)).astype(np.bool_)
    own = own.reshape(lanes, BLOCKS, -1)
    beats = rng.integers(0, 2, (lanes, BLOCKS, config.block_beats * config.bus), np.bool_)
    beats[:, :, : own.shape[2]] = own
    return beats.reshape(lanes, -1, config.bus)
