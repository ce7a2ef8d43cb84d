"""INT8 layers: against SciPy and plain loops, and packed layers through the instructions themselves."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from tileloom_golden.xfu import layers as nm_layers
from tileloom_golden.xfu.kernels import run_packed
from tileloom_golden.xfu.layers import (
    convolution,
    convolution_packed,
    fully_connected,
    fully_connected_packed,
    im2col,
)
from tileloom_golden.xfu.packing import Layout, Packed, pack, padded_groups
from tileloom_golden.xfu.sparsity import GROUPS, prune_nm
from tileloom_golden.xfu.xdecimate import Decimate, Hart, Memory, SwapCounter

EXTREMES = np.array([-128, -127, -1, 0, 1, 127], np.int8)


def int8(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return INT8 data, a third of it at the ends of the range and around zero."""
    return np.where(
        rng.random(shape) < 1 / 3, rng.choice(EXTREMES, shape), rng.integers(-128, 128, shape, np.int8)
    )


def by_loops(image, weights, stride, padding):
    """Return a convolution by its definition: seven loops, and outside the image there is 0."""
    height, width, channels = image.shape
    count, fy, fx, _ = weights.shape
    oy, ox = (height + 2 * padding - fy) // stride + 1, (width + 2 * padding - fx) // stride + 1
    result = np.zeros((oy, ox, count), np.int64)
    for y, x, k in np.ndindex(oy, ox, count):
        for i, j, c in np.ndindex(fy, fx, channels):
            row, column = y * stride + i - padding, x * stride + j - padding
            if 0 <= row < height and 0 <= column < width:
                result[y, x, k] += int(image[row, column, c]) * int(weights[k, i, j, c])
    return result


SMALL = [  # height, width, channels, outputs, FY, FX, stride, padding
    (1, 1, 1, 1, 1, 1, 1, 0),
    (1, 7, 3, 2, 1, 3, 2, 0),
    (5, 4, 2, 3, 3, 2, 1, 1),
    (6, 5, 4, 2, 2, 3, 3, 2),
    (2, 2, 1, 2, 3, 3, 1, 3),
    (7, 3, 1, 1, 4, 3, 2, 0),
]


@pytest.mark.parametrize("shape", SMALL)
def test_convolution_is_its_definition(rng, shape):
    height, width, channels, count, fy, fx, stride, padding = shape
    image, weights = int8(rng, (height, width, channels)), int8(rng, (count, fy, fx, channels))
    got = convolution(image, weights, stride=stride, padding=padding)
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, by_loops(image, weights, stride, padding))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("channels", [32, 35])
def test_convolution_is_scipys_correlation(rng, channels, stride):
    image, weights = int8(rng, (11, 8, channels)), int8(rng, (9, 3, 3, channels))
    padded = np.pad(image.astype(np.int64), ((1, 1), (1, 1), (0, 0)))
    expected = [
        correlate(padded, w.astype(np.int64), "valid", "direct")[::stride, ::stride, 0] for w in weights
    ]
    got = convolution(image, weights, stride=stride, padding=1)
    np.testing.assert_array_equal(got, np.stack(expected, axis=2))


def test_im2col_has_a_patch_a_line_and_the_channel_fastest():
    image = np.arange(24, dtype=np.int8).reshape(3, 4, 2)
    patches = im2col(image, (2, 2), stride=2, padding=0)
    np.testing.assert_array_equal(patches, [[0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]])
    corner = im2col(image, (2, 3), padding=1)[0]
    np.testing.assert_array_equal(corner, [0] * 6 + [0, 0, 0, 1, 2, 3])


def test_sums_wrap_as_in_the_core():
    worst = np.full((1, 131072), -128, np.int8)
    assert fully_connected(worst[:, 1:], worst[:, 1:]) == 131071 << 14
    assert fully_connected(worst, worst) == -(2**31)
    sparse = np.zeros((1, 4 * 131072), np.int8)
    sparse[0, ::4] = -128
    x = np.full(sparse.shape, -128, np.int8)
    packed = pack(sparse, 4, "plain")
    assert fully_connected(x, sparse) == fully_connected_packed(x, packed) == -(2**31)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("m", GROUPS)
def test_sparse_layers_equal_dense_ones(rng, m, layout):
    """Convolutions and fully connected layers, dense, from the packed form, and by instructions."""
    compared = 0
    for count, channels, size in [(1, m, 1), (5, 2 * m, 3), (7, 3 * m, 4), (16, 32, 5)]:
        weights = prune_nm(int8(rng, (count, 9 * channels)), m)
        packed = pack(weights, m, layout)
        image = int8(rng, (size + 2, size, channels))
        dense = convolution(image, weights.reshape(count, 3, 3, channels), padding=1)
        np.testing.assert_array_equal(convolution_packed(image, packed, (3, 3), padding=1), dense)
        vectors = int8(rng, (size, 9 * channels))
        lines = fully_connected(vectors, weights)
        np.testing.assert_array_equal(fully_connected_packed(vectors, packed), lines)
        if layout is not Layout.PLAIN:
            patches = im2col(image, (3, 3), padding=1)
            for beyond in (0x00, 0x80, 0xFF):
                got = run_packed(patches, packed, beyond=beyond)
                assert got.dtype == np.int32
                np.testing.assert_array_equal(got, dense.reshape(-1, count))
            np.testing.assert_array_equal(run_packed(vectors, packed, base=0xFFF0_0000), lines)
        compared += dense.size + lines.size
    assert compared > 500


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from(GROUPS), st.sampled_from(["duplicated", "interleaved"]))
def test_instructions_compute_any_shape(data, m, layout):
    """Up to nine groups and rows: words of offsets half used, channels and patches without a partner."""
    lines, rows, groups = (data.draw(st.integers(1, 9)) for _ in range(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x, weights = int8(rng, (lines, groups * m)), prune_nm(int8(rng, (rows, groups * m)), m)
    expected = [[sum(int(a) * int(b) for a, b in zip(u, v, strict=True)) for v in weights] for u in x]
    np.testing.assert_array_equal(run_packed(x, pack(weights, m, layout)), expected)


@pytest.mark.parametrize("m", GROUPS)
def test_the_longest_paper_layers_fit_the_counter(rng, m):
    """K = 256 is cut to 3; the reduction is the paper's longest convolution and fully connected layer."""
    for layout, length in [("duplicated", 9 * 256), ("interleaved", 2048)]:
        x, weights = int8(rng, (3, length)), prune_nm(int8(rng, (3, length)), m)
        np.testing.assert_array_equal(run_packed(x, pack(weights, m, layout)), fully_connected(x, weights))


A0, A1, S0, OFFSETS, BUFFER0, BUFFER1 = 10, 11, 12, 13, 14, 15


def on_one_hart(x: np.ndarray, packed: Packed, lines: tuple[int, int], row: int) -> list[int]:
    """Return both sums of one line of packed weights by `Hart`, which the kernels do not use.

    Words come from the bytes in memory, as a core would load them.
    """
    length = packed.m * padded_groups(packed.columns, packed.m, packed.layout)
    image = np.full((x.shape[0], length), 0x33)
    image[:, : x.shape[1]] = x
    hart = Hart(Memory(image.reshape(-1), base=0x8000).load, counter=12345)
    hart.registers[BUFFER0] = 0x8000 + length * lines[0]
    hart.registers[BUFFER1] = 0x8000 + length * lines[1]
    weights, offsets = packed.weights[row].tobytes(), packed.offsets[row].astype("<u4").tobytes()
    weight_words = [weights[i : i + 4] for i in range(0, len(weights), 4)]
    offset_words = [int.from_bytes(offsets[i : i + 4], "little") for i in range(0, len(offsets), 4)]
    if packed.layout is Layout.DUPLICATED:
        weight_words = [word for word in weight_words for _ in (0, 1)]
    sums, per_word = [0, 0], (2 if packed.m == 4 else 1)  # iterations of eight instructions to an offset word
    hart.run([SwapCounter(S0, 0)])
    assert hart.registers[S0] == 12345
    for i in range(len(weight_words) // 2):
        hart.write(OFFSETS, offset_words[i // per_word])
        hart.run([Decimate(packed.m, A0, BUFFER0, OFFSETS), Decimate(packed.m, A1, BUFFER1, OFFSETS)] * 4)
        for j, register in enumerate((A0, A1)):
            a = np.frombuffer(hart.registers[register].to_bytes(4, "little"), np.int8)
            b = np.frombuffer(weight_words[2 * i + j], np.int8)
            sums[j] += int(a.astype(int) @ b.astype(int))
    assert len(offset_words) * per_word * 2 == len(weight_words)  # every word is used up
    return sums


@pytest.mark.parametrize("groups", [1, 4, 7, 18])
@pytest.mark.parametrize("m", GROUPS)
def test_one_hart_computes_two_sums(rng, m, groups):
    x, weights = int8(rng, (4, groups * m)), prune_nm(int8(rng, (4, groups * m)), m)
    expected = fully_connected(x, weights)
    duplicated, interleaved = pack(weights, m, "duplicated"), pack(weights, m, "interleaved")
    for row in range(4):
        assert on_one_hart(x, duplicated, (1, 3), row) == expected[[1, 3], row].tolist()
    for pair in range(2):
        assert on_one_hart(x, interleaved, (2, 2), pair) == expected[2, 2 * pair : 2 * pair + 2].tolist()


X = np.ones((2, 8), np.int8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fully_connected(X, X[:, :4]), "activations has 8 columns and weights has 4"),
        (lambda: fully_connected(X * 1.0, X), "activations has dtype float64"),
        (lambda: fully_connected(X, [[1, 2, 128]]), r"weights\[0, 2\] does not fit INT8"),
        (lambda: fully_connected(X[0], X), r"activations has shape \(8,\)"),
        (lambda: fully_connected_packed(X[:, :4], pack(X * 0, 4, "plain")), "4 columns and weights has 8"),
        (
            lambda: convolution(X[None], np.ones((1, 1, 1, 7), int)),
            "weights has 7 input channels, and activations 8",
        ),
        (lambda: convolution(X, X), r"weights has shape \(2, 8\), not 4 dimensions"),
        (
            lambda: im2col(X[None], (3, 1), padding=0),
            "does not fit into 1 x 2 with pads",
        ),
        (lambda: im2col(X[None], (1, 0)), r"kernel\[1\] is 0"),
        (lambda: im2col(X[None], (1, 1), stride=0), "stride is 0"),
        (lambda: im2col(X[None], (1, 1), padding=-1), "padding is -1"),
        (lambda: run_packed(X, pack(X * 0, 4, "plain")), "layout is plain"),
        (lambda: run_packed(X[:0], pack(X * 0, 4, "duplicated")), "lines of activations is 0"),
        (lambda: run_packed(X[:, :4], pack(X * 0, 4, "duplicated")), "4 columns and weights has 8"),
        (
            lambda: run_packed(np.zeros((1, 131104), int), pack(np.zeros((1, 131104), int), 4, "duplicated")),
            "columns is 131104: the counter reaches 131072",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_examples_hold():
    outcome = doctest.testmod(nm_layers)
    assert outcome.attempted and not outcome.failed
