"""Operands for one element at a time, drawn to reach gates that only long carries reach.

What benches draw (``tileloom_sim.systolic.stimulus``) meets the ends of the range, cancellation and ties; a
gate in the middle of a carry chain changes a result only where all bits below it are ones. Here products and
sums are made to have such runs, of every length.
"""

from __future__ import annotations

import numpy as np

from tileloom.formats import FloatFormat, Format
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.checks import Words
from tileloom_sim.systolic.stimulus import adder_pairs, float_words, multiplier_pairs


def factors(rng: np.random.Generator, config: SystolicConfig, count: int) -> tuple[Words, Words]:
    """Return ``count`` activations and weights.

    Those of benches, products with long runs of ones, and products so small that what cancellation leaves of
    them can be too small.
    """
    a, w = multiplier_pairs(rng, config.activation, config.weight, config.accumulator, count)
    order = rng.permutation(count)  # they come sorted by kind
    a, w = a[order], w[order]
    chosen = rng.random(count) < 0.5
    a[chosen] = _with_long_product(rng, config.activation, a[chosen], _significand(w[chosen], config.weight))
    low = rng.random(count) < 0.2
    a[low] = _with_low_product(rng, config, a[low], w[low])
    return a, w


def _with_low_product(
    rng: np.random.Generator, config: SystolicConfig, words: Words, weights: Words
) -> Words:
    """Return activations whose products with ``weights`` have exponents near the accumulator's lowest."""
    own, weight, accumulator = config.activation, config.weight, config.accumulator
    if isinstance(weight, FloatFormat):
        scale = (weights >> np.uint64(weight.fraction_bits)).astype(np.int64) & weight.infinity_exponent
        scale -= weight.bias
    else:
        scale = np.frexp(_significand(weights, weight).astype(np.float64))[1] - 1
    wanted = rng.integers(1, accumulator.fraction_bits + 3, len(words)) - accumulator.bias
    exponent = np.clip(wanted - scale + own.bias, 1, own.infinity_exponent - 1).astype(np.uint64)
    bits = np.uint64(own.fraction_bits)
    kept = np.uint64(1 << (own.width - 1)) | np.uint64((1 << own.fraction_bits) - 1)
    return words & kept | exponent << bits


def _significand(words: Words, number_format: Format) -> np.ndarray:
    if isinstance(number_format, FloatFormat):
        leading = 1 << number_format.fraction_bits
        return (words & np.uint64(leading - 1)).astype(np.int64) | leading
    return np.maximum((words & np.uint64((1 << number_format.magnitude_bits) - 1)).astype(np.int64), 1)


def _with_long_product(
    rng: np.random.Generator, number_format: FloatFormat, words: Words, other: np.ndarray
) -> Words:
    """Return words with fractions such that the product with ``other`` lies next to a round number."""
    bits = number_format.fraction_bits
    fraction = (words & np.uint64((1 << bits) - 1)).astype(np.int64)
    product = (fraction | 1 << bits) * other
    place = rng.integers(0, 2 * bits + 2, len(words))
    target = (product >> place) << place
    factor = target // other + rng.integers(-1, 2, len(words))
    fraction = np.where(factor >> bits == 1, factor - (1 << bits), fraction)
    return words & ~np.uint64((1 << bits) - 1) | fraction.astype(np.uint64)


def partial_sums(rng: np.random.Generator, config: SystolicConfig, products: Words) -> Words:
    """Return a partial sum for each product that it will meet.

    Its opposite or nearly, one with a long carry, or anything that benches draw, infinity among it.
    """
    accumulator = config.accumulator
    count, bits = len(products), accumulator.fraction_bits
    sign = np.uint64(1 << (accumulator.width - 1))
    magnitude = (products & (sign - np.uint64(1))).astype(np.int64)
    largest = accumulator.infinity_exponent << bits
    most = np.where(rng.random(count) < 0.5, 1, bits + 2)
    step = rng.integers(-3, 4, count) << rng.integers(0, most)
    near = np.clip(magnitude + step * (rng.random(count) < 0.8), 0, largest).astype(np.uint64)
    near |= (products & sign) ^ np.where(rng.random(count) < 0.75, sign, np.uint64(0))
    return np.choose(
        rng.integers(0, 4, count),
        [
            near,
            _with_long_sum(rng, accumulator, products),
            float_words(rng, accumulator, count, infinity=True),
            rng.permutation(adder_pairs(rng, accumulator, count, infinity=True)[0]),
        ],
    )


def _with_long_sum(rng: np.random.Generator, number_format: FloatFormat, words: Words) -> Words:
    """Return larger addends for ``words``: the sum has a run of ones at its end, or just not."""
    bits, count = number_format.fraction_bits, len(words)
    exponent = (words >> np.uint64(bits)).astype(np.int64) & number_format.infinity_exponent
    significand = (words & np.uint64((1 << bits) - 1)).astype(np.int64) | 1 << bits
    gap = rng.integers(0, bits + 3, count)
    run = (np.int64(1) << rng.integers(0, bits + 1, count)) - 1
    opposite = rng.random(count) < 0.5
    sums = rng.integers(1 << bits, 2 << bits, count) | run
    sums += rng.integers(-1, 2, count)
    fraction = np.where(opposite, sums + (significand >> gap), sums - (significand >> gap)) & (
        (1 << bits) - 1
    )
    raised = np.clip(exponent + gap, 0, number_format.infinity_exponent - 1)
    negative = (words >> np.uint64(number_format.width - 1)).astype(np.int64) ^ opposite
    return (fraction | raised << bits | negative << (number_format.width - 1)).astype(np.uint64)
