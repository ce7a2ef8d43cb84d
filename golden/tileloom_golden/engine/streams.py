"""What goes over the streams of the block-sparse engine for a program, in order (docs/engine.md, Formats)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_ndim
from ..requantise import Requantisation
from ..words import packed
from .program import Conv, Program, Write
from .sparse import BlockSparse

EMPTY, LAST = 1 << 14, 1 << 15
"""Flags of an index entry: the column has no block; last entry of its column."""


def activation_units(program: Program, activations: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the `activations` stream.

    Parameters
    ----------
    program:
        Of the layer.
    activations:
        H x W x C, INT8 values or words.

    Returns
    -------
    npt.NDArray[Any]
        Transfers x k, of the same dtype; channels beyond C are 0.

    Raises
    ------
    ValueError
        Not the layer's input.
    """
    layer, k = program.layer, program.size.k
    image = np.asarray(activations)
    check_ndim(image, 3, "activations")
    if image.shape[2] != layer.channels or image.shape[0] * image.shape[1] != layer.height * layer.width:
        expected = (layer.height, layer.width, layer.channels)
        raise ValueError(f"activations has shape {image.shape}, not {expected}")
    blocked = to_blocks(image.reshape(layer.height, layer.width, layer.channels), k)
    pieces = [
        blocked[
            load.block : load.block + load.blocks, load.y : load.y + load.rows, load.x : load.x + load.width
        ]
        for group in program.groups
        for load, _ in group.parts
    ]
    return np.concatenate([piece.reshape(-1, k) for piece in pieces])


def index_entries(program: Program, weights: BlockSparse) -> npt.NDArray[np.uint16]:
    """Return the `index` stream: row, EMPTY and LAST of each entry."""
    _check_weights(program, weights)
    pieces = []
    for conv, column in _columns(program):
        entries = (_rows(weights, conv, column)[0] - conv.block).astype(np.uint16)
        if not len(entries):
            entries = np.array([EMPTY], np.uint16)
        entries[-1] |= LAST
        pieces.append(entries)
    return np.concatenate(pieces)


def skipped_blocks(program: Program, weights: BlockSparse) -> int:
    """Return how many blocks of B are not in the `index` stream, over all of the program."""
    _check_weights(program, weights)
    return sum(conv.blocks - len(_rows(weights, conv, column)[0]) for conv, column in _columns(program))


def index_faults(entries: npt.NDArray[np.uint16], blocks: int) -> int:
    """Return what the engine's output `fault` says of index entries, of a whole number of columns.

    Bit 0: a row is not below ``blocks``, the block rows that there are. Bit 1: a row is not above the one
    before in its column. The entry of an empty column has no row.
    """
    faults, previous = 0, -1
    for entry in entries.tolist():
        row = entry & (EMPTY - 1)
        if not entry & EMPTY:
            faults |= (row >= blocks) | (row <= previous) << 1
        previous = -1 if entry & LAST else row
    return faults


def weight_beats(
    program: Program, weights: BlockSparse, headers: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint8]:
    """Return the `weights` stream.

    Parameters
    ----------
    program:
        Of the layer.
    weights:
        As the layer has them, blocks of k x n: int8 for 8 bits, or unsigned words of size.weight_bits.
    headers:
        (N,) words of 64 bits, see `header_words`.

    Returns
    -------
    npt.NDArray[np.uint8]
        Beats x bytes of the bus, the least significant byte first.

    Raises
    ------
    ValueError
        The weights are not the program's, or no words of size.weight_bits.
    """
    _check_weights(program, weights)
    size = program.size
    width = size.bus // 8
    filled = np.zeros(weights.grid[1] * size.n, "<u8")
    filled[: len(headers)] = headers
    column_headers = _to_beats(filled.reshape(-1, size.n).view(np.uint8), size.header_beats, width)
    taps = weights.kernel[0] * weights.kernel[1]
    count = len(weights.blocks)
    rows = packed(weights.blocks.reshape(count * taps, size.k * size.n), size.weight_bits)
    blocks = _to_beats(rows, size.block_beats, width).reshape(count, taps * size.block_beats, width)
    pieces = []
    for conv, column in _columns(program):
        begin, end = _rows(weights, conv, column)[1]
        pieces += [column_headers[column], blocks[begin:end].reshape(-1, width)]
    return np.concatenate(pieces)


def header_words(parameters: Requantisation) -> npt.NDArray[np.uint64]:
    """Return each column's header: bias in bits 31:0, scale in 47:32, shift in 53:48, zero point in 61:54."""
    words = parameters.bias & (2**32 - 1) | parameters.scale << 32 | parameters.shift << 48
    zero_point = np.asarray(parameters.zero_point) & 0xFF
    return (words | zero_point << 54).astype(np.uint64)


def result_units(
    program: Program, outputs: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return the `results` stream.

    Parameters
    ----------
    program:
        Of the layer.
    outputs:
        H_out x W_out x N as the host wants them, any dtype.

    Returns
    -------
    tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]
        Transfers x drain_rows x n, and the `last` of each transfer. What is beyond N depends on no weight but
        on the headers there; it is given as 0, which is right for headers of 0.
    """
    layer, size = program.layer, program.size
    blocked = to_blocks(np.asarray(outputs).reshape(*layer.output, layer.outputs), size.n)
    pieces = [piece for group in program.groups for piece in _written(group.write, blocked, size.drain_rows)]
    return np.concatenate(pieces), packet_ends(program)


def packet_ends(program: Program) -> npt.NDArray[np.bool_]:
    """Return the `last` of each transfer of the `results` stream: a packet is a block column of a WRITE."""
    lengths = [
        group.write.rows * -(-group.write.width // program.size.drain_rows)
        for group in program.groups
        for _ in range(group.write.columns)
    ]
    ends = np.zeros(sum(lengths), np.bool_)
    ends[np.cumsum(lengths) - 1] = True
    return ends


def from_units(program: Program, units: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the outputs, H_out x W_out x N (of a flat layer 1 x pixels x N), of a `results` stream."""
    layer, size = program.layer, program.size
    (height, width), columns = layer.output, -(-layer.outputs // size.n)
    blocked = np.zeros((columns, height, width, size.n), units.dtype)
    begin = 0
    for group in program.groups:
        write = group.write
        beats = -(-write.width // size.drain_rows)
        for column in range(write.column, write.column + write.columns):
            piece = units[begin : begin + write.rows * beats].reshape(write.rows, -1, size.n)
            where = slice(write.y, write.y + write.rows), slice(write.x, write.x + write.width)
            blocked[column][where] = piece[:, : write.width]
            begin += write.rows * beats
    if begin != len(units):
        raise ValueError(f"units has {len(units)} transfers, and the program gives {begin}")
    return blocked.transpose(1, 2, 0, 3).reshape(height, width, -1)[..., : layer.outputs]


def to_blocks(image: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Return an H x W x C image as it lies in memory: channel blocks x H x W x size, zeros added."""
    height, width, channels = image.shape
    blocks = -(-channels // size)
    filled = np.pad(image, ((0, 0), (0, 0), (0, blocks * size - channels)))
    return filled.reshape(height, width, blocks, size).transpose(2, 0, 1, 3)


def _columns(program: Program) -> Iterator[tuple[Conv, int]]:
    """Yield each block column of each CONV, in order."""
    for group in program.groups:
        for _, conv in group.parts:
            for column in range(conv.column, conv.column + conv.columns):
                yield conv, column


def _rows(weights: BlockSparse, conv: Conv, column: int) -> tuple[npt.NDArray[np.int64], tuple[int, int]]:
    """Return the block rows of a column that a CONV has loaded, and where they are among all blocks."""
    first, end = weights.column_pointers[column : column + 2]
    rows = weights.block_rows[first:end]
    low, high = np.searchsorted(rows, [conv.block, conv.block + conv.blocks])
    return rows[low:high], (int(first + low), int(first + high))


def _written(write: Write, blocked: npt.NDArray[Any], drain_rows: int) -> Iterator[npt.NDArray[Any]]:
    """Yield a WRITE's transfers, a block column at a time."""
    pad = -write.width % drain_rows
    for column in range(write.column, write.column + write.columns):
        piece = blocked[column, write.y : write.y + write.rows, write.x : write.x + write.width]
        yield np.pad(piece, ((0, 0), (0, pad), (0, 0))).reshape(-1, drain_rows, piece.shape[2])


def _to_beats(rows: npt.NDArray[np.uint8], beats: int, width: int) -> npt.NDArray[np.uint8]:
    """Return each row of bytes filled up to so many beats; the same bytes where it is full."""
    if rows.shape[1] == beats * width:
        return rows.reshape(-1, beats, width)
    return np.pad(rows, ((0, 0), (0, beats * width - rows.shape[1]))).reshape(-1, beats, width)


def _check_weights(program: Program, weights: BlockSparse) -> None:
    layer, size = program.layer, program.size
    for name, found, expected in (
        ("shape", weights.shape, (layer.channels, layer.outputs)),
        ("kernel", weights.kernel, layer.kernel),
        ("block", weights.block, (size.k, size.n)),
    ):
        if found != expected:
            raise ValueError(f"weights have {name} {found}, and the program {expected}")
