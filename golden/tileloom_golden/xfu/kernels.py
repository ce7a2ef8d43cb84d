"""Packed layers computed by sequences of the golden xDecimate instruction, as a core's inner loop does.

For each row of weights (or pair of rows) the counter is cleared, and then four groups at a time

    offsets word -> rs2, when the last one is used up
    xdecimate rd0 <- (rs1 = a), xdecimate rd1 <- (rs1 = b)      four times: a byte each into both
    sum0 += dot4(rd0, weights word), sum1 += dot4(rd1, weights word)

Duplicated offsets (convolution): a and b are the patches of two output pixels and the words of weights
are one. Interleaved (fully connected): a is b, and each output channel has a word of weights.
Daghero et al., "Lightweight Software Kernels and Hardware Extensions for Efficient Sparse DNNs on MCUs".
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_positive
from ..integers import check_int8
from .layers import Int32
from .packing import STEP, Layout, Packed, offset_bits, padded_groups
from .xdecimate import Memory, decimate, step

Words32 = npt.NDArray[np.int64]
"""What 32-bit registers of many harts hold."""

MAX_GROUPS = 1 << 15
"""Groups of a row that a 16-bit counter, which takes two steps for each, tells apart."""


def run_packed(
    activations: npt.ArrayLike, packed: Packed, *, base: int = 0x1000_0000, beyond: int = 0x5A
) -> Int32:
    """Return what the instructions compute: `layers.fully_connected_packed`, if packing is right.

    Parameters
    ----------
    activations:
        P x L, -128 to 127, any integer dtype; for a convolution, `layers.im2col`.
    packed:
        K x L weights, duplicated or interleaved.
    base:
        Address of the memory that the activations are put in.
    beyond:
        The byte that memory holds after every line of activations, where padding reads.

    Returns
    -------
    Int32
        int32, P x K.

    Raises
    ------
    ValueError
        Dtype or dimensions are wrong, an activation does not fit INT8 (the message has its index), L differs,
        P is 0, a row has more than 32768 groups, or the layout is plain.
    """
    x = check_int8(activations, "activations", 2)
    if x.shape[1] != packed.columns:
        raise ValueError(f"activations has {x.shape[1]} columns and weights has {packed.columns}")
    if packed.layout is Layout.PLAIN:
        raise ValueError("layout is plain: xDecimate reads duplicated or interleaved offsets")
    groups = padded_groups(packed.columns, packed.m, packed.layout)
    if groups > MAX_GROUPS:
        raise ValueError(f"columns is {packed.columns}: the counter reaches {MAX_GROUPS * packed.m}")
    lines, length = x.shape
    check_positive(lines, "the number of lines of activations")
    stride = packed.m * groups
    image = np.full((lines, stride), beyond, np.int64)
    image[:, :length] = x.view(np.uint8)
    memory = Memory(image.reshape(-1), base)
    addresses = base + stride * np.arange(lines)
    words = _weight_words(packed)
    if packed.layout is Layout.INTERLEAVED:
        even, odd = words[:, 0::2], words[:, 1::2]
        sums = _rows(packed, memory, (addresses, addresses), (even, odd))
        result = np.stack(sums, axis=1).reshape(-1, lines)[: packed.rows].T
    else:
        # The last of an odd number of patches is its own partner, and the partner's result is left out.
        partner = np.minimum(np.arange(1, lines + 1, 2), lines - 1)
        sums = _rows(packed, memory, (addresses[0::2], addresses[partner]), (words, words))
        result = np.stack(sums, axis=2).reshape(packed.rows, -1)[:, :lines].T
    return np.ascontiguousarray(result)


def _rows(
    packed: Packed, memory: Memory, rs1: tuple[Words32, Words32], weights: tuple[Words32, Words32]
) -> tuple[Int32, Int32]:
    """Return both sums of every line of packed weights with every pair of addresses, lines x pairs.

    Each such pair is a hart of its own, and all of them execute in step: registers are arrays.
    """
    per_word = 32 // offset_bits(packed.m)
    offsets = packed.offsets.astype(np.int64)
    shape = offsets.shape[0], rs1[0].size
    rd = [np.full(shape, 0xDEADBEEF), np.full(shape, 0xDEADBEEF)]  # what a kernel finds there
    sums = [np.zeros(shape, np.int64), np.zeros(shape, np.int64)]
    counter = 0
    for word in range(weights[0].shape[1]):
        for _ in range(STEP):
            rs2 = offsets[:, counter // per_word, None]
            for i in (0, 1):
                rd[i] = decimate(packed.m, rd=rd[i], rs1=rs1[i], rs2=rs2, counter=counter, load=memory.load)
                counter = step(counter)
        for i in (0, 1):
            sums[i] += _dot4(rd[i], weights[i][:, word, None])
    return sums[0].astype(np.int32), sums[1].astype(np.int32)


def _weight_words(packed: Packed) -> Words32:
    """Return each line's weights as the 32-bit words that a little-endian core loads."""
    return np.ascontiguousarray(packed.weights).view("<u4").astype(np.int64)


def _dot4(a: Words32, b: Words32) -> Words32:
    """Return the dot product of four signed bytes of a and of b."""
    total: Any = 0
    for lane in (0, 8, 16, 24):
        total = total + _signed(a >> lane) * _signed(b >> lane)
    return total


def _signed(word: Words32) -> Words32:
    """Return a word's lowest byte as -128 to 127."""
    return (word & 0xFF ^ 0x80) - 0x80
