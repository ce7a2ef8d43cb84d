"""Quantisation and pruning of weights."""

import numpy as np
import pytest

from tileloom_golden.integers import sign_magnitude
from tileloom_golden.systolic.prune import prune_tiles
from tileloom_golden.systolic.quantise import dequantise, quantise, quantise_by_power


def test_per_tensor_scale_takes_the_largest_weight_to_127():
    quantised = quantise(np.array([[2.54, -1.27], [0.0, 0.029]]))
    assert quantised.scale.shape == () and quantised.scale.dtype == np.float32
    assert quantised.scale == np.float32(0.02)
    assert quantised.integers.dtype == np.int8
    np.testing.assert_array_equal(quantised.integers, [[127, -64], [0, 1]])


def test_per_column_scales():
    quantised = quantise(np.array([[127.0, 0.0, -1.0], [-63.5, 0.0, 0.5]]), per="column")
    np.testing.assert_array_equal(quantised.scale, np.array([1, 1, 1 / 127], np.float32))
    np.testing.assert_array_equal(quantised.integers, [[127, 0, -127], [-64, 0, 64]])


def test_ties_go_to_even():
    weights = np.array([[127, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5]])
    np.testing.assert_array_equal(quantise(weights).integers, [[127, 0, 2, 2, 0, -2, 126]])


@pytest.mark.parametrize("per", ["tensor", "column"])
@pytest.mark.parametrize("bits", [2, 4, 8, 9, 16])
def test_the_error_is_at_most_half_a_step(rng, bits, per):
    weights = rng.normal(size=(40, 7)) * np.exp2(rng.integers(-30, 30, 7))
    quantised = quantise(weights, bits, per)
    assert quantised.integers.dtype == (np.int8 if bits <= 8 else np.int16)
    assert np.abs(quantised.integers.astype(int)).max() == 2 ** (bits - 1) - 1
    error = np.abs(quantised.integers * quantised.scale.astype(np.float64) - weights)
    assert (error <= quantised.scale * 0.501).all()
    np.testing.assert_array_equal(dequantise(quantised), quantised.integers * quantised.scale)
    assert dequantise(quantised).dtype == np.float32
    sign_magnitude(quantised.integers, bits)  # -128 never comes out


def test_all_zero_and_vanishing_weights_get_scale_1():
    for weights in (np.zeros((3, 2)), np.full((3, 2), 1e-40), np.zeros((0, 2)), np.zeros((3, 0))):
        quantised = quantise(weights)
        assert quantised.scale == 1 and not quantised.integers.any()
    assert quantise(np.zeros((3, 2)), per="column").scale.shape == (2,)


def test_a_power_of_two_takes_the_largest_weight_to_64_to_127(rng):
    for largest, power, integer in (
        (1.0, -6, 64),
        (1.98, -6, 127),
        (127.4 / 64, -6, 127),
        (127.5 / 64, -5, 64),
    ):
        quantised = quantise_by_power(np.array([[largest, -largest, 0]], np.float32))
        assert (quantised.scale, quantised.scale.dtype) == (2.0**power, np.float32)
        np.testing.assert_array_equal(quantised.integers, [[integer, -integer, 0]])
    for _ in range(20):
        weights = (rng.normal(size=(9, 5)) * 2.0 ** rng.integers(-100, 100)).astype(np.float32)
        quantised = quantise_by_power(weights)
        assert 64 <= np.abs(quantised.integers.astype(int)).max() <= 127
        assert (np.abs(dequantise(quantised) - weights) <= quantised.scale / 2).all()
        assert np.frexp(quantised.scale)[0] == 0.5


def test_powers_at_the_ends_of_float32():
    limits = np.finfo(np.float32)
    for largest, integer in (
        (limits.max, 64),
        (0.0, 0),
        (1e-40, 0),
        (limits.tiny, 1),
        (64 * limits.tiny, 64),
    ):
        quantised = quantise_by_power(np.full((1, 1), largest, np.float32))
        assert (quantised.integers == integer).all() and limits.tiny <= quantised.scale < np.inf
    assert quantise_by_power(np.zeros((0, 3), np.float32)).integers.shape == (0, 3)
    with pytest.raises(ValueError, match=r"weights\[0, 1\] is NaN or infinite"):
        quantise_by_power(np.array([[1, np.inf]], np.float32))
    with pytest.raises(ValueError, match="weights has dtype float64, not float32"):
        quantise_by_power(np.ones((2, 2)))


def test_pruning_removes_the_smallest_tiles():
    weights = np.array([[9.0, -9, 1, 1, 3], [9, 9, -1, 1, 3], [2, 2, 8, 8, 0]])
    pruned = prune_tiles(weights, 2, 2, 2 / 6)
    np.testing.assert_array_equal(pruned, [[9, -9, 0, 0, 3], [9, 9, 0, 0, 3], [2, 2, 8, 8, 0]])
    assert pruned is not weights and (weights[2] == [2, 2, 8, 8, 0]).all()
    np.testing.assert_array_equal(prune_tiles(weights, 2, 2, 0), weights)
    assert not prune_tiles(weights, 2, 2, 1).any()


def test_pruning_rounds_its_count_and_breaks_ties_by_index(rng):
    ones = np.ones((12, 10), np.int8)
    for rate in (0.0, 0.1, 0.24, 0.26, 0.5, 0.9):
        pruned = prune_tiles(ones, 2, 2, rate)
        zero = ~pruned.reshape(6, 2, 5, 2).any(axis=(1, 3)).reshape(-1)
        assert zero.sum() == round(rate * 30)
        assert zero[: zero.sum()].all()
        assert pruned.dtype == np.int8
    norms = rng.integers(1, 4, (20, 20)).astype(float)
    kept = prune_tiles(norms, 1, 1, 0.4).reshape(-1) != 0
    doomed = sorted(range(400), key=lambda tile: (norms.flat[tile], tile))[:160]
    np.testing.assert_array_equal(np.flatnonzero(~kept), sorted(doomed))
    weights = np.full((2, 4), -128, np.int8)
    weights[:, 2:] = 127
    assert not prune_tiles(weights, 2, 2, 0.5)[:, 2:].any()  # 128 is the larger magnitude


BAD = np.array([[1.0, 2.0], [3.0, np.nan]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: quantise(BAD), r"weights\[1, 1\] is NaN or infinite"),
        (lambda: quantise([[1e300]]), r"weights\[0, 0\] is too large for a float32 scale"),
        (lambda: quantise([[1, 2]]), "weights has dtype int64"),
        (lambda: quantise([1.0]), r"weights has shape \(1,\), not 2 dimensions"),
        (lambda: quantise([[1.0]], bits=17), "bits is 17, not 2 to 16"),
        (lambda: quantise([[1.0]], per="row"), "per is 'row', neither 'tensor' nor 'column'"),
        (lambda: prune_tiles(BAD, 1, 1, 0.5), r"weights\[1, 1\] is NaN or infinite"),
        (lambda: prune_tiles([[1.0]], 1, 1, 1.5), "rate is 1.5, not 0 to 1"),
        (lambda: prune_tiles([[1.0]], 1, 1, float("nan")), "rate is nan, not 0 to 1"),
        (lambda: prune_tiles([[1.0]], 0, 1, 0.5), "rows is 0, not a positive integer"),
        (lambda: prune_tiles([1.0], 1, 1, 0.5), r"weights has shape \(1,\)"),
        (lambda: prune_tiles([["a"]], 1, 1, 0.5), "weights has dtype <U1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
