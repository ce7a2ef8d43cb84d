"""Observers against NumPy on all data at once."""

from itertools import product

import numpy as np
import pytest

from tileloom.errors import UserError
from tileloom_explore.network.affine import from_range
from tileloom_explore.network.calibrate import HALF, SHARES, Observer, affine_of


def batches(rng, kind):
    """Return batches of odd sizes whose range grows and shrinks."""
    sizes = rng.integers(1, 4000, 12)
    scales = np.exp(rng.uniform(-12, 5, 12))
    if kind == "normal":
        return [rng.normal(size=size) * scale for size, scale in zip(sizes, scales, strict=True)]
    if kind == "relu":
        return [np.maximum(rng.normal(size=(size, 2)), 0) for size in sizes]
    return [rng.standard_t(2, size) for size in sizes]  # heavy tails


def seen(parts):
    observer = Observer()
    for part in parts:
        observer.observe(part)
    return observer


@pytest.mark.parametrize("kind", ["normal", "relu", "tails"])
def test_bins_are_those_of_all_data_at_once_in_any_order(rng, kind):
    parts = batches(rng, kind)
    observer = seen(parts)
    values = np.concatenate([part.ravel() for part in parts])
    edges = (np.arange(2 * HALF + 1) - HALF) * observer.width
    np.testing.assert_array_equal(observer.bins, np.histogram(values, edges)[0])
    assert observer.bins.sum() == observer.count == values.size > 5000
    assert observer.range() == (values.min(), values.max())
    rng.shuffle(parts)
    again = seen(parts)
    assert again.width == observer.width
    np.testing.assert_array_equal(again.bins, observer.bins)


@pytest.mark.parametrize("kind", ["normal", "relu", "tails"])
@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9])
def test_percentiles(rng, kind, percentile):
    parts = batches(rng, kind)
    observer = seen(parts)
    values = np.concatenate([part.ravel() for part in parts])
    low, high = observer.range("percentile", percentile=percentile)
    rest = (100 - percentile) / 2
    expected = np.percentile(values, [rest, 100 - rest], method="inverted_cdf")
    assert np.abs(np.array([low, high]) - expected).max() <= 1.001 * observer.width
    assert values.min() <= low < high <= values.max()
    _, reach = observer.range("percentile", percentile=percentile, symmetric=True)
    expected = np.percentile(np.abs(values), percentile, method="inverted_cdf")
    assert abs(reach - expected) <= 1.001 * observer.width


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("bits", [4, 8])
def test_mean_squared_error_is_the_least_of_the_ranges(rng, bits, symmetric):
    parts = [rng.laplace(0.5, 1, 5000) for _ in range(4)]
    values = np.concatenate(parts)
    observer = seen(parts)
    low, high = observer.range("mse", bits=bits, symmetric=symmetric)

    def error(low, high):
        affine = from_range(low, high, bits=bits, symmetric=symmetric)
        return float(np.mean((affine.dequantise(affine.quantise(values)) - values) ** 2))

    ends = values.min(), values.max()
    pairs = zip(SHARES, SHARES, strict=True) if symmetric else product(SHARES, SHARES)
    tried = [error(ends[0] * first, ends[1] * second) for first, second in pairs]
    assert len(tried) >= 25 and error(low, high) <= 1.02 * min(tried)
    # Of four bits tails are worth cutting, of eight the largest values are worth their steps.
    assert bits == 8 or error(low, high) < 0.8 * tried[0]


def test_each_end_is_cut_alone(rng):
    values = np.append(rng.normal(size=20_000), [40.0])
    low, high = seen([values]).range("mse", bits=4)
    assert high < 8 and low < 0.4 * values.min()


def test_integers_cover_what_was_seen(rng):
    observer = seen(batches(rng, "relu"))
    affine = affine_of(observer, "percentile", signed=False, percentile=99.0)
    low, high = observer.range("percentile", percentile=99.0)
    assert low == 0 and affine.zero_point == 0 and affine.low == 0
    assert affine.dequantise(np.array(255)) == pytest.approx(high, rel=1e-6)


def test_nothing_but_zeros_and_powers_of_two():
    observer = seen([np.zeros(5), np.zeros((0, 3))])
    assert observer.range("mse") == (0, 0) and observer.range("percentile") == (0, 0)
    observer.observe([-4.0, 4.0, 8])  # the greatest is a bin's edge
    assert observer.bins.sum() == 8 and observer.range("percentile", percentile=100) == (-4, 8)


def test_what_is_wrong_is_told():
    observer = Observer()
    with pytest.raises(UserError, match="no data was seen"):
        observer.range()
    with pytest.raises(UserError, match=r"activation\[1\] is NaN or infinite"):
        observer.observe([0.0, np.nan])
    with pytest.raises(UserError, match="calibration: must be min-max, percentile, mse, not 'max'"):
        observer.range("max")
    with pytest.raises(UserError, match="percentile: must be above 50 and at most 100, not 50"):
        observer.range("percentile", percentile=50)
