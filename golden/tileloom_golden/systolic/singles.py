"""The column's sums in float32, rounded by the processor as the array rounds: faster than in float64.

Where accumulators are FP32, an operand is a float32 and nothing can over- or underflow, the array's product
and sum are IEEE 754's (4.3.1 roundTiesToEven, 4.3.2 roundTowardZero), and a processor can be told which it
computes. C's ``fesetround`` tells it, for the calling thread; whether NumPy's loops then do so is tried out
once. `gemm` takes this way where `applies` says so, and that of `doubles` where not; a test compares both.
"""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import Words
from ..formats import FP32, Float, Integer, Rounding
from ..rounding import flush
from . import doubles

Singles = npt.NDArray[np.float32]

BLOCK = 32768
"""Sums to work on at once: they and a row of products then stay in the second-level cache."""

MANY = 64
"""Vectors from which on this way is the faster one: each step of it is an operation of NumPy over them."""

TOWARD_ZERO = {"x86_64": 0xC00, "AMD64": 0xC00, "aarch64": 0xC00000, "arm64": 0xC00000, "riscv64": 1}
"""FE_TOWARDZERO of <fenv.h>, by machine; FE_TONEAREST is 0 on all of them."""


def applies(vectors: int, formats: tuple[Float, Float | Integer], accumulator: Float, mode: Rounding) -> bool:
    """Return whether products of so many vectors may go this way, if `doubles.in_range` holds of them."""
    return (
        vectors >= MANY
        and accumulator == FP32
        and all(each.significand_bits <= FP32.significand_bits for each in formats)
        and all(isinstance(each, Integer) or each.exponent_bits <= FP32.exponent_bits for each in formats)
        and (mode is Rounding.NEAREST_EVEN or truncates())
    )


def accumulate(
    psum: Words,
    x: Words,
    w: Words,
    kept: npt.NDArray[np.bool_],
    size: tuple[int, int],
    formats: tuple[Float, Float | Integer],
    rounding: Rounding,
    host_adds_tiles: bool,
) -> Words:
    """Return the sums of all kept tiles in the order of k.

    Parameters
    ----------
    psum:
        What they start from, M x N words of FP32.
    x, w:
        M x K and K x N words.
    kept:
        Which tiles are computed, tiles along K x tiles along N.
    size:
        Rows and columns of a tile.
    formats:
        Of x and of w.
    rounding:
        Of products and sums.
    host_adds_tiles:
        As in `gemm.gemm`.

    Returns
    -------
    Words
        M x N words of FP32.
    """
    rows, columns = size
    activations = np.ascontiguousarray(_values(x, formats[0]).T)
    weights = _values(w, formats[1])
    sums = np.ascontiguousarray(_values(psum, FP32).T)
    vectors = sums.shape[1]
    together = max(1, BLOCK // columns)
    with _rounded(rounding):
        for across, down in enumerate(kept.T):
            outputs = slice(across * columns, (across + 1) * columns)
            for begin in range(0, vectors, together):
                some = slice(begin, begin + together)
                total = sums[outputs, some].copy()
                part, product = np.empty_like(total), np.empty_like(total)
                for tile in np.flatnonzero(down):
                    span = slice(tile * rows, (tile + 1) * rows)
                    if host_adds_tiles:
                        part[...] = 0
                    target = part if host_adds_tiles else total
                    for row, weight in zip(activations[span, some], weights[span, outputs], strict=True):
                        np.multiply(weight[:, None], row, out=product)
                        target += product
                    if host_adds_tiles:
                        total += part
                sums[outputs, some] = total
    # A sum is never -0: it starts from +0, and +0 is what either rounding gives of +0 and -0, of a and -a.
    return np.ascontiguousarray(sums.T).view(np.uint32).astype(np.uint64)


def _values(words: Words, format: Float | Integer) -> Singles:
    """Return what words are worth; every zero is +0."""
    if format != FP32:
        return doubles.values(words, format).astype(np.float32)
    return flush(words, FP32).astype(np.uint32).view(np.float32)


@cache
def truncates() -> bool:
    """Return whether this machine's float32 in NumPy can be made to round toward zero, and back."""
    if _fesetround() is None:
        return False
    # 64 each, since NumPy has other loops for many than for one. What is to be rounded: 1 + 0.75 of the last
    # bit, and 1.5 (1 + 2^-23), half of the last bit above an odd number.
    one, last = np.full(64, 1, np.float32), np.full(64, 2**-23, np.float32)
    near = _samples(one, last)
    with _rounded(Rounding.TRUNCATE):
        cut = _samples(one, last)
    again = _samples(one, last)
    nearest, truncated = (1 + 2**-23, -1 - 2**-23, 1.5 + 2**-22), (1, -1, 1.5 + 2**-23)
    return all(
        (found == wanted).all()
        for samples, values in ((near, nearest), (cut, truncated), (again, nearest))
        for found, wanted in zip(samples, values, strict=True)
    )


def _samples(one: Singles, last: Singles) -> tuple[Singles, Singles, Singles]:
    part = last * np.float32(0.75)
    return one + part, -one - part, (one + last) * np.float32(1.5)


@cache
def _fesetround() -> Any:
    """Return C's function, or None where there is none, or the machine is not known."""
    if platform.machine() not in TOWARD_ZERO:
        return None
    for name in (None, "libm.so.6"):  # Python itself is usually linked with it
        try:
            return ctypes.CDLL(name).fesetround
        except (OSError, AttributeError, TypeError):
            continue
    return None


@contextmanager
def _rounded(rounding: Rounding) -> Iterator[None]:
    """Make the processor round this way, in this thread; to nearest again afterwards."""
    if rounding is Rounding.NEAREST_EVEN:
        yield
        return
    _fesetround()(TOWARD_ZERO[platform.machine()])
    try:
        yield
    finally:
        _fesetround()(0)
