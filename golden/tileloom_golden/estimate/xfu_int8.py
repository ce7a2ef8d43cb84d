"""How many cycles an INT8 layer takes on CV32E40P by the library in C, in closed form, requantised results.

As `estimate.xfu` for the kernels that leave sums: each part of a program takes the same whole number of
cycles, whatever the data, where memory answers in a cycle. The numbers were counted in the RTL, and the sums
are equal to it (`tb/xfu/test_estimate_int8.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..xfu.packing import Layout, padded_groups
from .xfu import CV32E40P, KernelLayer


@dataclass(frozen=True)
class Lines:
    """Cycles of a sparse kernel on two lines of activations, or on one.

    Attributes
    ----------
    step:
        Of four groups, or of eight with 1:4.
    call:
        Of a call on two lines beyond its rows; each row takes `ROW` beyond its steps.
    connected:
        Of a fully connected layer beyond its rows; each pair of rows takes `PAIR` beyond its steps.
    connected_step:
        Of four groups of a pair of rows, or of eight with 1:4.
    odd:
        Of a last row without a partner, beyond its steps, where there are pairs.
    """

    step: int
    call: int
    connected: int
    connected_step: int
    odd: int


SPARSE = {4: Lines(23, 103, 150, 25, 107), 8: Lines(12, 102, 149, 13, 106), 16: Lines(12, 102, 147, 13, 106)}
ROW, PAIR, ALONE = 32, 35, 96
"""Of a sparse row on two lines, of a pair of rows on one, and of a layer's only row, beyond steps."""

PRODUCT, LAST_LINE = 96, 13
"""Of a product of lines; what a last line without a partner takes less than two."""

CONVOLUTION = {None: 106, 4: 109, 8: 109, 16: 109}
PATCHES, PATCH, ROW_BY_WORDS, ROW_BY_BYTES = 10, 42, 57, 51
"""Of im2col: for two patches, for one, and for a row of its window by words and by bytes beyond copies."""


def int8_cycles(layer: KernelLayer) -> int:
    """Return the cycles of a layer, as the core's own counter tells them.

    Parameters
    ----------
    layer:
        Its shape; dense weights run four output channels at a time, and 1:M ones in one part and one pass.

    Raises
    ------
    ValueError
        A 1 x 1 window with a stride, whose lines begin anew in each row of the image, or a row of more groups
        than the unit's counter tells apart.
    """
    if layer.group is not None and _groups(layer) > 1 << 15:
        raise ValueError(f"a row of {layer.length} weights is more than {1 << 15} groups of 1:{layer.group}")
    if layer.kernel is None:
        return _connected(layer)
    pixels = layer.output[0] * layer.output[1]
    pairs, odd = divmod(pixels, 2)
    two = _two_lines(layer)
    if layer.kernel == (1, 1):
        if layer.stride != 1:
            raise ValueError("a 1 x 1 window with a stride has no closed form")
        return PRODUCT + pairs * two + odd * (two - LAST_LINE + (pairs == 0))
    rows, copies = layer.window_rows(), CV32E40P[1]
    words = rows.size // 4
    copied = copies.two_words * (words // 2) + copies.odd_word * (words % 2) + copies.several * (words > 1)
    return (
        CONVOLUTION[layer.group]
        + (pairs + odd) * (two + PATCHES)
        + PATCH * pixels
        + rows.by_words * (ROW_BY_WORDS + copied)
        + rows.by_bytes * (ROW_BY_BYTES + copies.byte * rows.size)
        + rows.unaligned_left * copies.unaligned_left
        + rows.unaligned_right * copies.unaligned_right
    )


def _groups(layer: KernelLayer) -> int:
    assert layer.group is not None
    layout = Layout.DUPLICATED if layer.kernel else Layout.INTERLEAVED
    return padded_groups(-(-layer.length // layer.group) * layer.group, layer.group, layout)


def _two_lines(layer: KernelLayer) -> int:
    """Return the cycles of all rows on two lines."""
    if layer.group is not None:
        kernel = SPARSE[layer.group]
        steps = _groups(layer) // (8 if layer.group == 4 else 4)
        return kernel.call + layer.rows * (ROW + kernel.step * steps)
    fours, rest = divmod(layer.rows, 4)
    call = 92 if not rest else 106 if fours else 102
    return call + fours * (174 + 14 * layer.steps) + rest * (33 + 5 * layer.steps)


def _connected(layer: KernelLayer) -> int:
    """Return the cycles of a fully connected layer."""
    if layer.group is not None:
        kernel = SPARSE[layer.group]
        steps = kernel.connected_step * (_groups(layer) // (8 if layer.group == 4 else 4))
        pairs, odd = divmod(layer.rows, 2)
        return kernel.connected + pairs * (PAIR + steps) + odd * (steps + (kernel.odd if pairs else ALONE))
    fours, rest = divmod(layer.rows, 4)
    pairs, odd = divmod(rest, 2)
    start = 106 if fours else 105
    four, pair = 88 + 9 * layer.steps, 40 + 5 * layer.steps
    return start + fours * four + pairs * pair + odd * (45 + 5 * layer.steps)
