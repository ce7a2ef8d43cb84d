"""1:M pruning and the packed forms, against the words written out and a packer that knows only bits."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileloom_golden.xfu import packing as nm_packing
from tileloom_golden.xfu import sparsity as nm_sparsity
from tileloom_golden.xfu.kernels import run_packed
from tileloom_golden.xfu.layers import fully_connected
from tileloom_golden.xfu.packing import (
    Layout,
    Packed,
    pack,
    packed_bytes,
    padded_groups,
    unpack,
    unpack_groups,
)
from tileloom_golden.xfu.sparsity import GROUPS, compress, expand, prune_nm, split_nm

SHAPES = [(1, 1), (1, 7), (2, 8), (3, 5), (4, 4), (5, 33), (8, 18), (31, 9)]
"""Rows and groups: odd rows, groups that fill words and groups that do not."""


def sparse(rng: np.random.Generator, rows: int, groups: int, m: int, dtype=np.int8) -> np.ndarray:
    """Return a 1:M matrix with the extremes of INT8 and groups of zeros, pruned by a loop of its own."""
    dense = np.zeros((rows, groups * m), dtype)
    for row, group in np.ndindex(rows, groups):
        value = rng.choice([0, 1, -1, -128, 127, int(rng.integers(-128, 128))])
        dense[row, group * m + rng.integers(m)] = value
    return dense


def bit_stream(weights: np.ndarray, m: int, layout: str) -> tuple[list[bytes], list[bytes]]:
    """Pack by appending bits to strings: the weights and the offsets of every line, as bytes in memory."""
    rows, columns = weights.shape
    size, groups = (2 if m == 4 else 4), columns // m
    chosen = []
    for row in range(rows):
        nonzero = [np.flatnonzero(weights[row, g * m : (g + 1) * m]) for g in range(groups)]
        line = [
            (int(i[0]), int(weights[row, g * m + i[0]])) if len(i) else (0, 0) for g, i in enumerate(nonzero)
        ]
        unit = 8 if m == 4 and layout != "plain" else 4
        chosen.append(line + [(0, 0)] * (-groups % unit))
    if layout == "interleaved" and rows % 2:
        chosen.append([(0, 0)] * len(chosen[0]))
    weight_lines, offset_lines = [], []
    for i in range(0, len(chosen), 2 if layout == "interleaved" else 1):
        values, offsets = [], []
        for g in range(len(chosen[i])):
            here = [chosen[i], chosen[i + 1]] if layout == "interleaved" else [chosen[i]]
            offsets += [line[g][0] for line in here] * (2 if layout == "duplicated" else 1)
            if g % 4 == 0:
                values += [value for line in here for _, value in line[g : g + 4]]
        digits = "".join(format(o, f"0{size}b")[::-1] for o in offsets)  # least significant bit first
        digits += "0" * (-len(digits) % 32)
        offset_lines.append(int(digits[::-1], 2).to_bytes(len(digits) // 8, "little"))
        weight_lines.append(bytes(value & 0xFF for value in values))
    return weight_lines, offset_lines


def test_the_words_of_the_three_layouts():
    a = np.array([[0, 0, 17, 0, -5, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0]])
    plain = pack(a, 4, "plain")
    np.testing.assert_array_equal(plain.weights, [[17, -5, 1, 2]])
    np.testing.assert_array_equal(plain.offsets, [[0b01_11_00_10]])
    duplicated = pack(a, 4, "duplicated")
    np.testing.assert_array_equal(duplicated.weights, [[17, -5, 1, 2, 0, 0, 0, 0]])
    np.testing.assert_array_equal(duplicated.offsets, [[0b0101_1111_0000_1010]])
    b = np.array([[5, 0, 0, 0, 0, 0, 0, 6, 0, 7, 0, 0, 0, 0, 8, 0]])
    interleaved = pack(np.vstack([a, b]), 4, "interleaved")
    np.testing.assert_array_equal(interleaved.weights, [[17, -5, 1, 2, 5, 6, 7, 8] + [0] * 8])
    np.testing.assert_array_equal(interleaved.offsets, [[0b10_01_01_11_11_00_00_10]])
    alone = pack(a, 4, "interleaved")
    np.testing.assert_array_equal(alone.weights, [[17, -5, 1, 2] + [0] * 12])
    np.testing.assert_array_equal(alone.offsets, [[0b00_01_00_11_00_00_00_10]])
    eight = pack([[0, 0, 0, 0, 0, 0, 0, -128, 9, 0, 0, 0, 0, 0, 0, 0]], 8, "duplicated")
    np.testing.assert_array_equal(eight.weights, [[-128, 9, 0, 0]])
    np.testing.assert_array_equal(eight.offsets, [[0x0000_0077]])


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("m", GROUPS)
def test_packing_against_a_string_of_bits_and_back(rng, m, layout):
    compared = 0
    for rows, groups in SHAPES:
        weights = sparse(rng, rows, groups, m)
        packed = pack(weights, m, layout)
        assert packed.weights.dtype == np.int8 and packed.offsets.dtype == np.uint32
        expected_weights, expected_offsets = bit_stream(weights, m, layout)
        assert [line.tobytes() for line in packed.weights] == expected_weights
        assert [line.astype("<u4").tobytes() for line in packed.offsets] == expected_offsets
        assert packed.bytes == packed_bytes(rows, groups * m, m, layout)
        assert packed.bytes == sum(map(len, expected_weights + expected_offsets))
        unpacked = unpack(packed)
        assert unpacked.dtype == np.int8
        np.testing.assert_array_equal(unpacked, weights)
        values, offsets = compress(weights, m)
        np.testing.assert_array_equal(unpack_groups(packed), (values, offsets))
        np.testing.assert_array_equal(expand(values, offsets, m), weights)
        assert packed.weights.shape[1] % 4 == 0
        compared += weights.size
    assert compared > 1000


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from(GROUPS), st.sampled_from(Layout))
def test_whatever_is_pruned_packs_and_comes_back(data, m, layout):
    rows, groups = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 20))
    seed = data.draw(st.integers(0, 2**32 - 1))
    dense = np.random.default_rng(seed).integers(-128, 128, (rows, groups * m), np.int8)
    pruned = prune_nm(dense, m)
    for group, kept in zip(dense.reshape(-1, m), pruned.reshape(-1, m), strict=True):
        best = max(range(m), key=lambda i: (abs(int(group[i])), -i))
        assert [int(v) for v in kept] == [int(v) if i == best else 0 for i, v in enumerate(group)]
    np.testing.assert_array_equal(unpack(pack(pruned, m, layout)), pruned)


def test_pruning_keeps_the_first_of_equals_and_the_dtype():
    np.testing.assert_array_equal(prune_nm([[-2, 2, 1, 2, 0, 0, 0, 0]], 4), [[-2, 0, 0, 0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(prune_nm(np.array([[127, -128, 0, 1]], np.int8), 4), [[0, -128, 0, 0]])
    for dtype in (np.int8, np.int32, np.float32, np.float64):
        weights = np.array([[1, -3, 2, 3, 0, 0, 5, 0]], dtype)
        pruned = prune_nm(weights, 4)
        assert pruned.dtype == dtype and weights[0, 0] == 1
        np.testing.assert_array_equal(pruned, [[0, -3, 0, 0, 0, 0, 5, 0]])
    assert prune_nm(np.zeros((0, 8)), 4).shape == (0, 8)


@pytest.mark.parametrize(
    ("m", "once", "twice"), [(4, 0.6875, 0.625), (8, 0.8125, 0.75), (16, 0.90625, 0.875)]
)
def test_memory_is_the_papers(rng, m, once, twice):
    # groups in multiples of 16 need no padding in any layout
    for rows, columns in [(256, 9 * 256), (256, 256), (2, 16 * m)]:
        for layout, saved in [("plain", once), ("interleaved", once), ("duplicated", twice)]:
            assert 1 - packed_bytes(rows, columns, m, layout) / (rows * columns) == saved
    weights = sparse(rng, 4, 32, m)
    assert [pack(weights, m, layout).saved for layout in Layout] == [once, twice, once]


def test_padding_is_counted():
    # 18 groups, the paper's smallest convolution at 1:16: 20 bytes of weights and 5 words of offsets
    assert padded_groups(288, 16, "duplicated") == padded_groups(288, 16, "plain") == 20
    assert packed_bytes(1, 288, 16, "duplicated") == 20 + 20
    assert packed_bytes(1, 288, 16, "plain") == 20 + 12
    assert packed_bytes(1, 288, 16, "interleaved") == packed_bytes(2, 288, 16, "interleaved") == 40 + 20
    assert padded_groups(36, 4, "duplicated") == 16 and padded_groups(36, 4, "plain") == 12
    assert pack([[1, 0, 0, 0]], 4, "duplicated").saved == 1 - 12 / 4


def tampered(m: int, layout: str, **arrays: np.ndarray) -> Packed:
    good = pack(np.eye(3, m * 5, dtype=int), m, layout)
    fields = {"weights": good.weights.copy(), "offsets": good.offsets.copy()} | arrays
    return Packed(m, Layout(layout), good.rows, good.columns, **fields)


DENSE = np.zeros((3, 32), int)
TWO = DENSE.copy()
TWO[2, 30:] = TWO[1, 20:23] = 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pack(TWO, 4, "plain"), r"weights\[1, 20:24\] has 3 non-zeros: 1:4 allows one"),
        (lambda: pack(TWO, 8, "plain"), r"weights\[1, 16:24\] has 3 non-zeros: 1:8 allows one"),
        (lambda: pack(TWO[2:], 4, "plain"), r"weights\[0, 28:32\] has 2 non-zeros: 1:4 allows one"),
        (lambda: compress(TWO, 16), r"weights\[1, 16:32\] has 3 non-zeros: 1:16 allows one"),
        (lambda: pack(DENSE[:, :30], 4, "plain"), r"30 columns, not a multiple of 4: .*\[0, 28:32\] has 2"),
        (lambda: prune_nm(DENSE[:, :24], 16), r"24 columns, not a multiple of 16: .*\[0, 16:32\] has 8"),
        (lambda: prune_nm(DENSE, 5), "m is 5, not 4, 8 or 16"),
        (lambda: prune_nm(DENSE[0], 4), r"weights has shape \(32,\)"),
        (lambda: prune_nm(DENSE.astype(np.uint8), 4), "dtype uint8"),
        (lambda: prune_nm(np.where(TWO, np.nan, 0.0), 4), r"weights\[1, 20\] is NaN"),
        (lambda: pack(TWO * 1.0, 4, "plain"), "weights has dtype float64"),
        (lambda: pack(TWO * 128, 4, "plain"), r"weights\[1, 20\] does not fit INT8"),
        (lambda: pack(TWO * -129, 4, "plain"), r"weights\[1, 20\] does not fit INT8"),
        (lambda: pack(DENSE[:0], 4, "plain"), "rows is 0"),
        (lambda: pack(DENSE[:, :0], 4, "plain"), "columns is 0"),
        (lambda: pack(DENSE, 4, "twice"), "'twice' is not a valid Layout"),
        (lambda: packed_bytes(1, 31, 4, "plain"), "columns is 31, not a multiple of 4"),
        (lambda: packed_bytes(0, 32, 4, "plain"), "rows is 0"),
        (lambda: padded_groups(32, 3, "plain"), "m is 3, not"),
        (
            lambda: unpack(tampered(8, "plain", offsets=np.array([[0], [0x80], [0]], np.uint32))),
            r"offset\[1, 1\] is not below 8",
        ),
        (
            lambda: unpack(tampered(4, "duplicated", offsets=np.array([[0], [4], [0]], np.uint32))),
            r"group\[1, 0\] has two offsets that differ",
        ),
        (
            lambda: unpack(tampered(4, "duplicated", weights=np.ones((3, 8), np.int8))),
            r"weights\[0, 5\] is in padding and is not 0",
        ),
        (
            lambda: unpack(tampered(4, "interleaved", weights=np.ones((2, 16), np.int8))),
            r"weights\[0, 5\] is in padding and is not 0",
        ),
        (
            lambda: unpack(tampered(4, "plain", weights=np.ones((3, 5), np.int8))),
            r"weights has shape \(3, 5\), and this matrix takes \(3, 8\)",
        ),
        (
            lambda: unpack(tampered(4, "plain", offsets=np.ones((3, 2), np.uint32))),
            r"offsets has shape \(3, 2\), and this matrix takes \(3, 1\)",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("module", [nm_packing, nm_sparsity])
def test_the_examples_hold(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted and not outcome.failed


@pytest.mark.parametrize(("n", "m"), [(1, 4), (2, 4), (2, 8), (4, 8), (3, 16), (16, 16)])
def test_nm_is_pruned_and_split(n, m, rng):
    weights = rng.integers(-128, 128, (5, 6 * m), dtype=np.int8)
    pruned = prune_nm(weights, m, n)
    for before, after in zip(weights.reshape(-1, m), pruned.reshape(-1, m), strict=True):
        kept = np.sort(np.abs(after[after != 0].astype(int)))
        largest = np.sort(np.abs(before.astype(int)))[m - n :]
        assert kept.tolist() == largest[largest > 0].tolist()
        assert ((after == 0) | (after == before)).all()
    parts = split_nm(pruned, m, n)
    np.testing.assert_array_equal(parts.astype(int).sum(axis=0), pruned)
    sums = sum(run_packed(weights[:2], pack(part, m, "duplicated")) for part in parts)
    np.testing.assert_array_equal(sums, fully_connected(weights[:2], pruned))


def test_what_is_not_nm_is_told():
    weights = np.array([[1, 2, 0, 0, 1, 2, 3, 0]])
    with pytest.raises(ValueError, match=r"weights\[0, 4:8\] has 3 non-zeros: 2:4 allows 2"):
        split_nm(weights, 4, 2)
    for n in (0, 5):
        with pytest.raises(ValueError, match=f"n is {n}, not 1 to 4"):
            prune_nm(weights, 4, n)
