"""Products of two activations: the words of the array, a scale for each matrix."""

import numpy as np
import pytest

from tileloom_golden.formats import FP32, Integer
from tileloom_golden.systolic.attention import computed_product
from tileloom_golden.systolic.quantise import dequantise, quantise_by_power

ARRAY = {"rows": 4, "columns": 4, "rounding": "truncate"}


@pytest.fixture
def operands(rng):
    """Return queries and keys of two images with three heads, of very different sizes."""
    x = rng.normal(size=(2, 3, 7, 10)).astype(np.float32)
    y = rng.normal(size=(2, 3, 10, 9)) * 10.0 ** rng.integers(-6, 6, (2, 3, 1, 1))
    return x, y.astype(np.float32)


def test_integers_are_near_the_exact_product(operands):
    x, y = operands
    found = computed_product(x, y, weight_format=Integer(8), **ARRAY)
    for index in np.ndindex(2, 3):
        weights = dequantise(quantise_by_power(y[index])).astype(np.float64)
        exact = x[index].astype(np.float64) @ weights
        size = np.abs(x[index]).astype(np.float64) @ np.abs(weights)
        assert (np.abs(found[index] - exact) <= 20 * 2.0**-23 * size).all()


def test_a_power_of_two_may_be_multiplied_by_anywhere(operands):
    """What the integers stand for, as FP32 weights, gives the same words: the power rounds nothing."""
    x, y = operands
    meant = np.stack([[dequantise(quantise_by_power(head)) for head in image] for image in y])
    found = computed_product(x, y, weight_format=Integer(8), **ARRAY)
    assert np.array_equal(found, computed_product(x, meant, weight_format=FP32, **ARRAY))
    assert not np.array_equal(found, computed_product(x, y, weight_format=FP32, **ARRAY))


def test_shapes_and_types_that_are_refused():
    matrix = np.ones((2, 3, 3), np.float32)
    for x, y, message in (
        (matrix.astype(np.float64), matrix, "x has dtype float64"),
        (matrix, matrix[0], "all but the last two must agree"),
        (matrix[0, 0], matrix[0, 0], "all but the last two must agree"),
        (matrix, matrix[:, :2], "K must agree"),
    ):
        with pytest.raises(ValueError, match=message):
            computed_product(x, y, weight_format=FP32, **ARRAY)
