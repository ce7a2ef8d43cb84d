"""1:M sparse matrices as they lie in memory: for kernels in software, and for the xDecimate instruction.

The packed forms of Daghero et al., "Lightweight Software Kernels and Hardware Extensions for Efficient
Sparse DNNs on MCUs": non-zeros as INT8, and offsets of 2 bits for M = 4 and of 4 bits for M = 8 and 16,
in 32-bit words of which a little-endian core finds the first offset in the least significant bits.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_positive, refuse
from .sparsity import check_m, compress, expand

STEP = 4
"""Groups that one 32-bit word of weights, and one dot product of 4 x 8 bits, covers."""


class Layout(StrEnum):
    """The order of offsets, and of weights, in memory.

    Every row of a plain or duplicated matrix starts a new word of weights and a new word of offsets, as
    does every pair of rows (2i and 2i + 1) of an interleaved one.
    """

    PLAIN = "plain"
    """Offsets once, o0 o1 o2 ...: for kernels in software."""
    DUPLICATED = "duplicated"
    """Each offset twice, o0 o0 o1 o1 ...: xDecimate in a convolution, for two output pixels in turn."""
    INTERLEAVED = "interleaved"
    """Two rows a and b in turn, a0 b0 a1 b1 ...: xDecimate in a fully connected layer. Their words of
    weights take turns as well, and a last row without a partner gets a row of zeros for one."""

    @property
    def streams(self) -> int:
        """How many offsets a group takes in the words that the group is in: 1, or 2 for xDecimate."""
        return 1 if self is Layout.PLAIN else 2


@dataclass(frozen=True)
class Packed:
    """A packed matrix, as its bytes lie in memory.

    Attributes
    ----------
    m:
        Of 1:M.
    layout:
        Of offsets and weights.
    rows:
        Of the matrix.
    columns:
        Of the matrix.
    weights:
        Int8, a line for each row (or pair of rows, interleaved): groups filled up with zeros to
        `padded_groups`, the first at the lowest address.
    offsets:
        Uint32, as many lines: words that a little-endian core loads, the first offset in the
        least significant bits.
    """

    m: int
    layout: Layout
    rows: int
    columns: int
    weights: npt.NDArray[np.int8]
    offsets: npt.NDArray[np.uint32]

    @property
    def bytes(self) -> int:
        """Bytes of weights and offsets together."""
        return self.weights.nbytes + self.offsets.nbytes

    @property
    def saved(self) -> float:
        """Share of the dense matrix's bytes that packing saves; below 0 where padding outweighs it."""
        return 1 - self.bytes / (self.rows * self.columns)


def offset_bits(m: int) -> int:
    """Return the bits of an offset in memory: 2 for M = 4, 4 for M = 8 and 16.

    Raises
    ------
    ValueError
        M is not 4, 8 or 16.
    """
    check_m(m)
    return 2 if m == 4 else 4


def padded_groups(columns: int, m: int, layout: Layout | str) -> int:
    """Return how many groups a packed row has, those included that padding adds.

    They make whole words of weights, so a multiple of 4; in the layouts for xDecimate whole words of
    offsets too, so for M = 4 a multiple of 8. A kernel loads activations for padding as well: its buffer
    has to be readable for M * padded_groups bytes, whatever they hold.

    Raises
    ------
    ValueError
        `columns` is not a positive multiple of M, or M or the layout is unknown.
    """
    bits = offset_bits(m)
    check_positive(columns, "columns")
    if columns % m:
        raise ValueError(f"columns is {columns}, not a multiple of {m}")
    streams = Layout(layout).streams
    unit = STEP if streams == 1 else 32 // (streams * bits)
    return -(-columns // (m * unit)) * unit


def packed_bytes(rows: int, columns: int, m: int, layout: Layout | str) -> int:
    """Return the bytes of weights and offsets that a packed matrix takes.

    Where no padding is needed, 1 - packed_bytes / (rows * columns) is the paper's share saved: 68.75,
    81.25 and 90.625 % for M = 4, 8, 16; with duplicated offsets 62.5, 75 and 87.5 %.

    >>> 1 - packed_bytes(256, 2048, 16, "interleaved") / (256 * 2048)
    0.90625

    Raises
    ------
    ValueError
        `rows` is not positive, or as `padded_groups`.
    """
    (lines, weights), (_, words) = _shapes(rows, columns, m, Layout(layout))
    return lines * (weights + 4 * words)


def pack(weights: npt.ArrayLike, m: int, layout: Layout | str) -> Packed:
    """Pack a 1:M sparse matrix.

    >>> packed = pack(np.array([[0, 0, 17, 0, -5, 0, 0, 0]]), 4, "duplicated")
    >>> packed.weights.tolist(), [f"{word:#b}" for word in packed.offsets[0]]
    ([[17, -5, 0, 0, 0, 0, 0, 0]], ['0b1010'])

    Parameters
    ----------
    weights:
        Rows x columns of any integer dtype, at least one of each, 1:M sparse, -128 to 127.
    m:
        4, 8 or 16.
    layout:
        The order in memory.

    Raises
    ------
    ValueError
        As `compress`, or no rows or columns.
    """
    layout = Layout(layout)
    values, offsets = compress(weights, m)
    rows, groups = values.shape
    check_positive(rows, "rows")
    more_rows = rows % 2 if layout is Layout.INTERLEAVED else 0
    more_groups = padded_groups(groups * m, m, layout) - groups
    padding = (0, more_rows), (0, more_groups)
    values, offsets = np.pad(values, padding), np.pad(offsets, padding)
    if layout is Layout.DUPLICATED:
        offsets = offsets.repeat(2, axis=1)
    elif layout is Layout.INTERLEAVED:
        values = _pair(values, STEP)
        offsets = _pair(offsets, 1)
    return Packed(m, layout, rows, groups * m, values, _to_words(offsets, offset_bits(m)))


def unpack_groups(packed: Packed) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.uint8]]:
    """Return non-zeros and offsets as `compress` returned them, padding taken off.

    Raises
    ------
    ValueError
        The arrays are not of the shapes that `pack` makes, an offset is M or more, the two
        copies of a duplicated offset differ, or padding has a weight that is not 0.
    """
    m = packed.m
    for name, shape in zip(
        ("weights", "offsets"), _shapes(packed.rows, packed.columns, m, packed.layout), strict=True
    ):
        if (actual := getattr(packed, name).shape) != shape:
            raise ValueError(f"{name} has shape {actual}, and this matrix takes {shape}")
    groups = padded_groups(packed.columns, m, packed.layout)
    values = packed.weights
    offsets = _from_words(packed.offsets, offset_bits(m))[:, : groups * packed.layout.streams]
    refuse(offsets >= m, "offset", f"is not below {m}")
    if packed.layout is Layout.DUPLICATED:
        refuse(offsets[:, 0::2] != offsets[:, 1::2], "group", "has two offsets that differ")
        offsets = offsets[:, 0::2]
    elif packed.layout is Layout.INTERLEAVED:
        values, offsets = _unpair(values, STEP), _unpair(offsets, 1)
    padding = values.copy()
    padding[: packed.rows, : packed.columns // m] = 0
    refuse(padding != 0, "weights", "is in padding and is not 0")
    part = slice(packed.rows), slice(packed.columns // m)
    return values[part].copy(), offsets[part].copy()


def unpack(packed: Packed) -> npt.NDArray[np.int8]:
    """Return the dense matrix, rows x columns, that `pack` packed.

    Raises
    ------
    ValueError
        As `unpack_groups`.
    """
    return expand(*unpack_groups(packed), packed.m)


def _shapes(rows: int, columns: int, m: int, layout: Layout) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the shapes of packed weights and of packed offsets."""
    check_positive(rows, "rows")
    groups = padded_groups(columns, m, layout)
    words = -(-groups * layout.streams * offset_bits(m) // 32)
    if layout is Layout.INTERLEAVED:
        lines = -(-rows // 2)
        return (lines, 2 * groups), (lines, words)
    return (rows, groups), (rows, words)


def _pair(lines: npt.NDArray[Any], run: int) -> npt.NDArray[Any]:
    """Return lines 2i and 2i + 1 as one, `run` elements of one and of the other in turn."""
    rows, length = lines.shape
    return lines.reshape(rows // 2, 2, length // run, run).swapaxes(1, 2).reshape(rows // 2, 2 * length)


def _unpair(lines: npt.NDArray[Any], run: int) -> npt.NDArray[Any]:
    """Undo `_pair`."""
    rows, length = lines.shape
    return lines.reshape(rows, length // (2 * run), 2, run).swapaxes(1, 2).reshape(2 * rows, length // 2)


def _to_words(fields: npt.NDArray[Any], bits: int) -> npt.NDArray[np.uint32]:
    """Return each line's fields as 32-bit words, the first field in the least significant bits."""
    per_word = 32 // bits
    rows, count = fields.shape
    words = np.zeros((rows, -(-count // per_word)), np.uint32)
    for place in range(per_word):
        field = fields[:, place::per_word]
        words[:, : field.shape[1]] |= field.astype(np.uint32) << np.uint32(place * bits)
    return words


def _from_words(words: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint8]:
    """Return the fields of each line's words."""
    per_word = 32 // bits
    fields = np.empty((len(words), words.shape[1] * per_word), np.uint8)
    for place in range(per_word):
        fields[:, place::per_word] = words >> np.uint32(place * bits) & np.uint32((1 << bits) - 1)
    return fields
