"""Adversarial operands for the benches and the golden model's own tests: words on which rounding goes wrong.

Uniform random words almost never cancel, carry far, or land on a limit. What is drawn here does, often:
exponents that decide an alignment or an end of the range, fractions that are carry chains. A format is
anything with `exponent_bits` and `fraction_bits`, or with `bits` for sign-magnitude integers, so that the
generators' formats and the golden model's both serve. Words are uint64, and NaN is never drawn.
"""

from functools import cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tileloom_golden.checks import Words

Ints = npt.NDArray[np.int64]
Shape = int | tuple[int, ...]


@runtime_checkable
class FloatLike(Protocol):
    """What is read of a floating-point format."""

    @property
    def exponent_bits(self) -> int: ...  # noqa: D102
    @property
    def fraction_bits(self) -> int: ...  # noqa: D102


class IntegerLike(Protocol):
    """What is read of a sign-magnitude format."""

    @property
    def bits(self) -> int: ...  # noqa: D102


def float_words(
    rng: np.random.Generator, format: FloatLike, shape: Shape, *, infinity: bool = False
) -> Words:
    """Draw words: exponents over the whole range and at its ends, fractions random and patterned, zeros.

    Parameters
    ----------
    rng:
        The source.
    format:
        Of the words.
    shape:
        Of the array.
    infinity:
        Whether about one word in 20 is infinite.

    Returns
    -------
    Words
        Words (uint64) of that shape; zeros also come with a sign and with a fraction.
    """
    count = int(np.prod(shape))
    words = _pack(_signs(rng, count), _exponents(rng, format, count), _fractions(rng, format, count), format)
    if infinity:
        infinite = rng.random(count, np.float32) < 0.05
        words[infinite] = _pack(_signs(rng, count), np.full(count, _top(format) + 1), 0, format)[infinite]
    return words.reshape(shape)


def integer_words(rng: np.random.Generator, bits: int, shape: Shape) -> Words:
    """Draw sign-magnitude words: a shuffled sequence in which all 2**bits words come equally often."""
    count = int(np.prod(shape))
    words = np.resize(np.arange(1 << bits, dtype=np.uint64), count)
    if count < 1 << bits:
        words = rng.choice(1 << bits, count, replace=False).astype(np.uint64)
    return rng.permutation(words).reshape(shape)


def adder_pairs(
    rng: np.random.Generator, format: FloatLike, count: int, *, infinity: bool = False
) -> tuple[Words, Words]:
    """Draw `count` pairs of addends, each array of shape (count,).

    Every exponent gap from 0 to beyond the fraction, ties at every gap, exact cancellation and its
    neighbours, carries, sums at both ends of the range, zeros of every kind.
    """
    bits, top = format.fraction_bits, _top(format)
    sign, exponent, fraction = (
        _signs(rng, count),
        _exponents(rng, format, count),
        _fractions(rng, format, count),
    )
    kind = _strata(count, 7)

    low, high = kind[5], kind[6]  # sums that reach the ends of the range
    exponent[low] = rng.integers(1, min(bits + 4, top) + 1, exponent[low].size)
    exponent[high] = rng.integers(max(1, top - 2), top + 1, exponent[high].size)
    a = _pack(sign, exponent, fraction, format)

    gap = rng.integers(0, bits + 5, count)
    other = exponent + np.where(rng.random(count, np.float32) < 0.5, gap, -gap)
    other[low] = exponent[low] + rng.integers(-1, 2, exponent[low].size)
    other[high] = exponent[high] - rng.integers(0, 2, exponent[high].size)
    other_fraction = _fractions(rng, format, count)
    tie = kind[1]  # the smaller addend's lowest shifted-out bits are 100..0
    half = np.int64(1) << np.clip(gap[tie] - 1, 0, bits)
    other[tie] = exponent[tie] - gap[tie]
    other_fraction[tie] = (other_fraction[tie] & -half | half) & ((1 << bits) - 1)
    b = _pack(_signs(rng, count), np.clip(other, 0, top), other_fraction, format)

    near = kind[2]  # from exact cancellation to a few units in the last place away, and its like with a carry
    size = a[near].size
    magnitude = (a[near] & ((1 << _sign_at(format)) - 1)).astype(np.int64)
    largest = ((top + 1) << bits) - 1
    magnitude = np.clip(magnitude + rng.integers(-3, 4, size) * (rng.random(size) < 0.8), 0, largest)
    flip = (rng.random(size) < 0.75).astype(np.uint64)
    b[near] = magnitude.astype(np.uint64) | (sign[near] ^ flip) << _sign_at(format)
    independent = kind[3]
    b[independent] = float_words(rng, format, b[independent].size, infinity=infinity)
    if infinity:
        a[independent] = float_words(rng, format, b[independent].size, infinity=True)
    swap = rng.random(count, np.float32) < 0.5
    return np.where(swap, b, a), np.where(swap, a, b)


def multiplier_pairs(
    rng: np.random.Generator,
    a_format: FloatLike,
    b_format: FloatLike | IntegerLike,
    result_format: FloatLike,
    count: int,
) -> tuple[Words, Words]:
    """Draw `count` pairs of factors, each array of shape (count,).

    Products within three exponents of both limits of the result's format, products just beside a power
    of two, patterned and random fractions, zeros of every kind; every integer word equally often.
    """
    if not isinstance(b_format, FloatLike):
        b = integer_words(rng, b_format.bits, count)
        magnitude = (b & ((1 << (b_format.bits - 1)) - 1)).astype(np.int64)
        lead = np.frexp(np.maximum(magnitude, 1))[1].astype(np.int64) - 1
        power, significand = lead, np.maximum(magnitude, 1)
    else:
        b = float_words(rng, b_format, count)
        lead = np.full(count, b_format.fraction_bits)
        power = _exponent_of(b, b_format) - _bias(b_format)
        significand = (b & ((1 << b_format.fraction_bits) - 1)).astype(np.int64) | 1 << b_format.fraction_bits

    bits, top = a_format.fraction_bits, _top(a_format)
    exponent, fraction = _exponents(rng, a_format, count), _fractions(rng, a_format, count)
    limit, both, beside, _ = _strata(count, 4)
    for part in (limit, both):
        size = exponent[part].size
        end = np.where(rng.random(size) < 0.5, 0, _top(result_format) + 1) + rng.integers(-3, 4, size)
        exponent[part] = end - _bias(result_format) - power[part] + _bias(a_format)
    for part in (both, beside):
        # The factor that makes the product a power of two, or the next one up or down.
        partner = (np.int64(1) << (lead[part] + bits + 1)) // significand[part]
        partner += rng.integers(-1, 2, partner.size)
        fraction[part] = np.where(partner >> bits == 1, partner, 0) & ((1 << bits) - 1)
    a = _pack(_signs(rng, count), np.clip(exponent, 0, top), fraction, a_format)
    return a, b


def gemm_words(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    activation_format: FloatLike,
    weight_format: FloatLike | IntegerLike,
    accumulator_format: FloatLike,
) -> tuple[Words, Words, Words]:
    """Draw a GEMM whose sequential sums cancel, overflow and underflow.

    Rows of activations lie in turn in the middle of the range, where products reach the accumulator's
    upper limit, and where they reach the lower one. Every second step along k repeats the one before with
    the weight's sign changed, so that its product is taken away again, of half of the activations with some
    of the lowest bits changed, so that little is left.

    Parameters
    ----------
    rng:
        The source.
    shape:
        M, K, N.
    activation_format:
        Of x.
    weight_format:
        Of w.
    accumulator_format:
        Of psum and the result.

    Returns
    -------
    tuple[Words, Words, Words]
        x (M x K), w (K x N) and psum (M x N): words, finite.
    """
    m, k, n = shape
    accumulator_bias, top = _bias(accumulator_format), _top(accumulator_format)
    if isinstance(weight_format, FloatLike):
        spread = rng.integers(-2, 3, (k, n))
        weight_power = 0
        weight_exponent = np.clip(_bias(weight_format) + spread, 0, _top(weight_format)).reshape(-1)
        weight_exponent[rng.random(k * n) < 0.05] = 0
        w = _pack(_signs(rng, k * n), weight_exponent, _fractions(rng, weight_format, k * n), weight_format)
        w, sign_at = w.reshape(k, n), _sign_at(weight_format)
    else:
        w, weight_power, sign_at = integer_words(rng, weight_format.bits, (k, n)), 4, weight_format.bits - 1
    regime = np.array([accumulator_bias, top - 4, 2, top - 2])[np.arange(m) % 4]
    target = regime[:, None] + rng.integers(-2, 3, (m, k))
    exponent = target - accumulator_bias - weight_power + _bias(activation_format)
    exponent = np.clip(exponent, 1, _top(activation_format)).reshape(-1)
    exponent[rng.random(m * k) < 0.03] = 0
    fraction = _fractions(rng, activation_format, m * k)
    x = _pack(_signs(rng, m * k), exponent, fraction, activation_format).reshape(m, k)
    again = np.flatnonzero(rng.random(max(0, k - 1)) < 0.5)
    again = again[np.diff(again, prepend=-2) > 1]
    low = rng.integers(0, activation_format.fraction_bits + 1, (m, again.size))
    low[rng.random(low.shape) < 0.5] = 0
    x[:, again + 1] = x[:, again] ^ rng.integers(0, 1 << low).astype(np.uint64)
    w[again + 1] = w[again] ^ np.uint64(1 << sign_at)

    near = np.clip(target[:, :1] + rng.integers(-2, 3, (m, n)), 0, top).reshape(-1)
    near[rng.random(m * n) < 0.2] = 0
    start = _pack(_signs(rng, m * n), near, _fractions(rng, accumulator_format, m * n), accumulator_format)
    return x, w, start.reshape(m, n)


def _top(format: FloatLike) -> int:
    """Return the largest finite exponent field."""
    return (1 << format.exponent_bits) - 2


def _bias(format: FloatLike) -> int:
    """Return the exponent field of 1.0."""
    return (1 << (format.exponent_bits - 1)) - 1


def _sign_at(format: FloatLike) -> int:
    """Return the bit position of the sign."""
    return format.exponent_bits + format.fraction_bits


def _exponent_of(words: Words, format: FloatLike) -> Ints:
    """Return the exponent fields of words."""
    return ((words >> format.fraction_bits) & (_top(format) + 1)).astype(np.int64)


def _pack(sign: Words, exponent: Ints, fraction: Any, format: FloatLike) -> Words:
    """Return words from their fields."""
    magnitude = (exponent << format.fraction_bits | fraction).astype(np.uint64)
    return magnitude | sign << _sign_at(format)


def _strata(count: int, kinds: int) -> list[slice]:
    """Return equal slices of `count` elements, the last a little longer."""
    step = count // kinds
    return [slice(i * step, (i + 1) * step if i + 1 < kinds else count) for i in range(kinds)]


def _signs(rng: np.random.Generator, count: int) -> Words:
    """Draw signs."""
    return rng.integers(0, 2, count, np.uint8).astype(np.uint64)


def _exponents(rng: np.random.Generator, format: FloatLike, count: int) -> Ints:
    """Draw exponent fields of zeros and finite numbers: uniform, or at the ends and the middle."""
    top, bias = _top(format), _bias(format)
    ends = np.array([0, 0, 1, 1, 2, 3, top, top, top - 1, top - 2, bias - 1, bias, bias, bias + 1])
    fields = rng.integers(0, top + 1, count)
    special = rng.random(count, np.float32) < 0.3
    return np.where(special, np.clip(ends, 0, top)[rng.integers(0, len(ends), count)], fields)


@cache
def _patterns(bits: int) -> Ints:
    """Return fractions that carry far or sit beside a power of two, the extreme ones several times."""
    ones = (1 << bits) - 1
    runs = [(1 << high) - (1 << low) for high in range(bits + 1) for low in range(high)]
    ends = [0, 0, 0, 1, 2, 3, ones, ones, ones, ones - 1, ones - 2, ones - 3] * (1 + len(runs) // 24)
    values = np.array(runs + [ones ^ run for run in runs] + ends, np.int64)
    return np.clip(values, 0, ones)


def _fractions(rng: np.random.Generator, format: FloatLike, count: int) -> Ints:
    """Draw fractions: half of them uniform, half of them runs of ones, single bits and their complements."""
    patterns = _patterns(format.fraction_bits)
    uniform = rng.integers(0, 1 << format.fraction_bits, count)
    special = rng.random(count, np.float32) < 0.5
    return np.where(special, patterns[rng.integers(0, len(patterns), count)], uniform)
