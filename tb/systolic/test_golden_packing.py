"""Bus words: the order of fields that the design fixes, and round trips of every width."""

import numpy as np
import pytest

from tileloom_golden.systolic.packing import (
    pack_vector,
    pack_weights,
    unpack_vector,
    unpack_weights,
    words_per_row,
)
from tileloom_sim.systolic.stimulus import integer_words


def test_the_first_weight_is_in_the_most_significant_byte():
    tile = [[0x11, 0x22, 0x33, 0x44, 0x55], [0x66, 0x77, 0x88, 0x99, 0xAA]]
    np.testing.assert_array_equal(pack_weights(tile, 8), [0x11223344, 0x55000000, 0x66778899, 0xAA000000])
    np.testing.assert_array_equal(pack_weights([[0x3F80, 1, 2]], 16), [0x3F800001, 0x00020000])
    np.testing.assert_array_equal(pack_weights([[0xDEADBEEF], [1]], 32), [0xDEADBEEF, 1])
    # 19 bits leave 13 over, three weights of 10 bits leave 2: both at the low end
    np.testing.assert_array_equal(pack_weights([[0x7FFFF, 1]], 19), [0xFFFFE000, 1 << 13])
    np.testing.assert_array_equal(pack_weights([[1, 2, 3, 4]], 10), [1 << 22 | 2 << 12 | 3 << 2, 4 << 22])


@pytest.mark.parametrize("word_bits", [32, 64, 40])
@pytest.mark.parametrize("width", [2, 5, 8, 10, 16, 19, 32])
def test_weights_round_trip(rng, width, word_bits):
    for rows, columns in [(1, 1), (1, 7), (5, 3), (8, 8), (31, 33)]:
        tile = rng.integers(0, 1 << width, (rows, columns), np.uint64)
        words = pack_weights(tile, width, word_bits)
        assert words.shape == (rows * words_per_row(columns, width, word_bits),)
        assert words.dtype == np.uint64
        np.testing.assert_array_equal(unpack_weights(words, rows, columns, width, word_bits), tile)


def test_element_0_is_in_the_least_significant_bits(rng):
    assert pack_vector([1, 2, 3], 8) == 0x030201
    assert pack_vector([0xFFFFFFFF, 0], 32, bus_bits=128) == 0xFFFFFFFF
    assert pack_vector(np.zeros(0, int), 8) == 0
    for width in (1, 8, 19, 32, 64):
        elements = rng.integers(0, (1 << width) - 1, 64, np.uint64, endpoint=True)
        payload = pack_vector(elements, width)
        assert payload == sum(int(element) << (i * width) for i, element in enumerate(elements))
        np.testing.assert_array_equal(unpack_vector(payload, 64, width), elements)


def test_packing_takes_any_integer_dtype(rng):
    words = integer_words(rng, 8, (4, 4))
    for dtype in (np.uint8, np.int64, np.int32):
        np.testing.assert_array_equal(pack_weights(words.astype(dtype), 8), pack_weights(words, 8))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pack_weights([[1, 256]], 8), r"tile\[0, 1\] does not fit 8 bits"),
        (lambda: pack_weights([[1, -1]], 8), r"tile\[0, 1\] does not fit 8 bits"),
        (lambda: pack_weights([1, 2], 8), r"tile has shape \(2,\), not 2 dimensions"),
        (lambda: pack_weights(np.zeros((0, 3), int), 8), "rows is 0"),
        (lambda: pack_weights([[1.0]], 8), "tile has dtype float64"),
        (lambda: pack_weights([[1]], 33), r"word_bits is 32, not 33 \(a weight\) to 64"),
        (lambda: pack_weights([[1]], 0), "width is 0, not 1 to 64"),
        (
            lambda: unpack_weights([1, 2, 3], 2, 5, 8),
            r"words has shape \(3,\), and a 2 x 5 tile takes \(4,\)",
        ),
        (lambda: unpack_weights([1 << 32], 1, 1, 8), r"words\[0\] does not fit 32 bits"),
        (lambda: pack_vector([1, 2, 3], 8, bus_bits=16), "elements has 3 x 8 bits, and the bus has 16"),
        (lambda: pack_vector([1, 4], 2), r"elements\[1\] does not fit 2 bits"),
        (lambda: pack_vector([[1]], 2), r"elements has shape \(1, 1\), not 1 dimension$"),
        (lambda: unpack_vector(0x100, 1, 8), "payload 0x100 does not fit 1 x 8 bits"),
        (lambda: unpack_vector(0, 0, 8), "count is 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
