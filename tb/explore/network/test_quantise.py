"""Quantised layers against what ONNX's definitions say, in exact integers."""

from fractions import Fraction

import numpy as np
import pytest

from tileloom.errors import UserError
from tileloom_explore.network.affine import Affine, from_range, integer_range, weight_range
from tileloom_explore.network.quantise import integer_layer, quantise_bias, requantisation, widened
from tileloom_golden.engine.convolution import multiply
from tileloom_golden.integers import convolve
from tileloom_golden.requantise import requantise
from tileloom_golden.systolic.quantise import quantise as sign_magnitude

RANGES = [(signed, symmetric) for signed in (True, False) for symmetric in (True, False)]


@pytest.mark.parametrize(("signed", "symmetric"), RANGES)
@pytest.mark.parametrize("bits", [4, 5, 8])
def test_ranges_are_covered_and_zero_is_exact(rng, bits, signed, symmetric):
    ends = np.sort(rng.normal(size=(200, 2)) * np.exp(rng.uniform(-30, 30, (200, 1))), axis=1)
    compared = 0
    for least, greatest in [*ends, (0, 0), (0, 1e-45), (-3, 0), (1, 2)]:
        affine = from_range(least, greatest, bits=bits, signed=signed, symmetric=symmetric)
        low, high = integer_range(bits, signed=signed, symmetric=symmetric)
        assert (affine.low, affine.high) == (low, high)
        assert high - low == 2**bits - 1 - symmetric and low >= (-(2 ** (bits - 1)) if signed else 0)
        assert affine.dequantise(affine.zero_point) == 0
        if symmetric:
            assert affine.zero_point == (0 if signed else 2 ** (bits - 1))
        values = np.linspace(min(least, 0), max(greatest, 0), 50)
        error = np.abs(affine.dequantise(affine.quantise(values)).astype(float) - values)
        # Half a step, and at the ends what rounding the zero point takes; float32's own.
        step = float(affine.scale)
        assert (error <= step * (0.501 if symmetric else 1.001)).all()
        compared += len(values)
    assert compared == 204 * 50


def test_quantise_is_half_even_in_float32_and_saturates():
    affine = Affine(np.float32(0.5), np.int64(3), -128, 127)
    assert affine.quantise(np.array([-0.25, 0.25, 0.75, 1e9, -1e300, 0.0])).tolist() == [
        3,
        3,
        5,
        127,
        -128,
        3,
    ]


def test_symmetric_weights_are_those_of_the_array(rng):
    """Per tensor and per channel: the same integers and scales as the array's own quantiser gives."""
    weights = rng.normal(size=(40, 17)) * np.exp(rng.uniform(-9, 9, 17))
    weights[:, 3] = 0
    for bits in (4, 6, 8):
        for per, theirs in (("tensor", "tensor"), ("channel", "column")):
            affine = weight_range(weights, bits=bits, per=per)
            expected = sign_magnitude(weights, bits, theirs)
            np.testing.assert_array_equal(affine.scale, expected.scale)
            # float32's quotient may fall on the other side of a half.
            difference = affine.quantise(weights) - expected.integers
            assert np.abs(difference).max() <= 1 and np.count_nonzero(difference) <= 2


def affine_of(rng, *, signed, shape=(), bits=8):
    """Return any scale and zero point, the ends among them."""
    low, high = integer_range(bits, signed=signed, symmetric=False)
    zero = rng.integers(low, high + 1, shape)
    zero = np.where(rng.random(shape) < 0.3, rng.choice([low, high], shape), zero)
    return Affine(np.exp(rng.uniform(-9, 0, shape)), zero, low, high)


@pytest.mark.parametrize("x_signed", [True, False], ids=["INT8", "UINT8"])
@pytest.mark.parametrize("w_signed", [True, False], ids=["INT8", "UINT8"])
@pytest.mark.parametrize("per", ["tensor", "channel"])
def test_zero_points_are_exact(rng, x_signed, w_signed, per):
    """Products with any zero points, pruned ones among them, in the engine's own arithmetic."""
    compared, parts = 0, set()
    for _ in range(30):
        m, k, n = (int(size) for size in rng.integers(1, 30, 3))
        x = affine_of(rng, signed=x_signed)
        w = affine_of(rng, signed=w_signed, shape=() if per == "tensor" else (n,))
        activations = rng.integers(x.low, x.high + 1, (m, k))
        weights = rng.integers(w.low, w.high + 1, (k, n))
        pruned = rng.random((k, n)) < rng.choice([0, 0.5, 0.95])
        weights = np.where(pruned, w.zero_point, weights)
        bias = rng.integers(-(2**20), 2**20, n)
        layer = integer_layer(weights, w, x, bias)
        assert not layer.weights[:, pruned].any()
        found = multiply(layer.activations(activations), layer.operand()) + layer.bias
        np.testing.assert_array_equal(found, (activations - x.zero_point) @ (weights - w.zero_point) + bias)
        compared += found.size
        parts.add(len(layer.weights))
    # Three are rare, and one where zero points are rarely in the middle.
    assert compared > 2000 and 2 in parts


@pytest.mark.parametrize("groups", [1, 3])
def test_padding_is_the_zero_point(rng, groups):
    x, w = affine_of(rng, signed=False), affine_of(rng, signed=False, shape=(6,))
    image = rng.integers(0, 256, (7, 5, 6))
    weights = rng.integers(0, 256, (6, 3, 2, 6 // groups))
    layer = integer_layer(weights, w, x, None)
    given = np.pad(image - layer.offset, ((1, 1), (1, 0), (0, 0)), constant_values=layer.padding)
    found = convolve(layer.activations(given + layer.offset), layer.operand(groups)) + layer.bias
    real = np.pad(image - x.zero_point, ((1, 1), (1, 0), (0, 0)))
    each = 6 // groups
    expected = np.zeros((7, 5, 6), int)
    for y, z, n in np.ndindex(7, 5, 6):
        seen = real[y : y + 3, z : z + 2, n // each * each : (n // each + 1) * each]
        expected[y, z, n] = (seen * (weights[n] - w.zero_point[n])).sum()
    np.testing.assert_array_equal(found, expected)


def test_a_weight_of_255_takes_three_parts():
    w = Affine(np.float32(1), np.int64(-128), -128, 127)
    layer = integer_layer(np.array([[127], [-128]]), w, Affine(np.float32(1), np.int64(0), -128, 127))
    assert layer.weights[:, :, 0].tolist() == [[127, 0], [127, 0], [1, 0]]


@pytest.mark.parametrize("y_signed", [True, False], ids=["INT8", "UINT8"])
def test_results_are_those_of_onnx_but_for_rounding(rng, y_signed):
    """QLinearMatMul by exact fractions: results a step away are those near a half, and few."""
    m, k, n = 300, 64, 30
    x, y = affine_of(rng, signed=False), affine_of(rng, signed=y_signed)
    w = Affine(np.exp(rng.uniform(-6, -3, n)), np.zeros(n, int), -127, 127)
    y = Affine(x.scale * np.float32(6), y.zero_point, y.low, y.high)
    activations, weights = rng.integers(0, 256, (m, k)), rng.integers(-127, 128, (k, n))
    bias = rng.integers(-1000, 1000, n)
    layer = integer_layer(weights, w, x, bias)
    numbers, offset = requantisation(layer, w, x, y)
    found = (
        requantise(multiply(layer.activations(activations), layer.operand()), numbers).astype(int) + offset
    )
    sums = (activations - x.zero_point) @ weights + bias
    expected, distance = np.zeros_like(sums), np.zeros(sums.shape)
    for index in np.ndindex(*sums.shape):
        ratio = Fraction(float(x.scale)) * Fraction(float(w.scale[index[1]])) / Fraction(float(y.scale))
        exact = int(sums[index]) * ratio
        expected[index] = min(max(round(exact) + int(y.zero_point), y.low), y.high)
        distance[index] = abs(exact - round(exact))
    wrong = found != expected
    assert np.abs(found - expected).max() <= 1
    # Half a step of a sum, and 2^-17 of a result of at most 2^8.
    reach = float((x.scale * w.scale / y.scale).max()) / 2 + 2.0**-9
    assert (distance[wrong] > 0.5 - reach).all()
    inside = (expected > y.low) & (expected < y.high)
    assert inside.sum() > 3000 and wrong.sum() < 0.03 * inside.sum()


def test_bias_decides_the_scale_of_weights_that_are_nothing(rng):
    """A dead channel, one next to dead, and a fine one: the bias still comes out."""
    weights = np.stack([np.zeros(9), rng.normal(size=9) * 1e-12, rng.normal(size=9)], axis=1)
    bias = np.array([0.7, 0.7, 0.7])
    x, y = from_range(0, 4, signed=False, symmetric=False), from_range(-1, 1, symmetric=True)
    w = widened(weight_range(weights), x, bias, y)
    steps = quantise_bias(bias, x, w, 3)
    assert (np.abs(steps) <= 2**30 + 2**7).all()  # the scale has float32's 24 bits
    layer = integer_layer(w.quantise(weights), w, x, steps)
    numbers, offset = requantisation(layer, w, x, y)
    zero = np.full((1, 9), int(x.zero_point))
    found = requantise(multiply(layer.activations(zero), layer.operand()), numbers).astype(int) + offset
    assert found[0, 1:].tolist() == [int(y.quantise(np.array(0.7)))] * 2
    # The dead channel's scale is 1, so that its bias is a whole number of steps of the activations.
    assert abs(float(y.scale) * found[0, 0] - 0.7) <= float(x.scale) / 2 + float(y.scale)


TEN = Affine(np.ones(10), np.zeros(10, int), -128, 127)
ONE = Affine(np.float32(1), np.int64(0), -128, 127)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Affine(np.array([1.0, 0.0]), np.zeros(2), -8, 7), r"scale\[1\] is not positive and finite"),
        (lambda: Affine(np.float32(1), np.int64(8), -8, 7), "zero point is not -8 to 7"),
        (lambda: Affine(np.ones(2), np.int64(0), -8, 7), r"scale has shape \(2,\) and zero point \(\)"),
        (lambda: weight_range(np.ones((2, 2)), bits=3), "weight bits: must be 4 to 8, not 3"),
        (lambda: integer_layer(np.ones((3, 2), int), TEN, ONE), r"weights \(10,\): must be \(\) and"),
        (lambda: integer_layer(np.ones((3, 2), int), ONE, TEN), r"activations have a scale of shape \(10,\)"),
        (lambda: integer_layer(np.array([[0, 200]]), ONE, ONE), r"weights\[0, 1\] is not -128 to 127"),
        (
            lambda: integer_layer(np.full((140_000, 2), 127), ONE, ONE),
            "output channel 0: its sums may exceed",
        ),
        (lambda: integer_layer(np.ones((3, 2), int), ONE, ONE, np.array([0, 2**31])), r"bias\[1\] with"),
        (
            lambda: requantisation(
                integer_layer(np.ones((3, 1), int), ONE, ONE), ONE, ONE, from_range(0, 1e-9)
            ),
            r"requantisation: ratios\[0\] is not",
        ),
    ],
)
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(UserError, match=message):
        call()
