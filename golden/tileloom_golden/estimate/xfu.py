"""How many cycles an INT8 layer takes on a RISC-V core with xDecimate, in closed form: its kernels' loops.

On CV32E40P the inner loops are those of Daghero et al., "Lightweight Software Kernels and Hardware Extensions
for Efficient Sparse DNNs on MCUs", and of PULP-NN for dense layers; CV32E40X runs what a compiler makes of C.
Each part of a program takes the same whole number of cycles, whatever the data, where memory answers in a
cycle. These numbers were counted in the RTL, and the sums are equal to it (`tb/xfu/test_estimate.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..xfu.packing import Layout, padded_groups


@dataclass(frozen=True)
class Kernel:
    """Cycles of a kernel, which computes all output channels for two pixels, or for one line.

    Attributes
    ----------
    call:
        Of a call beyond its rows.
    row:
        Of the output channels that it takes together, beyond their steps.
    step:
        Of four weights of each of these, or eight with 1:4, whose words of offsets last for two steps.
    """

    call: int
    row: int
    step: int


@dataclass(frozen=True)
class Copies:
    """Cycles of im2col.

    Attributes
    ----------
    start, patch:
        Of a convolution, and of a patch beyond its rows.
    by_words, by_bytes:
        Of a row of a window beyond what it copies, one way and the other.
    two_words, odd_word, several:
        Of two words that are copied, of the last of an odd number, and of any number above one.
    byte:
        Of a byte that is copied.
    unaligned_left, unaligned_right:
        Where nothing is filled up left or right of a row, and the patch's next byte begins no word.
    """

    start: int
    patch: int
    by_words: int
    by_bytes: int
    two_words: int
    odd_word: int
    several: int
    byte: int
    unaligned_left: int
    unaligned_right: int


Kernels = dict[tuple[bool, int | None], Kernel]
"""By whether it is a convolution's, and M of 1:M weights or None for dense ones."""

CV32E40P: tuple[Kernels, Copies] = (
    {
        (True, None): Kernel(91, 31, 14),
        (True, 4): Kernel(65, 6, 23),
        (True, 8): Kernel(64, 6, 12),
        (True, 16): Kernel(64, 6, 12),
        (False, None): Kernel(36, 21, 9),
        (False, 4): Kernel(25, 6, 25),
        (False, 8): Kernel(24, 6, 13),
        (False, 16): Kernel(24, 6, 13),
    },
    Copies(33, 36, 57, 51, 4, 3, -1, 8, -2, -2),
)
CV32E40X: tuple[Kernels, Copies] = (
    {
        (True, None): Kernel(102, 83, 124),
        (True, 4): Kernel(92, 15, 145),
        (True, 8): Kernel(87, 15, 70),
        (True, 16): Kernel(86, 16, 70),
        (False, None): Kernel(38, 51, 88),
        (False, 4): Kernel(55, 14, 153),
        (False, 8): Kernel(48, 14, 74),
        (False, 16): Kernel(48, 14, 74),
    },
    Copies(18, 43, 58, 54, 16, 8, 0, 10, -2, -2),
)


@dataclass(frozen=True, kw_only=True)
class KernelLayer:
    """A layer as the kernels see it, without padding.

    Attributes
    ----------
    rows:
        Output channels.
    channels:
        Of the input.
    height, width:
        Of the input; 1 of a fully connected layer.
    kernel:
        Of a convolution; None of a fully connected layer.
    stride:
        Of the window.
    group:
        M of 1:M weights, for the kernels with xDecimate; None for the dense ones, four output channels at a
        time.
    """

    rows: int
    channels: int
    height: int = 1
    width: int = 1
    kernel: tuple[int, int] | None = None
    stride: int = 1
    group: int | None = None

    @property
    def length(self) -> int:
        """Weights of an output channel."""
        return self.channels * (self.kernel[0] * self.kernel[1] if self.kernel else 1)

    @property
    def output(self) -> tuple[int, int]:
        """Height and width of the output."""
        if self.kernel is None:
            return 1, 1
        down, across = (
            (size - window) // self.stride + 1
            for size, window in zip((self.height, self.width), self.kernel, strict=True)
        )
        return down, across

    @property
    def calls(self) -> int:
        """How often the kernel runs: once for two pixels."""
        return -(-self.output[0] * self.output[1] // 2)

    @property
    def together(self) -> int:
        """Output channels that the kernel takes together."""
        return 4 if self.group is None else 1 if self.kernel else 2

    @property
    def turns(self) -> int:
        """Rows of the kernel: the output channels over those that it takes together."""
        return -(-self.rows // self.together)

    @property
    def steps(self) -> int:
        """Of each output channel: four weights of a row, filled up to whole words of offsets."""
        if self.group is None:
            return -(-self.length // 4)
        layout = Layout.DUPLICATED if self.kernel else Layout.INTERLEAVED
        return padded_groups(self.length, self.group, layout) // 4

    @property
    def steps_of_a_word(self) -> int:
        """For how many steps a word of offsets lasts."""
        return 2 if self.group == 4 else 1

    @property
    def decimated(self) -> int:
        """Instructions xDecimate: a step has four groups, in each of two lines of activations or rows."""
        return 0 if self.group is None else 8 * self.calls * self.turns * self.steps

    def window_rows(self) -> WindowRows:
        """Return what im2col copies."""
        assert self.kernel is not None
        down, across = self.output
        size = self.kernel[1] * self.channels
        y, x, row = np.ogrid[:down, :across, : self.kernel[0]]
        source = ((y * self.stride + row) * self.width + x * self.stride) * self.channels
        target = row * size
        aligned = int(np.count_nonzero((source | target | size) % 4 == 0))
        patches = down * across
        return WindowRows(
            patches=patches,
            size=size,
            by_words=aligned,
            by_bytes=source.size - aligned,
            unaligned_left=patches * int(np.count_nonzero(target % 4)),
            unaligned_right=patches * int(np.count_nonzero((target + size) % 4)),
        )


@dataclass(frozen=True)
class WindowRows:
    """The rows of windows that im2col copies.

    Attributes
    ----------
    patches:
        Whose rows they are, one for each pixel.
    size:
        Bytes of a row.
    by_words, by_bytes:
        How many are copied by words, where place in image and patch and size are whole ones, and by bytes.
    unaligned_left, unaligned_right:
        How many begin, and end, within a word of the patch.
    """

    patches: int
    size: int
    by_words: int
    by_bytes: int
    unaligned_left: int
    unaligned_right: int


def cycles(layer: KernelLayer, *, simd: bool = True, precise_errors: bool = True) -> int:
    """Return the cycles of a layer, im2col included, as the core's own counter tells them.

    Parameters
    ----------
    layer:
        Its shape.
    simd:
        Whether the core is CV32E40P, with dot products of bytes; else CV32E40X.
    precise_errors:
        Of a unit on CV32E40X: whether each xDecimate takes a cycle for its exception.
    """
    kernels, copies = CV32E40P if simd else CV32E40X
    kernel = kernels[layer.kernel is not None, layer.group]
    steps = layer.steps // layer.steps_of_a_word
    inner = layer.calls * (kernel.call + layer.turns * (kernel.row + kernel.step * steps))
    if not simd and not precise_errors:
        inner -= layer.decimated
    if layer.kernel is None:
        return inner
    rows = layer.window_rows()
    words = rows.size // 4
    copied = copies.two_words * (words // 2) + copies.odd_word * (words % 2) + copies.several * (words > 1)
    return (
        inner
        + copies.start
        + copies.patch * rows.patches
        + rows.by_words * (copies.by_words + copied)
        + rows.by_bytes * (copies.by_bytes + copies.byte * rows.size)
        + rows.unaligned_left * copies.unaligned_left
        + rows.unaligned_right * copies.unaligned_right
    )
