"""Functional coverage of the arithmetic: which of its cases the words of a run reached.

Counted with the golden model from what was sent and, since results are compared word for word, computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from tileloom.formats import FloatFormat, SignMagnitude
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.arithmetic import add, multiply
from tileloom_golden.checks import Words

from . import reference
from .tiles import Tile

ADDER = (
    "add: cancels to zero",
    "add: cancels 2 bits or more",
    "add: carries out",
    "add: overflows",
    "add: underflows",
    "add: infinity passes",
    "add: zero operand",
)
ZERO_PRODUCT, HIGH_PRODUCT, LOW_PRODUCT = (
    "multiply: zero operand",
    "multiply: overflows",
    "multiply: underflows",
)


def expected_bins(config: SystolicConfig) -> list[str]:
    """Return the bins that a thorough regression of this configuration's arithmetic fills."""
    bins = [*_reachable_sums(config), *_reachable_products(config)]
    bins += [_gap(gap) for gap in range(config.accumulator.fraction_bits + 4)]
    if isinstance(config.weight, SignMagnitude):
        bins += [_magnitude(magnitude) for magnitude in range(1 << config.weight.magnitude_bits)]
    return bins


def observe(config: SystolicConfig, tiles: Iterable[Tile]) -> Counter[str]:
    """Return how often each bin was hit, every product and sum of the tiles counted."""
    seen: Counter[str] = Counter()
    for tile in tiles:
        seen.update(_observe_tile(config, tile))
    return seen


def missing(seen: Mapping[str, int], bins: Iterable[str]) -> list[str]:
    """Return the bins that were never hit."""
    return [name for name in bins if not seen.get(name)]


def _reachable_products(config: SystolicConfig) -> list[str]:
    """Return the multiplier's bins without an overflow or underflow that the formats rule out.

    A whole number is at least 1, so that its product with a normal number is never smaller than that.
    """
    lowest, highest, _ = _products(config)
    bins = [ZERO_PRODUCT]
    if highest > config.accumulator.bias + 1:
        bins.append(HIGH_PRODUCT)
    if lowest < 1 - config.accumulator.bias:
        bins.append(LOW_PRODUCT)
    return bins


def _reachable_sums(config: SystolicConfig) -> list[str]:
    """Return the adder's bins without an overflow or underflow that the formats rule out.

    The largest partial sum overflows with a product of half its last place. What two terms leave of each
    other is a multiple of a product's last place, and below the smallest normal only if that is.
    """
    lowest, highest, fraction = _products(config)
    accumulator, out = config.accumulator, set()
    if highest <= accumulator.bias - accumulator.fraction_bits - 1:
        out.add("add: overflows")
    if lowest - fraction >= 1 - accumulator.bias:
        out.add("add: underflows")
    return [name for name in ADDER if name not in out]


def _products(config: SystolicConfig) -> tuple[int, int, int]:
    """Return the exponent of the smallest product, that of the power of two above all, and fraction bits."""
    activation, weight = config.activation, config.weight
    if isinstance(weight, SignMagnitude):
        lowest, highest, bits = 0, weight.magnitude_bits, weight.magnitude_bits
    else:
        lowest, highest, bits = 1 - weight.bias, weight.bias + 1, weight.fraction_bits + 1
    fraction = min(config.accumulator.fraction_bits, activation.fraction_bits + bits)
    return 1 - activation.bias + lowest, activation.bias + 1 + highest, fraction


def _observe_tile(config: SystolicConfig, tile: Tile) -> dict[str, int]:
    activation, weight = reference.float_format(config.activation), reference.operand_format(config.weight)
    accumulator, rounding = reference.float_format(config.accumulator), config.rounding.value
    seen: Counter[str] = Counter()
    if isinstance(config.weight, SignMagnitude):
        magnitudes = (tile.w & np.uint64((1 << config.weight.magnitude_bits) - 1)).astype(np.int64)
        seen.update(_histogram(magnitudes, _magnitude))
        weight_zero = magnitudes == 0
    else:
        weight_zero = _exponent(tile.w, config.weight) == 0
    sums = tile.psum
    for k in range(config.rows):
        x, w = tile.x[:, k, None], tile.w[None, k, :]
        product = multiply(x, w, activation, weight, accumulator, rounding)
        zero = (_exponent(x, config.activation) == 0) | weight_zero[None, k, :]
        top = (1 << config.accumulator.exponent_bits) - 1
        exponent = _exponent(product, config.accumulator)
        seen[ZERO_PRODUCT] += int(zero.sum())
        seen[LOW_PRODUCT] += int((~zero & (exponent == 0)).sum())
        seen[HIGH_PRODUCT] += int((exponent == top).sum())
        total = add(sums, product, accumulator, rounding)
        seen.update(_observe_sum(config.accumulator, sums, product, total))
        sums = total
    return seen


def _observe_sum(accumulator: FloatFormat, a: Words, b: Words, total: Words) -> dict[str, int]:
    top = (1 << accumulator.exponent_bits) - 1
    ea, eb, et = (_exponent(words, accumulator) for words in (a, b, total))
    finite = (ea != top) & (eb != top)
    both = finite & (ea != 0) & (eb != 0)
    differ = (a ^ b) >> np.uint64(accumulator.width - 1) != 0
    mask = np.uint64((1 << (accumulator.width - 1)) - 1)
    exact = both & differ & ((a & mask) == (b & mask))
    larger = np.maximum(ea, eb)
    cases = {
        "add: cancels to zero": exact,
        "add: cancels 2 bits or more": both & differ & (et != 0) & (et <= larger - 2),
        "add: carries out": both & ~differ & (et == larger + 1),
        "add: overflows": finite & (et == top),
        "add: underflows": both & (et == 0) & ~exact,
        "add: infinity passes": ~finite,
        "add: zero operand": finite & ((ea == 0) | (eb == 0)),
    }
    seen = {name: int(np.count_nonzero(mask)) for name, mask in cases.items()}
    gaps = np.minimum(np.abs(ea - eb), accumulator.fraction_bits + 3)[both]
    seen.update(_histogram(gaps, _gap))
    return seen


def _histogram(values: npt.NDArray[np.int64], name: Callable[[int], str]) -> dict[str, int]:
    """Return how often each value occurs, under the name of its bin."""
    return {name(int(value)): int(count) for value, count in enumerate(np.bincount(values.ravel()))}


def _exponent(words: Words, number_format: FloatFormat) -> npt.NDArray[np.int64]:
    field = (words >> np.uint64(number_format.fraction_bits)) & np.uint64(
        (1 << number_format.exponent_bits) - 1
    )
    return field.astype(np.int64)


def _gap(gap: int) -> str:
    """Return the bin of an exponent gap; the last of a format also counts all larger ones."""
    return f"add: exponents {gap} apart"


def _magnitude(magnitude: int) -> str:
    return f"weight: magnitude {magnitude}"
