"""Golden pooling, addition and I-BERT's functions, against brute force and the real functions."""

from fractions import Fraction
from math import erf, floor, sqrt

import numpy as np
import pytest

from tileloom_golden.xfu import operators, transformer
from tileloom_golden.xfu.transformer import Gelu, Normalisation, Softmax


def rounded(value: Fraction) -> int:
    """Round halves away from zero, saturate to INT8."""
    magnitude = floor(abs(value) + Fraction(1, 2))
    return max(-128, min(127, magnitude if value >= 0 else -magnitude))


@pytest.mark.parametrize(
    "shape", [(5, 4, 3, 3, 2, 2, 1), (1, 1, 1, 1, 1, 1, 0), (7, 6, 2, 7, 6, 1, 0), (4, 9, 5, 2, 5, 3, 1)]
)
def test_pools_are_what_each_window_sees(shape, rng):
    height, width, channels, fy, fx, stride, padding = shape
    image = rng.integers(-128, 128, (height, width, channels), dtype=np.int8)
    scale, shift = int(rng.integers(1, 65536)), 20
    largest = operators.max_pool(image, (fy, fx), stride=stride, padding=padding)
    average = operators.average_pool(
        image, (fy, fx), scale=scale, shift=shift, stride=stride, padding=padding
    )
    assert largest.shape == average.shape
    for oy, ox, c in np.ndindex(largest.shape):
        seen = [
            int(image[y, x, c])
            for y in range(oy * stride - padding, oy * stride - padding + fy)
            for x in range(ox * stride - padding, ox * stride - padding + fx)
            if 0 <= y < height and 0 <= x < width
        ]
        assert largest[oy, ox, c] == max(seen)
        assert average[oy, ox, c] == rounded(Fraction(sum(seen) * scale, 1 << shift))


def test_addition_is_rounded_once(rng):
    a, b = rng.integers(-128, 128, (2, 4, 50), dtype=np.int8)
    for shift, scales in ((0, (1, 1)), (1, (1, 1)), (9, (300, 177)), (16, (65535, 65535)), (31, (65535, 0))):
        wanted = [
            rounded(Fraction(int(x) * scales[0] + int(y) * scales[1], 1 << shift))
            for x, y in zip(a.flat, b.flat, strict=True)
        ]
        assert operators.add(a, b, scales=scales, shift=shift).reshape(-1).tolist() == wanted
        relu = operators.add(a, b, scales=scales, shift=shift, relu=True)
        assert relu.reshape(-1).tolist() == [max(value, 0) for value in wanted]


SCALES = (1.0, 1 / 3, 1 / 16, 1 / 100, 1 / 512)


@pytest.mark.parametrize("scale", SCALES)
def test_softmax_is_near_the_real_one(scale, rng):
    q = rng.integers(-128, 128, (20, 33), dtype=np.int8)
    q[0], q[1] = -128, 127
    got = transformer.softmax(q, Softmax.of_scale(scale))
    real = np.exp((q - q.max(axis=1, keepdims=True).astype(np.float64)) * scale)
    real = np.minimum(128 * real / real.sum(axis=1, keepdims=True), 127)
    error = real - got
    print(f"scale {scale:.4f}: at most {np.abs(error).max():.2f} of 1/128")
    assert np.abs(error).max() < 2 and (got >= 0).all()


@pytest.mark.parametrize("scale", SCALES)
def test_gelu_is_as_near_as_the_paper_has_it(scale):
    q = np.arange(-128, 128)[None]
    got = transformer.gelu(q, Gelu.of_scale(scale, scale))[0] * scale
    x = q[0] * scale
    real = np.array([v / 2 * (1 + erf(v / sqrt(2))) for v in x])
    # The paper's largest error of i-GELU is 0.018; then half a step of the result, and coarse constants.
    assert np.abs(got - np.clip(real, -128 * scale, 127 * scale)).max() < 0.022 + scale / 2


def test_normalisation_is_near_the_real_one(rng):
    gamma, beta = rng.uniform(0.3, 2, 48) * rng.choice((-1, 1), 48), rng.normal(0, 0.5, 48)
    parameters = Normalisation.of(gamma, beta, 1 / 32)
    q = rng.integers(-128, 128, (30, 48), dtype=np.int8)
    q[0], q[1], q[2] = 7, -128, np.arange(48) % 2
    got = transformer.normalise(q, parameters)
    centred = q - q.mean(axis=1, keepdims=True)
    deviation = np.maximum(q.std(axis=1, keepdims=True), 1e-9)
    real = np.clip(32 * (centred / deviation * gamma + beta), -128, 127)
    assert np.abs(real - got).max() < 1.1
    assert np.abs(got[0] - 32 * beta).max() <= 0.5  # equal activations leave beta


def test_integer_square_roots_are_floors(rng):
    numbers = [*range(300), *(int(n) for n in rng.integers(0, 2**32, 2000)), 2**32 - 1]
    numbers += [n * n + more for n in map(int, rng.integers(1, 2**16 - 1, 300)) for more in (-1, 0, 1)]
    for n in numbers:
        root = transformer.i_sqrt(n)
        assert root * root <= n < (root + 1) * (root + 1)


ONE = np.zeros((2, 2, 1), np.int8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: operators.max_pool(ONE, (2, 1), padding=1), "padding is 1, not 0 to 0"),
        (lambda: operators.average_pool(ONE, (2, 2), scale=1 << 16, shift=0), "scale"),
        (lambda: operators.add(ONE[0], ONE[0, :1], scales=(1, 1), shift=1), "a is 2 x 1 and b 1 x 1"),
        (lambda: operators.add(ONE[0], ONE[0], scales=(1, -1), shift=1), r"scales\[1\] is -1"),
        (lambda: operators.add(ONE[0], ONE[0], scales=(1, 1), shift=32), "shift is 32, not 0 to 31"),
        (lambda: Softmax.of_scale(2.0), "scale is 2.0: softmax takes activations of scale"),
        (lambda: Gelu.of_scale(2.0**-10, 1), "GELU takes activations of scale"),
        (lambda: Normalisation.of([1, 0], [0, 0], 1), r"gamma\[1\] is 0"),
        (lambda: Normalisation.of([1e-6, 1], [9, 0], 1), r"beta\[0\] is too large beside gamma"),
        (
            lambda: transformer.normalise(np.zeros((1, 3), np.int8), Normalisation.of([1, 1], [0, 0], 1)),
            "a line has 3 activations, gamma 2 values",
        ),
        (
            lambda: transformer.softmax(np.zeros((1, 9000), np.int8), Softmax.of_scale(1.0)),
            r"a line has 9000 activations: of this scale \d+ have room",
        ),
    ],
)
def test_wrong_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
