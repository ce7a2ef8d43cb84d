"""Compressed weights: the subvolume of a core and pass, as it lies in DDR, in a memory tile and in the core.

For each block column parameters of its output channels (bias INT32, scale 16 bits, shift and zero point 8
bits, little endian), the number of its blocks and each block's row (16 bits); filled up to 8 bytes. Then the
blocks, column by column, each output x h x w x input. Dense weights are the same with all blocks there: so
what is moved depends on the blocks that are kept, and on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom_golden.requantise import Requantisation

from .work import ALIGNMENT, Span

_PARAMETERS = np.dtype([("bias", "<i4"), ("scale", "<u2"), ("shift", "u1"), ("zero", "i1")])
_INDEX = np.dtype("<u2")


@dataclass(frozen=True, eq=False)
class Filters:
    """What a convolution computes with.

    Attributes
    ----------
    weights:
        C_out x h x w x C_in, INT8.
    parameters:
        Of its output channels.
    """

    weights: npt.NDArray[np.int8]
    parameters: Requantisation

    def kept(self, block: int) -> npt.NDArray[np.bool_]:
        """Return which blocks have a weight that is not zero, input blocks x output blocks."""
        return np.asarray(self.blocked(block).any(axis=(1, 3, 4, 5)).T)

    def blocked(self, block: int) -> npt.NDArray[np.int8]:
        """Return the weights by blocks: output blocks x block x input blocks x block x h x w."""
        outputs, h, w, inputs = self.weights.shape
        filled = np.pad(self.weights, ((0, -outputs % block), (0, 0), (0, 0), (0, -inputs % block)))
        shape = (-(-outputs // block), block, h, w, -(-inputs // block), block)
        return filled.reshape(shape).transpose(0, 1, 4, 5, 2, 3)


def pack(filters: Filters, outputs: Span, inputs: Span, block: int) -> bytes:
    """Return the compressed weights of some block columns and block rows, blocks of zeros left out."""
    blocked = filters.blocked(block)
    columns = blocked[outputs[0] : sum(outputs), :, inputs[0] : sum(inputs)].transpose(0, 2, 1, 4, 5, 3)
    given = filters.parameters
    parameters = np.zeros(outputs[1] * block, _PARAMETERS)
    there = slice(outputs[0] * block, min(sum(outputs) * block, len(given.bias)))
    for name, values in zip(
        ("bias", "scale", "shift", "zero"),
        (given.bias, given.scale, given.shift, given.zero_point),
        strict=True,
    ):
        parameters[name][: there.stop - there.start] = np.asarray(values)[there]
    index, blocks = [], []
    for number, column in enumerate(columns):
        rows = np.flatnonzero(column.any(axis=(1, 2, 3, 4)))
        index.append(parameters[number * block : (number + 1) * block].tobytes())
        index.append(np.array([len(rows), *rows], _INDEX).tobytes())
        blocks.append(column[rows].tobytes())
    return _filled(b"".join(index)) + _filled(b"".join(blocks))


def unpack(
    content: npt.NDArray[np.uint8], outputs: int, inputs: int, kernel: tuple[int, int], block: int
) -> Filters:
    """Return dense weights of compressed ones: so many block columns, of so many block rows.

    Raises
    ------
    ValueError
        A block's row is not below ``inputs``: these are no compressed weights of that shape.
    """
    parameters, rows, at = [], [], 0
    for _ in range(outputs):
        size = block * _PARAMETERS.itemsize
        parameters.append(content[at : at + size].view(_PARAMETERS))
        at += size
        count = int(content[at : at + 2].view(_INDEX)[0])
        rows.append(content[at + 2 : at + 2 + 2 * count].view(_INDEX).astype(np.int64))
        if len(rows[-1]) != count or (rows[-1] >= inputs).any():
            raise ValueError(f"block rows {rows[-1].tolist()} of {inputs}")
        at += 2 + 2 * count
    at += -at % ALIGNMENT
    h, w = kernel
    dense = np.zeros((outputs, inputs, block, h, w, block), np.int8)
    for number, own in enumerate(rows):
        size = len(own) * block * h * w * block
        dense[number, own] = content[at : at + size].view(np.int8).reshape(len(own), block, h, w, block)
        at += size
    every = np.concatenate(parameters)
    requantisation = Requantisation(
        *(every[name].astype(np.int64) for name in ("bias", "scale", "shift", "zero"))
    )
    weights = dense.transpose(0, 2, 3, 4, 1, 5).reshape(outputs * block, h, w, inputs * block)
    return Filters(weights, requantisation)


def _filled(content: bytes) -> bytes:
    return content + bytes(-len(content) % ALIGNMENT)
