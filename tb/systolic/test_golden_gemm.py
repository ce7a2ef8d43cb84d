"""The golden GEMM: order of summation against Fractions, what tiling may and may not change, its messages."""

import numpy as np
import pytest

from support.exact import rounded, value
from support.products import names
from tileloom_golden import rounding as kernels
from tileloom_golden.arithmetic import add, multiply
from tileloom_golden.formats import BF16, FP16, FP32, INT8, Rounding
from tileloom_golden.systolic.gemm import gemm, kept_tiles, split_tiles, tile_grid, tile_result
from tileloom_sim.systolic.stimulus import gemm_words

FORMATS = [(FP32, FP32, FP32), (FP32, INT8, FP32), (BF16, INT8, FP32), (FP16, FP16, FP16)]
formats_and_roundings = pytest.mark.parametrize(
    ("formats", "rounding"),
    [(formats, rounding) for formats in FORMATS for rounding in Rounding],
    ids=names,
)


def options(formats, rounding, rows=4, columns=3, host=False, **more):
    names = ("activation_format", "weight_format", "accumulator_format")
    chosen = dict(zip(names, formats, strict=True), rounding=rounding, **more)
    return chosen | {"rows": rows, "columns": columns, "host_adds_tiles": host}


def sequential(x, w, start, formats, rounding):
    """Sum one product after another in rational arithmetic; infinity, once reached, stays."""
    a, b, c = formats
    total = start.copy()
    for i, j in np.ndindex(*total.shape):
        for k in range(x.shape[1]):
            if int(total[i, j]) & c.magnitude_mask == c.infinity:
                break
            product = rounded(value(x[i, k], a) * value(w[k, j], b), c, rounding)
            if product & c.magnitude_mask == c.infinity:
                total[i, j] = product
            else:
                total[i, j] = rounded(value(total[i, j], c) + value(product, c), c, rounding)
    return total


@formats_and_roundings
def test_sequential_order_equals_fractions(rng, formats, rounding):
    x, w, psum = gemm_words(rng, (9, 14, 7), *formats)
    got = gemm(x, w, psum=psum, **options(formats, rounding))
    np.testing.assert_array_equal(got, sequential(x, w, psum, formats, rounding))
    zero = np.zeros_like(psum)
    np.testing.assert_array_equal(
        gemm(x, w, **options(formats, rounding)), sequential(x, w, zero, formats, rounding)
    )


@formats_and_roundings
def test_tiling_changes_no_bit_of_one_sequential_sum(rng, formats, rounding):
    x, w, psum = gemm_words(rng, (12, 23, 10), *formats)
    whole = gemm(x, w, psum=psum, **options(formats, rounding, 64, 64))
    for rows, columns in [(1, 1), (2, 3), (5, 10), (7, 4), (23, 1), (24, 11)]:
        np.testing.assert_array_equal(
            gemm(x, w, psum=psum, **options(formats, rounding, rows, columns)), whole
        )
    chained = gemm(x[:, :9], w[:9], psum=psum, **options(formats, rounding))
    np.testing.assert_array_equal(gemm(x[:, 9:], w[9:], psum=chained, **options(formats, rounding)), whole)
    assert (tile_result(x, w, psum, **tile_options(formats, rounding)) == whole).all()


def tile_options(formats, rounding):
    every = options(formats, rounding)
    return {name: every[name] for name in every if name.endswith("format") or name == "rounding"}


@formats_and_roundings
def test_the_host_adds_tiles_in_order(rng, formats, rounding):
    x, w, psum = gemm_words(rng, (8, 11, 6), *formats)
    total = psum
    for k in range(0, 11, 4):
        part = tile_result(x[:, k : k + 4], w[k : k + 4], **tile_options(formats, rounding))
        total = add(total, part, formats[2], rounding)
    np.testing.assert_array_equal(gemm(x, w, psum=psum, **options(formats, rounding, host=True)), total)
    sequential_sum = gemm(x, w, psum=psum, **options(formats, rounding))
    assert (sequential_sum != total).any()  # the two orders do differ: the choice is not idle


@pytest.mark.parametrize("host", [False, True])
@formats_and_roundings
def test_skipping_zero_tiles_changes_no_bit(rng, formats, rounding, host):
    x, w, psum = gemm_words(rng, (12, 22, 11), *formats)
    zero = 1 << (formats[1].width - 1)  # the negative zero is a zero
    for k, n in [(0, 0), (4, 3), (8, 3), (20, 9), (12, 0)]:
        w[k : k + 4, n : n + 3] = zero
    w[:, 6:9] = 0  # a whole column of tiles
    kept = kept_tiles(w, 4, 3, formats[1])
    assert not kept[:, 2].any() and (~kept).sum() == 11
    for start in (psum, None, np.full_like(psum, 1 << (formats[2].width - 1))):
        skipped, computed = (
            gemm(x, w, psum=start, **options(formats, rounding, host=host, skip_zero_tiles=skip))
            for skip in (True, False)
        )
        np.testing.assert_array_equal(skipped, computed)
    assert (skipped[:, 6:9] == 0).all()


def test_a_skipped_tile_is_not_computed_and_another_is(rng, monkeypatch):
    x, w, _ = gemm_words(rng, (3, 8, 6), FP32, INT8, FP32)
    w[:4] = 0
    steps, original = [], kernels.multiply
    monkeypatch.setattr(kernels, "multiply", lambda *operands: steps.append(0) or original(*operands))
    for skip, expected in [(True, 4), (False, 8)]:
        steps.clear()
        gemm(x, w, **options((FP32, INT8, FP32), "truncate", skip_zero_tiles=skip))
        assert len(steps) == expected


def test_blocks_larger_than_the_cache_and_both_orientations(rng):
    formats, rounding = (FP32, INT8, FP32), Rounding.TRUNCATE
    for shape in [(20_000, 3, 2), (2, 3, 20_000), (300, 4, 310)]:
        x, w, psum = gemm_words(rng, shape, *formats)
        total = psum
        for k in range(shape[1]):
            product = multiply(x[:, k, None], w[None, k], *formats, rounding)
            total = add(total, product, FP32, rounding)
        np.testing.assert_array_equal(gemm(x, w, psum=psum, **options(formats, rounding, 2, 2)), total)


def test_no_steps_and_no_rows():
    start = np.array([[0x80000000, 0x3F800000]])
    got = gemm(np.zeros((1, 0), int), np.zeros((0, 2), int), psum=start, **options(FORMATS[0], "truncate"))
    np.testing.assert_array_equal(got, [[0, 0x3F800000]])
    assert gemm(np.zeros((0, 3), int), np.zeros((3, 2), int), **options(FORMATS[0], "truncate")).shape == (
        0,
        2,
    )


def test_tiles_are_cut_and_filled_up():
    weights = np.arange(1, 16).reshape(5, 3)
    assert tile_grid(5, 3, 2, 2) == (3, 2)
    tiles = split_tiles(weights, 2, 2)
    assert tiles.shape == (3, 2, 2, 2)
    np.testing.assert_array_equal(tiles[2, 1], [[15, 0], [0, 0]])
    np.testing.assert_array_equal(tiles[1, 0], [[7, 8], [10, 11]])
    words = np.zeros((5, 3), np.uint8)
    words[4, 2], words[0, 0], words[3, 1] = 1, 0x80, 0x81
    np.testing.assert_array_equal(kept_tiles(words, 2, 2, INT8), [[0, 0], [1, 0], [0, 1]])
    floats = np.array([[0x007FFFFF, 0x80000001], [0x80000000, 0x00800000]])
    np.testing.assert_array_equal(kept_tiles(floats, 1, 2, FP32), [[0], [1]])


X, W, NAN, INFINITY = np.zeros((2, 3), int), np.zeros((3, 4), int), 0x7FC00000, 0xFF800000


def changed(array, index, word):
    array = array.copy()
    array[index] = word
    return array


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": changed(X, (1, 2), NAN)}, r"x\[1, 2\] is NaN in fp32"),
        ({"x": changed(X, (0, 1), INFINITY)}, r"x\[0, 1\] is infinity"),
        ({"w": changed(W, (2, 3), NAN)}, r"w\[2, 3\] is NaN"),
        ({"w": changed(W, (2, 0), INFINITY)}, r"w\[2, 0\] is infinity"),
        ({"w": changed(W, (2, 0), 256), "weight_format": INT8}, r"w\[2, 0\] does not fit the 8 bits of int8"),
        ({"x": X.astype(np.float32)}, "x has dtype float32"),
        ({"x": X[0]}, r"x has shape \(3,\), not 2 dimensions"),
        ({"w": W[None]}, r"w has shape \(1, 3, 4\), not 2 dimensions"),
        ({"w": W[:2]}, "x has 3 columns and w has 2 rows: K must agree"),
        ({"psum": np.zeros((4, 2), int)}, r"psum has shape \(4, 2\), and x x w has \(2, 4\)"),
        ({"psum": np.full((2, 4), NAN)}, r"psum\[0, 0\] is NaN"),
        ({"psum": np.zeros((2, 4))}, "psum has dtype float64"),
        ({"rows": 0}, "rows is 0, not a positive integer"),
        ({"columns": 1.5}, "columns is 1.5, not a positive integer"),
        ({"rounding": "up"}, "rounding 'up' is none of"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        gemm(**({"x": X, "w": W} | options(FORMATS[0], "truncate") | arguments))


def test_bad_tile_input_is_named():
    with pytest.raises(ValueError, match=r"w_tile\[0, 0\] is NaN"):
        tile_result(X, changed(W, (0, 0), NAN), **tile_options(FORMATS[0], "truncate"))
