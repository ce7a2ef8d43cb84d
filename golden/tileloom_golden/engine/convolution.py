"""INT8 matrix products and convolutions, dense and by kept blocks, with INT32 sums: what the engine computes.

Activations are y x x x channels, weights C_out x h x w x C_in. Output pixel (y, x) is the sum over taps
(dy, dx) of input pixel (stride y + dy - top, stride x + dx - left), which is 0 outside the image.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_integers, check_ndim, check_positive, refuse
from .sparse import BlockSparse

Pads = tuple[int, int, int, int]
"""Top, bottom, left, right."""


def output_size(height: int, width: int, kernel: tuple[int, int], stride: int, pads: Pads) -> tuple[int, int]:
    """Return the height and width of a convolution's output.

    Raises
    ------
    ValueError
        The stride is not positive, a pad is negative, or the kernel does not fit into the image.
    """
    check_positive(stride, "stride")
    for name, pad in zip(("top", "bottom", "left", "right"), pads, strict=True):
        if pad < 0:
            raise ValueError(f"pad {name} is {pad}, negative")
    across = height + pads[0] + pads[1] - kernel[0], width + pads[2] + pads[3] - kernel[1]
    if min(across) < 0:
        raise ValueError(f"kernel {kernel} does not fit into {height} x {width} with pads {pads}")
    return across[0] // stride + 1, across[1] // stride + 1


def wrap_int32(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return exact sums as the engine's INT32, which wraps."""
    return values.astype(np.uint64).astype(np.uint32).view(np.int32)


def taps(
    activations: npt.NDArray[Any], kernel: tuple[int, int], stride: int = 1, pads: Pads = (0, 0, 0, 0)
) -> npt.NDArray[Any]:
    """Return the pixels that each tap sees: h x w x H_out x W_out x C, of the same dtype.

    Parameters
    ----------
    activations:
        H x W x C.
    kernel:
        (h, w).
    stride:
        Of both directions.
    pads:
        Of zeros.

    Raises
    ------
    ValueError
        As in `output_size`, or activations has not 3 dimensions.
    """
    check_ndim(activations, 3, "activations")
    height, width = output_size(activations.shape[0], activations.shape[1], kernel, stride, pads)
    padded = np.pad(activations, (pads[:2], pads[2:], (0, 0)))
    down, across = stride * (height - 1) + 1, stride * (width - 1) + 1
    return np.array(
        [
            [padded[dy : dy + down : stride, dx : dx + across : stride] for dx in range(kernel[1])]
            for dy in range(kernel[0])
        ]
    )


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
    filled = np.pad(weights, ((0, 0),) * 3 + ((0, blocks * block - channels),))
    return filled.reshape(n, h, w, blocks, block).transpose(3, 1, 2, 4, 0).reshape(-1, n)


def convolve(
    activations: npt.ArrayLike, weights: npt.ArrayLike, stride: int = 1, pads: Pads = (0, 0, 0, 0)
) -> npt.NDArray[np.int32]:
    """Convolve INT8 with dense INT8, summing in INT32.

    Parameters
    ----------
    activations:
        H x W x C_in.
    weights:
        C_out x h x w x C_in.
    stride:
        Of both directions.
    pads:
        Top, bottom, left, right.

    Returns
    -------
    npt.NDArray[np.int32]
        H_out x W_out x C_out.

    Raises
    ------
    ValueError
        Dimensions or channels do not agree, or a value does not fit INT8 (its index is named).
    """
    x, w = _check_int8(activations, "activations"), _check_int8(weights, "weights")
    check_ndim(w, 4, "weights")
    seen = taps(x, (w.shape[1], w.shape[2]), stride, pads)
    if w.shape[3] != x.shape[2]:
        raise ValueError(f"weights has {w.shape[3]} input channels, and activations {x.shape[2]}")
    # float64 is exact here: no sum of products of INT8 comes near 2^53.
    total = np.tensordot(seen.astype(np.float64), w.astype(np.float64), axes=((0, 1, 4), (1, 2, 3)))
    return wrap_int32(total.astype(np.int64))


def convolve_blocks(
    activations: npt.ArrayLike, weights: BlockSparse, stride: int = 1, pads: Pads = (0, 0, 0, 0)
) -> npt.NDArray[np.int32]:
    """Convolve INT8 with block-sparse INT8, kept block by kept block; otherwise as `convolve`."""
    x = _check_int8(activations, "activations")
    blocks = _check_int8(weights.blocks, "blocks")
    (k, n), (b_k, b_n) = weights.shape, weights.block
    seen = taps(x, weights.kernel, stride, pads)
    if k != x.shape[2]:
        raise ValueError(f"weights has {k} input channels, and activations {x.shape[2]}")
    down, across = weights.grid
    filled = np.pad(seen, ((0, 0),) * 4 + ((0, down * b_k - k),))
    total = np.zeros((*seen.shape[2:4], across * b_n), np.int64)
    for block, row, column in zip(blocks, weights.block_rows, weights.block_columns, strict=True):
        part = filled[..., row * b_k : (row + 1) * b_k].astype(np.float64)
        total[..., column * b_n : (column + 1) * b_n] += np.einsum("hwyxk,hwkn->yxn", part, block).astype(
            np.int64
        )
    return wrap_int32(total[..., :n])


def _check_int8(values: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    array = check_integers(values, name)
    refuse((array < -128) | (array > 127), name, "does not fit INT8")
    return array


def multiply(a: npt.ArrayLike, b: npt.ArrayLike | BlockSparse) -> npt.NDArray[np.int32]:
    """Return the M x N product of INT8 matrices, M x K and K x N, in INT32; errors as in `convolve`."""
    rows = _check_int8(a, "a")
    check_ndim(rows, 2, "a")
    if isinstance(b, BlockSparse):
        return convolve_blocks(rows[None], b)[0]
    columns = _check_int8(b, "b")
    check_ndim(columns, 2, "b")
    return convolve(rows[None], columns.T[:, None, None, :])[0]
