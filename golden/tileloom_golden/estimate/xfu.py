"""About how many cycles an INT8 layer takes on a RISC-V core with xDecimate, from the loops of its kernels.

On CV32E40P the inner loops are those of Daghero et al., "Lightweight Software Kernels and Hardware Extensions
for Efficient Sparse DNNs on MCUs", and of PULP-NN for dense layers; none of them waits for memory that
answers in a cycle. What surrounds them, and the loops of CV32E40X, whose kernels a compiler makes of C, were
counted in the RTL. Estimates are within 5 % of that (`tb/xfu/test_estimate.py`).
"""

from dataclasses import dataclass
from math import gcd

from ..xfu.packing import Layout, padded_groups


@dataclass(frozen=True)
class Loops:
    """Cycles of the loops of a core's kernels.

    Attributes
    ----------
    sparse_step:
        By M, of four groups on two pixels; in a fully connected layer of two output channels on a line.
    sparse_row:
        Of what surrounds an output channel's steps, or two's.
    dense_step:
        Of four weights of four output channels, on two pixels or a line.
    dense_rows:
        Of what surrounds these.
    """

    sparse_step: dict[int, float]
    sparse_row: int
    dense_step: int
    dense_rows: int


@dataclass(frozen=True)
class Copies:
    """Cycles of im2col.

    Attributes
    ----------
    word, byte:
        Of one that is copied.
    window_row, patch, pair:
        Beyond that, of a row of a window, of a patch, and of two pixels.
    """

    word: float
    byte: float
    window_row: int
    patch: int
    pair: int


CV32E40P = (
    {
        "convolution": Loops({4: 11.5, 8: 12, 16: 12}, 6, 14, 42),
        "connected": Loops({4: 12.5, 8: 13, 16: 13}, 6, 9, 26),
    },
    Copies(2, 8, 53, 50, 40),
)
CV32E40X = (
    {
        "convolution": Loops({4: 75, 8: 69, 16: 69}, 36, 127, 116),
        "connected": Loops({4: 76.5, 8: 74, 16: 74}, 16, 88, 53),
    },
    Copies(5, 12, 60, 56, 0),
)


def cycles(
    *,
    rows: int,
    kernel: tuple[int, int] | None,
    channels: int,
    pixels: int,
    group: int | None,
    stride: int = 1,
    simd: bool = True,
) -> int:
    """Return the cycles of a layer, im2col included.

    Parameters
    ----------
    rows:
        Output channels.
    kernel:
        Of a convolution; None of a fully connected layer, which has one pixel.
    channels:
        Of the input.
    pixels:
        Of the output.
    group:
        M of 1:M weights, for the kernels with xDecimate; None for the dense ones, four output channels at a
        time.
    stride:
        Of the window.
    simd:
        Whether the core is CV32E40P, with dot products of bytes; else CV32E40X.
    """
    by_kind, copies = CV32E40P if simd else CV32E40X
    loops = by_kind["connected" if kernel is None else "convolution"]
    length = channels * (kernel[0] * kernel[1] if kernel else 1)
    if group is None:
        inner: float = -(-rows // 4) * (loops.dense_rows + loops.dense_step * -(-length // 4))
    else:
        steps = padded_groups(length, group, Layout.DUPLICATED if kernel else Layout.INTERLEAVED) / 4
        inner = -(-rows // (1 if kernel else 2)) * (loops.sparse_row + loops.sparse_step[group] * steps)
    if kernel is None:
        return round(inner)
    # A row of a window is copied by words where its length and its place in the image are multiples of one.
    by_words = 0.0 if kernel[1] * channels % 4 else gcd(stride * channels, 4) / 4
    copied = length * (by_words * copies.word / 4 + (1 - by_words) * copies.byte)
    patches = pixels * (copied + kernel[0] * copies.window_row + copies.patch)
    return round(-(-pixels // 2) * (inner + copies.pair) + patches)
