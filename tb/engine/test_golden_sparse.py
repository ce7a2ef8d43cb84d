"""The block-compressed format: there and back, sizes, and every inconsistency named."""

import dataclasses

import numpy as np
import pytest

from tileloom_golden.engine.sparse import BlockSparse, from_bsr, from_convolution, from_dense

SHAPES = [(1, 1), (1, 32), (32, 1), (16, 4), (4, 16), (8, 8), (3, 5), (32, 32), (2, 7)]


def sparse_matrix(rng, k, n, block, density=0.5):
    """Return int8 values with whole blocks of zeros, the blocks cut by the edges among them."""
    keep = rng.random((-(-k // block[0]), -(-n // block[1]))) < density
    mask = keep.repeat(block[0], 0).repeat(block[1], 1)[:k, :n]
    return np.where(mask, rng.integers(-128, 128, (k, n)), 0).astype(np.int8)


@pytest.mark.parametrize("block", SHAPES)
def test_dense_there_and_back(rng, block):
    for k, n in [(1, 1), (33, 65), (64, 32), (7, 97)]:
        matrix = sparse_matrix(rng, k, n, block)
        sparse = from_dense(matrix, block)
        np.testing.assert_array_equal(sparse.to_dense(), matrix)
        assert sparse.to_dense().dtype == np.int8
        assert (sparse.blocks != 0).any(axis=(1, 2, 3, 4)).all()


@pytest.mark.parametrize("block", SHAPES)
def test_scipy_there_and_back(rng, block):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    k, n = 3 * block[0], 5 * block[1]
    matrix = sparse_matrix(rng, k, n, block)
    theirs = scipy_sparse.bsr_array(matrix, blocksize=block)
    theirs.sort_indices()
    sparse = from_bsr(theirs)
    np.testing.assert_array_equal(sparse.to_dense(), matrix)
    back = scipy_sparse.bsr_array(sparse.to_bsr(), shape=(k, n))
    np.testing.assert_array_equal(back.toarray(), matrix)
    # Of the transpose, theirs is ours.
    transposed = scipy_sparse.bsr_array(matrix.T.copy(), blocksize=block[::-1])
    transposed.sort_indices()
    np.testing.assert_array_equal(transposed.indptr, sparse.column_pointers)
    np.testing.assert_array_equal(transposed.indices, sparse.block_rows)
    np.testing.assert_array_equal(transposed.data.swapaxes(1, 2), sparse.blocks[:, 0, 0])


def test_convolution_there_and_back(rng):
    weights = rng.integers(-128, 128, (20, 3, 5, 13)).astype(np.int8)
    weights[8:16, :, :, :8] = 0
    sparse = from_convolution(weights)
    assert sparse.grid == (2, 3) and sparse.kernel == (3, 5) and len(sparse.blocks) == 5
    np.testing.assert_array_equal(sparse.mask, [[True, False, True], [True, True, True]])
    np.testing.assert_array_equal(sparse.to_convolution(), weights)
    # A block holds b_n output channels x h x w x b_k input channels: blocks[0] is column 0, row 0.
    np.testing.assert_array_equal(sparse.blocks[0], weights[:8, :, :, :8].transpose(1, 2, 3, 0))


def test_a_single_value_lands_where_it_belongs():
    matrix = np.zeros((40, 24), np.int8)
    matrix[17, 9] = 5
    sparse = from_dense(matrix, (16, 4))
    assert sparse.column_pointers.tolist() == [0, 0, 0, 1, 1, 1, 1] and sparse.block_rows.tolist() == [1]
    assert sparse.blocks[0, 0, 0, 1, 1] == 5 and sparse.density == 1 / 18


def test_a_mask_keeps_zero_blocks_and_drops_others():
    matrix = np.zeros((16, 16), np.int8)
    matrix[:8, :8] = 1
    sparse = from_dense(matrix, mask=[[False, True], [False, False]])
    assert sparse.block_rows.tolist() == [0] and not sparse.to_dense().any() and len(sparse.blocks) == 1


def test_nothing_kept():
    sparse = from_dense(np.zeros((9, 17), np.int8))
    assert sparse.counts.tolist() == [0, 0, 0] and sparse.density == 0
    np.testing.assert_array_equal(sparse.to_dense(), np.zeros((9, 17)))


def test_bytes(rng):
    sparse = from_convolution(rng.integers(1, 9, (16, 3, 3, 24)).astype(np.int8))
    assert sparse.bytes() == {
        "pointers": 12,
        "indices": 12,
        "blocks": 6 * 576,
        "total": 24 + 6 * 576,
        "dense": 16 * 9 * 24,
    }
    assert from_dense(np.ones((8, 8), np.float32)).bytes()["blocks"] == 256


VALID = BlockSparse(
    (24, 20), (8, 8), (1, 1), np.array([0, 2, 2, 3]), np.array([0, 2, 1]), np.zeros((3, 1, 1, 8, 8), np.int8)
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"column_pointers": [0, 2, 3]}, r"column_pointers has 3 entries, not 4"),
        ({"column_pointers": [1, 2, 2, 3]}, r"column_pointers\[0\] is 1, not 0"),
        ({"column_pointers": [0, 2, 1, 3]}, r"column_pointers\[2\] is 1, less than the one before it"),
        ({"column_pointers": [0, 2, 2, 4]}, r"column_pointers\[3\] is 4, but block_rows has 3 entries"),
        ({"block_rows": [0, 3, 1]}, r"block_rows\[1\] is 3, not 0 to 2"),
        ({"block_rows": [0, 2, -1]}, r"block_rows\[2\] is -1, not 0 to 2"),
        ({"block_rows": [2, 0, 1]}, r"block_rows\[1\] \(0, block column 0\) is not in ascending order"),
        ({"block_rows": [2, 2, 1]}, r"block_rows\[1\] \(2, block column 0\) is there twice"),
        ({"block_rows": [0.0, 2.0, 1.0]}, r"block_rows has dtype float64, not an integer one"),
        ({"block_rows": [0, 2]}, r"blocks has shape \(3, 1, 1, 8, 8\), not \(2, 1, 1, 8, 8\)"),
        ({"block": (8, 33)}, r"b_n is 33, not 1 to 32"),
        ({"block": (0, 8)}, r"block\[0\] is 0, not a positive integer"),
        (
            {"blocks": np.ones((3, 1, 1, 8, 8), np.int8)},
            r"blocks\[2\] has a value outside the 24 x 20 matrix",
        ),
    ],
)
def test_inconsistencies_are_named(changes, message):
    changes = {k: np.array(v) if k in ("column_pointers", "block_rows") else v for k, v in changes.items()}
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(VALID, **changes)


@pytest.mark.parametrize(
    ("indptr", "indices", "message"),
    [
        ([0, 2, 3], [1, 0, 0], r"indices\[1\] \(0, block row 0\) is not in ascending order"),
        ([0, 2, 3], [1, 1, 0], r"indices\[1\] \(1, block row 0\) is there twice"),
        ([0, 2, 3], [0, 1, 2], r"indices\[2\] is 2, not 0 to 1"),
        ([0, 3, 2], [0, 1, 0], r"indptr\[2\] is 2, but indices has 3 entries"),
    ],
)
def test_a_bsr_matrix_is_checked(indptr, indices, message):
    class Matrix:
        data = np.zeros((3, 4, 4), np.int8)
        shape = (8, 8)

    Matrix.indptr, Matrix.indices = np.array(indptr), np.array(indices)
    with pytest.raises(ValueError, match=message):
        from_bsr(Matrix)
