"""What the library's functions take besides activations: channels' numbers, and weights as kernels read them.

The layouts are those of `library/tileloom_nn.h`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.errors import UserError
from tileloom.xfu.config import GROUP_SIZES
from tileloom_golden.requantise import Requantisation
from tileloom_golden.xfu.packing import Layout, pack, padded_groups
from tileloom_golden.xfu.sparsity import split_nm

from .layers import COUNTER_GROUPS, Kernel

KERNELS = (Kernel.DENSE_1X2, Kernel.DENSE_4X2, Kernel.XDECIMATE)
"""Those that the library has, in the order of ``enum tileloom_kernel``."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A matrix as a kernel reads it: ``struct tileloom_weights``.

    Attributes
    ----------
    kernel, group:
        Which, and M of N:M; 0 of a dense one.
    rows, steps, segments, passes:
        As in the header.
    values, offsets:
        Bytes in memory.
    """

    kernel: Kernel
    group: int
    rows: int
    steps: int
    segments: int
    passes: int
    values: bytes
    offsets: bytes

    @property
    def line_bytes(self) -> int:
        """Bytes that the kernel reads of a line of activations."""
        return 4 * self.steps * (self.segments * self.group if self.kernel.sparse else 1)


def dense(weights: npt.NDArray[np.int8], kernel: Kernel = Kernel.DENSE_4X2) -> Weights:
    """Return rows x length weights for a dense kernel."""
    rows, length = weights.shape
    steps = -(-length // 4)
    values = np.pad(weights, ((0, 0), (0, 4 * steps - length))).tobytes()
    return Weights(kernel, 0, rows, steps, 1, 1, values, b"")


def sparse(
    weights: npt.NDArray[np.int8], m: int, n: int = 1, *, connected: bool = False, most: int = COUNTER_GROUPS
) -> Weights:
    """Return rows x length weights, N:M, for xDecimate.

    Parameters
    ----------
    weights:
        Int8. A length that is no multiple of M is filled up with zeros.
    m, n:
        4, 8 or 16; 1 to M. N passes, each over the whole row.
    connected:
        For a fully connected layer on one line, whose offsets are interleaved; else duplicated.
    most:
        Groups of a part of a row; longer rows are split into equal parts.

    Raises
    ------
    UserError
        M or N is out of range, or the matrix is not N:M; the message has the first such group.
    """
    if m not in GROUP_SIZES:
        raise UserError(f"group: must be 4, 8 or 16, not {m}")
    rows, length = weights.shape
    layout = Layout.INTERLEAVED if connected else Layout.DUPLICATED
    groups = -(-length // m)
    segments = -(-groups // most)
    each = padded_groups(-(-groups // segments) * m, m, layout)
    filled = np.pad(weights, ((0, rows % 2 if connected else 0), (0, segments * each * m - length)))
    try:
        parts = split_nm(filled, m, n)
    except ValueError as error:
        raise UserError(str(error)) from None
    # Pairs of rows stay together in each part, single rows are alone.
    together = 2 if connected else 1
    by_part = parts.reshape(n, -1, together, segments, each * m).transpose(1, 0, 3, 2, 4)
    packed = pack(by_part.reshape(-1, each * m), m, layout)
    values, offsets = packed.weights.tobytes(), packed.offsets.astype("<u4").tobytes()
    return Weights(Kernel.XDECIMATE, m, rows, each // 4, segments, n, values, offsets)


def multiplier(scale: int, shift: int) -> tuple[int, int] | None:
    """Return multiplier and shift of ``struct tileloom_channel`` for scale / 2^shift.

    None where the ratio is 1/2 or more.

    >>> multiplier(3, 4)
    (1610612736, 1)
    >>> multiplier(1, 63), multiplier(1, 70), multiplier(1, 1)
    ((1, 31), (0, 1), None)
    """
    more = min(16, 63 - shift)
    if scale == 0 or more < 0:  # of any INT32 the result is 0
        return 0, 1
    more = max(more, 33 - shift)
    return (scale << more, shift + more - 32) if scale << more < 1 << 32 else None


def channels(parameters: Requantisation, *, what: str = "output channel", more: int = 0) -> list[list[int]]:
    """Return bias, multiplier and shift of each channel; ratios are divided by 2^more.

    Raises UserError where a ratio is 1/2 or more; the message has the channel.
    """
    found = []
    for index, (bias, scale, shift) in enumerate(
        zip(parameters.bias, parameters.scale, parameters.shift, strict=True)
    ):
        pair = multiplier(int(scale), int(shift) + more)
        if pair is None:
            ratio, limit = int(scale) / 2.0 ** int(shift), 2.0 ** (more - 1)
            raise UserError(f"{what} {index}: scale / 2^shift is {ratio:g}, not below {limit:g}")
        found.append([int(bias), *pair])
    if np.any(parameters.zero_point):
        raise UserError("zero_point: the kernels' results have none; 0 is right")
    return found


def check_sums(weights: npt.NDArray[np.int8], bias: npt.NDArray[np.int64]) -> None:
    """Raise UserError where bias and products could leave INT32; the message has the output channel.

    Parameters
    ----------
    weights:
        Rows x length.
    bias:
        One for each row.
    """
    positive = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(weights, 0).sum(axis=1, dtype=np.int64)
    most, least = bias + 127 * positive - 128 * negative, bias - 128 * positive + 127 * negative
    outside = (most >= 2**31) | (least < -(2**31))
    if outside.any():
        raise UserError(f"output channel {int(np.argmax(outside))}: bias and products may leave INT32")
