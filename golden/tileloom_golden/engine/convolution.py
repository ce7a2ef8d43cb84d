"""INT8 matrix products and convolutions, dense and by kept blocks, with INT32 sums: what the engine computes.

Activations are y x x x channels, weights C_out x h x w x C_in. Output pixel (y, x) is the sum over taps
(dy, dx) of input pixel (stride y + dy - top, stride x + dx - left), which is 0 outside the image.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..integers import Pads, check_int8, convolve, taps, wrap_int32
from .sparse import BlockSparse

CHUNK = 1 << 20
"""Activations, about, that are multiplied at a time: they take eight bytes each then."""


def im2col(
    activations: npt.NDArray[Any],
    kernel: tuple[int, int],
    block: int,
    stride: int = 1,
    pads: Pads = (0, 0, 0, 0),
) -> npt.NDArray[Any]:
    """Return the matrix whose product with `unrolled` weights is the convolution, in the engine's order of k.

    That order is (channel block, dy, dx, channel in block), channels filled up with zeros to whole
    blocks. For a float core, whose sums depend on the order; the engine stores no such matrix.

    Parameters
    ----------
    activations:
        H x W x C words or values.
    kernel:
        (h, w).
    block:
        Channels of a block, b_k.
    stride:
        Of both directions.
    pads:
        Of zeros.

    Returns
    -------
    npt.NDArray[Any]
        (H_out W_out) x (C / block up, times h w block).
    """
    seen = taps(activations, kernel, stride, pads)
    h, w, height, width, channels = seen.shape
    blocks = -(-channels // block)
    filled = np.pad(seen, ((0, 0),) * 4 + ((0, blocks * block - channels),))
    split = filled.reshape(h, w, height, width, blocks, block)
    return split.transpose(2, 3, 4, 0, 1, 5).reshape(height * width, -1)


def unrolled(weights: npt.NDArray[Any], block: int) -> npt.NDArray[Any]:
    """Return C_out x h x w x C_in weights as the K x C_out matrix that goes with `im2col`."""
    n, h, w, channels = weights.shape
    blocks = -(-channels // block)
    more = blocks * block - channels
    filled = np.pad(weights, ((0, 0),) * 3 + ((0, more),)) if more else weights
    return filled.reshape(n, h, w, blocks, block).transpose(3, 1, 2, 4, 0).reshape(-1, n)


def convolve_blocks(
    activations: npt.ArrayLike, weights: BlockSparse, stride: int = 1, pads: Pads = (0, 0, 0, 0)
) -> npt.NDArray[np.int32]:
    """Convolve INT8 with block-sparse INT8, kept block by kept block; otherwise as `convolve`."""
    x = check_int8(activations, "activations", 3)
    blocks = check_int8(weights.blocks, "blocks", 5)
    (k, n), (b_k, b_n) = weights.shape, weights.block
    seen = taps(x, weights.kernel, stride, pads)
    if k != x.shape[2]:
        raise ValueError(f"weights has {k} input channels, and activations {x.shape[2]}")
    down, across = weights.grid
    filled = np.pad(seen, ((0, 0),) * 4 + ((0, down * b_k - k),))
    h, w, height, width, _ = filled.shape
    # Pixels x block rows x (taps, b_k): what one block of a block column is multiplied with.
    split = filled.reshape(h * w, height * width, down, b_k).transpose(1, 2, 0, 3)
    total = np.empty((height * width, across * b_n), np.int64)
    together = max(1, CHUNK // (h * w * down * b_k))
    for pixel in range(0, height * width, together):
        # float64 is exact here: no sum of products of INT8 comes near 2^53.
        part = split[pixel : pixel + together].astype(np.float64)
        for column in range(across):
            begin, end = weights.column_pointers[column : column + 2]
            rows = weights.block_rows[begin:end]
            some = part if len(rows) == down else part[:, rows]
            column_blocks = blocks[begin:end].astype(np.float64).reshape(-1, b_n)
            sums = some.reshape(len(part), -1) @ column_blocks
            total[pixel : pixel + together, column * b_n : (column + 1) * b_n] = sums
    return wrap_int32(total.reshape(height, width, -1)[..., :n])


def multiply(a: npt.ArrayLike, b: npt.ArrayLike | BlockSparse) -> npt.NDArray[np.int32]:
    """Return the M x N product of INT8 matrices, M x K and K x N, in INT32; errors as in `convolve`."""
    rows = check_int8(a, "a", 2)
    if isinstance(b, BlockSparse):
        return convolve_blocks(rows[None], b)[0]
    columns = check_int8(b, "b", 2)
    return convolve(rows[None], columns.T[:, None, None, :])[0]
