"""INT8 convolutions and products against loops written out, dense and by blocks."""

import numpy as np
import pytest

from tileloom_golden.engine.convolution import convolve_blocks, im2col, multiply, unrolled
from tileloom_golden.engine.sparse import from_convolution, from_dense
from tileloom_golden.integers import convolve, output_size

CASES = [
    # height, width, c_in, c_out, kernel, stride, pads (top, bottom, left, right)
    (1, 1, 1, 1, (1, 1), 1, (0, 0, 0, 0)),
    (5, 7, 3, 11, (3, 3), 1, (1, 1, 1, 1)),
    (9, 6, 13, 8, (3, 2), 2, (0, 1, 2, 0)),
    (11, 11, 8, 5, (7, 7), 4, (3, 3, 3, 3)),
    (4, 13, 17, 9, (1, 5), 3, (0, 0, 2, 2)),
    (2, 3, 8, 16, (2, 3), 1, (5, 0, 0, 4)),
]


def by_hand(x, w, stride, pads):
    """Return the convolution as its definition has it, in Python integers, wrapped to INT32."""
    height, width = output_size(x.shape[0], x.shape[1], w.shape[1:3], stride, pads)
    total = np.zeros((height, width, len(w)), dtype=object)
    for y, x0, dy, dx in np.ndindex(height, width, *w.shape[1:3]):
        row, column = stride * y + dy - pads[0], stride * x0 + dx - pads[2]
        if 0 <= row < x.shape[0] and 0 <= column < x.shape[1]:
            total[y, x0] += w[:, dy, dx].astype(object) @ x[row, column].astype(object)
    return ((total + 2**31) % 2**32 - 2**31).astype(np.int32)


@pytest.mark.parametrize("case", CASES)
def test_against_loops(rng, case):
    height, width, c_in, c_out, kernel, stride, pads = case
    x = rng.integers(-128, 128, (height, width, c_in)).astype(np.int8)
    w = rng.integers(-128, 128, (c_out, *kernel, c_in)).astype(np.int8)
    w[:, :, :, : c_in // 2] = 0
    expected = by_hand(x, w, stride, pads)
    found = convolve(x, w, stride, pads)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)
    for block in [(8, 8), (16, 4), (4, 16), (1, 1), (5, 3)]:
        np.testing.assert_array_equal(
            convolve_blocks(x, from_convolution(w, block), stride, pads), expected, str(block)
        )
    unfolded = im2col(x, kernel, 8, stride, pads).astype(int) @ unrolled(w, 8).astype(int)
    np.testing.assert_array_equal(unfolded.reshape(expected.shape), expected)


@pytest.mark.parametrize("size", [(1, 1, 1), (31, 33, 7), (256, 128, 64)])
def test_products(rng, size):
    m, k, n = size
    a = rng.integers(-128, 128, (m, k)).astype(np.int8)
    b = rng.integers(-128, 128, (k, n)).astype(np.int8)
    np.testing.assert_array_equal(multiply(a, b), a.astype(int) @ b.astype(int))
    np.testing.assert_array_equal(multiply(a, from_dense(b)), a.astype(int) @ b.astype(int))


def test_sums_wrap_as_int32_does():
    k = 2**17 + 3
    a, b = np.full((1, k), -128, np.int8), np.full((k, 1), -128, np.int8)
    assert multiply(a, b)[0, 0] == k * 2**14 - 2**32
    assert multiply(a, from_dense(b, (32, 1)))[0, 0] == k * 2**14 - 2**32


def test_what_is_wrong_is_named():
    x, w = np.zeros((4, 4, 8), np.int8), np.zeros((8, 3, 3, 8), np.int8)
    with pytest.raises(ValueError, match=r"kernel \(3, 3\) does not fit into 2 x 4"):
        convolve(x[:2], w)
    with pytest.raises(ValueError, match="pad left is -1, negative"):
        convolve(x, w, 1, (0, 0, -1, 0))
    with pytest.raises(ValueError, match="weights has 7 input channels, and activations 8"):
        convolve(x, w[..., :7])
    with pytest.raises(ValueError, match=r"activations\[0, 1, 2\] does not fit INT8"):
        bad = x.astype(int)
        bad[0, 1, 2] = 128
        convolve(bad, w)
    with pytest.raises(ValueError, match="stride is 0, not a positive integer"):
        convolve(x, w, 0)
