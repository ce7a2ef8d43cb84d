"""A processing element's netlist against the golden model: every lane an element of its own, with holds.

Operands are drawn where arithmetic goes wrong: factors whose products lie at the ends of the range or next to
a power of two, partial sums that cancel with the product that they meet, infinities, zeros of all kinds.
"""

from __future__ import annotations

import time

import numpy as np

from tileloom.arith.factor import FactorFormat
from tileloom.formats import FloatFormat, Format
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.checks import Words
from tileloom_golden.formats import Float, Rounding
from tileloom_golden.rounding import add, flush, leading_one, multiply, unpack
from tileloom_sim.systolic import reference

from ..check.outcome import Comparison
from ..gates import bits
from ..gates.bits import Bools
from ..gates.flat import Flat
from ..gates.simulator import Simulator
from .operands import factors, partial_sums

LANES = 4096
"""Elements simulated at once."""


def encoded(words: Words, number_format: Format) -> Words:
    """Return words of weights as an element is given them (``tileloom.arith.factor``)."""
    factor = FactorFormat.of(number_format)
    whole = words.astype(np.int64)
    if isinstance(number_format, FloatFormat):
        places = number_format.fraction_bits
        fraction, exponent = (
            whole & ((1 << places) - 1),
            whole >> places & ((1 << number_format.exponent_bits) - 1),
        )
    else:
        places = number_format.magnitude_bits - 1
        magnitude = whole & ((2 << places) - 1)
        lead = leading_one(magnitude, places + 1)
        fraction = (magnitude << np.maximum(places - lead, 0)) & ((1 << places) - 1)
        exponent = np.where(magnitude == 0, factor.zero, lead)
        fraction = np.where(magnitude == 0, 0, fraction)
    sign = whole >> (number_format.width - 1) & 1
    word = exponent << factor.digit_bits | sign << (factor.digit_bits + factor.exponent_bits)
    return (word | _digits(fraction | 1 << places, places + 1) if places else word).astype(np.uint64)


def _digits(significands: np.ndarray, width: int) -> np.ndarray:
    """Return significands as digits of radix 4, two bits each: 3 stands for -1, and carries."""
    word, carry = np.zeros_like(significands), np.zeros_like(significands)
    for place in range(0, width - 2 + width % 2, 2):
        digit = (significands >> place & 3) + carry
        carry = (digit >= 3).astype(np.int64)
        word |= (digit & 3) << place
    place = (width - 1) // 2 * 2
    # What is left is 1 and a carry, of which the carry is kept, or 2 or 3 and a carry, modulo 4.
    return word | (carry if width % 2 else (significands >> place) + carry & 3) << place


def canonical(words: Words, number_format: Float) -> Words:
    """Return words with what an element leaves open made exact: of zero all, of infinity the fraction."""
    exponent = words & np.uint64(number_format.infinity)
    ends = (exponent == 0) | (exponent == number_format.infinity)
    sign = words & np.uint64(1 << (number_format.width - 1))
    return np.where(ends, np.where(exponent == 0, 0, exponent | sign), words)


class Reference:
    """A processing element in every lane, word for word, as ``ProcessingElement`` describes it."""

    def __init__(self, config: SystolicConfig, lanes: int) -> None:
        self.config = config
        self.format = reference.float_format(config.accumulator)
        self.rounding = Rounding(config.rounding.value)
        zeros = np.zeros(lanes, np.uint64)
        self.activation, self.weight, self.shadow = zeros, zeros, zeros
        self.products = [zeros] * config.multiply_stages
        self.sums = [zeros] * config.add_stages
        self.swap = np.zeros(lanes, np.bool_)

    @property
    def zero(self) -> Bools:
        """Where the activation is zero."""
        number_format = reference.float_format(self.config.activation)
        return np.asarray(self.activation & np.uint64(number_format.infinity) == 0)

    def cycle(self, enable: Bools, write: Bools, swap: Bools, a: Words, w: Words, psum: Words) -> None:
        """Take a cycle's inputs."""
        product = multiply(
            unpack(self.activation, reference.float_format(self.config.activation)),
            unpack(self.weight, reference.operand_format(self.config.weight)),
            self.format,
            self.rounding,
        )
        total = add(flush(psum, self.format), self.products[-1], self.format, self.rounding)
        self.sums = [
            np.where(enable, new, old) for new, old in zip([total, *self.sums], self.sums, strict=False)
        ]
        self.products = [
            np.where(enable, new, old)
            for new, old in zip([product, *self.products], self.products, strict=False)
        ]
        if self.config.double_buffer:
            self.weight = np.where(enable & swap, self.shadow, self.weight)
            self.shadow = np.where(write, w, self.shadow)
            self.swap = np.where(enable, swap, self.swap)
        else:
            self.weight = np.where(write, w, self.weight)
        self.activation = np.where(enable, a, self.activation)


def check_element(config: SystolicConfig, flat: Flat, rng: np.random.Generator, vectors: int) -> Comparison:
    """Return how an element's netlist compares with the golden model over at least ``vectors`` steps.

    A vector is a step of the element in one lane: a cycle in which it is enabled.
    """
    began = time.perf_counter()
    lanes = min(LANES, vectors)
    found = Comparison("processing element", "step of an element")
    simulator = Simulator(flat, words=bits.words_of(lanes), clock="clk", rng=rng)
    model = Reference(config, lanes)
    accumulator = model.format
    depth = 2 + config.multiply_stages + config.add_stages
    if "rst" in simulator.ports:  # of a double buffer's swap, where an element passes it on
        simulator.set("rst", 1)
        simulator.settle()
        simulator.tick()
        simulator.set("rst", 0)
    cycle = 0
    while found.vectors < vectors:
        # First everything is filled, once each, so that both know what is in every register.
        filling = cycle < 2 * depth
        enable = np.ones(lanes, np.bool_) if filling else rng.random(lanes) < 0.8
        write = np.full(lanes, True) if filling else rng.random(lanes) < 0.4
        swap = np.full(lanes, config.double_buffer) if filling else rng.random(lanes) < 0.4
        a, w = factors(rng, config, lanes)
        psum = partial_sums(rng, config, model.products[-1])
        simulator.set("enable", bits.one(enable))
        simulator.set("weight_write", bits.one(write))
        if config.double_buffer:
            simulator.set("swap_in", bits.one(swap))
        if config.gate_zeros:
            exponent = a & np.uint64(reference.float_format(config.activation).infinity)
            simulator.set("zero_in", bits.one(exponent == 0))
        simulator.set("activation_in", bits.of_words(a, config.activation.width))
        weights = encoded(w, config.weight)
        simulator.set("weight_in", bits.of_words(weights, FactorFormat.of(config.weight).width))
        simulator.set("psum_in", bits.of_words(psum, accumulator.width))
        simulator.settle()
        if not filling:
            got = bits.as_words(simulator.get("psum_out"), lanes, accumulator.width)[:, 0]
            found.compare(
                canonical(got, accumulator), model.sums[-1], where=f"psum_out in cycle {cycle}, lane "
            )
            _compare_passed_on(found, simulator, model, cycle)
            found.vectors += int(enable.sum())
        simulator.tick()
        model.cycle(enable, write, swap, a, w, psum)
        cycle += 1
    found.seconds = time.perf_counter() - began
    return found


def _compare_passed_on(found: Comparison, simulator: Simulator, model: Reference, cycle: int) -> None:
    """Compare what an element passes on to the next in its row; an array of one column has no such ports."""
    lanes, config = len(model.activation), model.config
    where = f"in cycle {cycle}, lane "
    if "activation_out" in simulator.ports:
        passed = bits.as_words(simulator.get("activation_out"), lanes, config.activation.width)[:, 0]
        # A zero that is gated travels as a bit, and the word beside it means nothing.
        known = ~model.zero if config.gate_zeros else None
        found.compare(passed, model.activation, known, where=f"activation_out {where}")
    for port, expected in (("swap_out", model.swap), ("zero_out", model.zero)):
        if port in simulator.ports:
            told = bits.to_lanes(simulator.get(port), lanes)[:, 0]
            found.compare(told, expected, where=f"{port} {where}")
