"""Block-compressed matrices and convolution weights: only the kept blocks, block column by block column.

It is the transpose's block compressed sparse row (BSR) format, as SciPy has it: `column_pointers` says where
a block column's blocks begin, `block_rows` which block row each of them is in, ascending within a column.
Convolution weights keep blocks of b_n output channels x h x w x b_k input channels, as in the paper "Weight
Block Sparsity: Training, Compilation, and AI Engine Accelerators" (arXiv 2407.09453), where b_n = b_k = 8.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim, check_positive
from ..systolic.tiles import tile_grid
from .compressed import check_compressed, check_indices

LARGEST_BLOCK = 32
"""Of either side of a block."""

STRIP = 1 << 20
"""Weights, about, that are cut into blocks at a time: a large layer is copied once and not four times."""

INDEX_BYTES = 2
"""Of a block row in memory."""

POINTER_BYTES = 4
"""Of a column pointer in memory."""


class Bsr(Protocol):
    """What is read of a scipy.sparse.bsr_array or bsr_matrix, so that SciPy need not be installed."""

    data: npt.NDArray[Any]
    indices: npt.NDArray[Any]
    indptr: npt.NDArray[Any]
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class BlockSparse:
    """A K x N matrix, or the weights of a convolution from K to N channels, by its kept blocks.

    Attributes
    ----------
    shape:
        (K, N), in elements; blocks at the lower and right edges may reach beyond.
    block:
        (b_k, b_n), each 1 to 32.
    kernel:
        (h, w) of a convolution, (1, 1) for a matrix.
    column_pointers:
        Block columns + 1 integers, from 0 to the number of blocks.
    block_rows:
        Of each block, ascending within a block column.
    blocks:
        (count, h, w, b_k, b_n), any dtype, zeros beyond the edges.

    Raises
    ------
    ValueError
        The parts do not agree; the message names the first entry that is wrong.
    """

    shape: tuple[int, int]
    block: tuple[int, int]
    kernel: tuple[int, int]
    column_pointers: npt.NDArray[np.int64]
    block_rows: npt.NDArray[np.int64]
    blocks: npt.NDArray[Any]

    def __post_init__(self) -> None:
        for name in ("shape", "block", "kernel"):
            for axis, value in enumerate(getattr(self, name)):
                check_positive(value, f"{name}[{axis}]")
        check_block(self.block)
        down, across = self.grid
        pointers = check_indices(self.column_pointers, "column_pointers")
        rows = check_indices(self.block_rows, "block_rows")
        expected = (len(rows), *self.kernel, *self.block)
        if self.blocks.shape != expected:
            raise ValueError(f"blocks has shape {self.blocks.shape}, not {expected}")
        check_compressed(pointers, rows, across, down, ("column_pointers", "block_rows", "block column"))
        object.__setattr__(self, "column_pointers", pointers)
        object.__setattr__(self, "block_rows", rows)
        object.__setattr__(self, "blocks", self._check_padding())

    def _check_padding(self) -> npt.NDArray[Any]:
        """Return the blocks, unless one has a value outside the matrix, where nothing could read it back."""
        down, across = self.grid
        last_k, last_n = (
            self.shape[0] - (down - 1) * self.block[0],
            self.shape[1] - (across - 1) * self.block[1],
        )
        lower = (self.block_rows == down - 1) & (self.blocks[:, :, :, last_k:, :] != 0).any(axis=(1, 2, 3, 4))
        right = (self.block_columns == across - 1) & (self.blocks[..., last_n:] != 0).any(axis=(1, 2, 3, 4))
        if (lower | right).any():
            entry = int(np.argmax(lower | right))
            raise ValueError(
                f"blocks[{entry}] has a value outside the {self.shape[0]} x {self.shape[1]} matrix"
            )
        return self.blocks

    @property
    def grid(self) -> tuple[int, int]:
        """Block rows and block columns of the whole matrix."""
        return tile_grid(*self.shape, *self.block)

    @property
    def block_columns(self) -> npt.NDArray[np.int64]:
        """The block column of each block."""
        return np.repeat(np.arange(len(self.column_pointers) - 1), self.counts)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Kept blocks of each block column."""
        return np.diff(self.column_pointers)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Which blocks are kept, block rows x block columns."""
        mask = np.zeros(self.grid, np.bool_)
        mask[self.block_rows, self.block_columns] = True
        return mask

    @property
    def density(self) -> float:
        """Share of the blocks that are kept."""
        return len(self.block_rows) / (self.grid[0] * self.grid[1])

    def bytes(self) -> dict[str, int]:
        """Return the sizes in memory: ``pointers``, ``indices``, ``blocks``, ``total`` and ``dense``.

        A pointer takes 4 bytes, an index 2, an element what its dtype takes. ``dense`` is the whole matrix
        without filling up.
        """
        item = self.blocks.dtype.itemsize
        sizes = {
            "pointers": POINTER_BYTES * len(self.column_pointers),
            "indices": INDEX_BYTES * len(self.block_rows),
            "blocks": int(self.blocks.size) * item,
        }
        kernel = self.kernel[0] * self.kernel[1]
        return sizes | {"total": sum(sizes.values()), "dense": self.shape[0] * self.shape[1] * kernel * item}

    def to_dense(self) -> npt.NDArray[Any]:
        """Return the K x N matrix.

        Raises
        ------
        ValueError
            These are the weights of a convolution.
        """
        if self.kernel != (1, 1):
            raise ValueError(f"kernel is {self.kernel}: a convolution's weights, see to_convolution")
        return self.to_convolution()[:, 0, 0, :].T.copy()

    def to_convolution(self) -> npt.NDArray[Any]:
        """Return the weights as C_out x h x w x C_in."""
        (down, across), (b_k, b_n) = self.grid, self.block
        tiles = np.zeros((down, across, *self.kernel, b_k, b_n), self.blocks.dtype)
        tiles[self.block_rows, self.block_columns] = self.blocks
        whole = tiles.transpose(1, 5, 2, 3, 0, 4).reshape(across * b_n, *self.kernel, down * b_k)
        return whole[: self.shape[1], ..., : self.shape[0]].copy()

    def to_bsr(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (data, indices, indptr) for scipy.sparse.bsr_array; its shape is that of whole blocks.

        Raises
        ------
        ValueError
            These are the weights of a convolution.
        """
        if self.kernel != (1, 1):
            raise ValueError(f"kernel is {self.kernel}: BSR holds matrices")
        order = np.lexsort((self.block_columns, self.block_rows))
        pointers = np.searchsorted(self.block_rows[order], np.arange(self.grid[0] + 1))
        return self.blocks[order, 0, 0], self.block_columns[order], pointers.astype(np.int64)


def from_convolution(
    weights: npt.ArrayLike, block: tuple[int, int] = (8, 8), mask: npt.ArrayLike | None = None
) -> BlockSparse:
    """Compress convolution weights.

    Parameters
    ----------
    weights:
        C_out x h x w x C_in, any dtype.
    block:
        (b_k, b_n): input and output channels of a block.
    mask:
        Which blocks to keep, block rows (input channels) x block columns (output channels); what it leaves
        out becomes zero. None keeps the blocks that have a non-zero.

    Raises
    ------
    ValueError
        Dimensions, block or the mask's shape or dtype are wrong.
    """
    array = np.asarray(weights)
    check_ndim(array, 4, "weights")
    check_block(block)
    n, height, width, k = array.shape
    (down, across), (b_k, b_n) = tile_grid(k, n, *block), block
    if mask is None:
        kept = np.concatenate(
            [(tiles != 0).any(axis=(2, 3, 4, 5)) for tiles in column_strips(array, block)]
        ).T
    else:
        kept = np.asarray(mask)
        if kept.dtype != np.bool_ or kept.shape != (down, across):
            raise ValueError(f"mask is {kept.dtype} {kept.shape}, not bool {(down, across)}")
    columns, rows = np.nonzero(kept.T)
    pointers = np.searchsorted(columns, np.arange(across + 1)).astype(np.int64)
    blocks = np.empty((len(rows), height, width, b_k, b_n), array.dtype)
    column = 0
    for tiles in column_strips(array, block):
        end = column + len(tiles)
        blocks[pointers[column] : pointers[end]] = tiles[kept.T[column:end]]
        column = end
    return BlockSparse((k, n), (b_k, b_n), (height, width), pointers, rows, blocks)


def column_strips(weights: npt.NDArray[Any], block: tuple[int, int]) -> Iterator[npt.NDArray[Any]]:
    """Yield the blocks of convolution weights, some block columns at a time.

    Parameters
    ----------
    weights:
        C_out x h x w x C_in, any dtype.
    block:
        (b_k, b_n).

    Yields
    ------
    npt.NDArray[Any]
        Block columns x block rows x h x w x b_k x b_n, zeros added; together all block columns in order.
    """
    n, height, width, k = weights.shape
    (down, across), (b_k, b_n) = tile_grid(k, n, *block), block
    together = max(1, STRIP // (height * width * k * b_n))
    for column in range(0, across, together):
        part = weights[column * b_n : (column + together) * b_n]
        count = -(-len(part) // b_n)
        filled = np.pad(part, ((0, count * b_n - len(part)), (0, 0), (0, 0), (0, down * b_k - k)))
        yield filled.reshape(count, b_n, height, width, down, b_k).transpose(0, 4, 2, 3, 5, 1)


def from_dense(
    matrix: npt.ArrayLike, block: tuple[int, int] = (8, 8), mask: npt.ArrayLike | None = None
) -> BlockSparse:
    """Compress a K x N matrix; arguments and errors as in `from_convolution`."""
    array = np.asarray(matrix)
    check_ndim(array, 2, "matrix")
    return from_convolution(array.T[:, None, None, :], block, mask)


def from_bsr(matrix: Bsr) -> BlockSparse:
    """Convert a scipy.sparse.bsr_array (or bsr_matrix), every stored block kept, one of zeros too.

    Raises
    ------
    ValueError
        Pointers or indices are inconsistent, unsorted, duplicate or out of range (the message names the
        entry; `sort_indices` and `sum_duplicates` mend the last two).
    """
    data = np.asarray(matrix.data)
    check_ndim(data, 3, "data")
    (k, n), (b_k, b_n) = matrix.shape, data.shape[1:]
    check_block((b_k, b_n))
    down, across = tile_grid(k, n, b_k, b_n)
    pointers, columns = check_indices(matrix.indptr, "indptr"), check_indices(matrix.indices, "indices")
    if len(columns) != len(data):
        raise ValueError(f"indices has {len(columns)} entries, and data {len(data)} blocks")
    check_compressed(pointers, columns, down, across, ("indptr", "indices", "block row"))
    rows = np.repeat(np.arange(down), np.diff(pointers))
    order = np.lexsort((rows, columns))
    column_pointers = np.searchsorted(columns[order], np.arange(across + 1)).astype(np.int64)
    return BlockSparse(
        (int(k), int(n)), (b_k, b_n), (1, 1), column_pointers, rows[order], data[order][:, None, None]
    )


def with_columns(weights: BlockSparse, order: Sequence[int]) -> BlockSparse:
    """Return the weights with their block columns in another order, all of them whole."""
    pointers = weights.column_pointers
    kept = [np.arange(pointers[column], pointers[column + 1]) for column in order]
    places = np.concatenate(kept)
    return replace(
        weights,
        shape=(weights.shape[0], len(order) * weights.block[1]),
        column_pointers=np.cumsum([0, *map(len, kept)]),
        block_rows=weights.block_rows[places],
        blocks=weights.blocks[places],
    )


def check_block(block: tuple[int, int]) -> None:
    """Raise ValueError unless both sides of a block are 1 to 32."""
    for axis, size in zip("kn", block, strict=True):
        check_positive(size, f"b_{axis}")
        if size > LARGEST_BLOCK:
            raise ValueError(f"b_{axis} is {size}, not 1 to {LARGEST_BLOCK}")
