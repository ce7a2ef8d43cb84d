"""Y = X W as the systolic array computes it, word for word: order of summation, tiling, tile skipping.

A column adds from the top row down, `((p + a0*w0) + a1*w1) + ...`, each product rounded and each sum
rounded. On the vector streams p is `psum_in`, so that all of K is one sequential sum. On SASP's 32-bit
word port (Palacios et al., "Systolic Arrays and Structured Pruning Co-design for Efficient Transformers
in Edge Systems") every tile starts from +0, and the host adds the tiles' results in order of k.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import rounding as kernels
from ..arithmetic import check_product
from ..checks import Words, check_integers, check_ndim, check_words
from ..formats import Float, Integer, Rounding
from . import doubles, singles
from .tiles import kept_tiles, nonzero_tiles, split_tiles, tile_grid

__all__ = ["gemm", "kept_tiles", "split_tiles", "tile_grid", "tile_result"]

BAND = 1 << 16
"""Words, about, of a large operand to widen at a time: all at once they would be 8 to 30 times its size."""


def gemm(
    x: npt.ArrayLike,
    w: npt.ArrayLike,
    *,
    rows: int,
    columns: int,
    activation_format: Float,
    weight_format: Float | Integer,
    accumulator_format: Float,
    rounding: Rounding | str,
    host_adds_tiles: bool,
    skip_zero_tiles: bool = True,
    psum: npt.ArrayLike | None = None,
) -> Words:
    """Multiply matrices of any size, tile by tile.

    Parameters
    ----------
    x:
        Activations, M x K words of any integer dtype.
    w:
        Weights, K x N words of any integer dtype.
    rows:
        Of the array: a tile's extent along K.
    columns:
        Of the array: a tile's extent along N.
    activation_format:
        Of x.
    weight_format:
        Of w.
    accumulator_format:
        Of products, sums, psum and result.
    rounding:
        Of every product and every sum.
    host_adds_tiles:
        True for the word port (each tile from +0, results added in order of k), False for the vector streams
        (one sum over k, so that `rows` and `columns` change no bit).
    skip_zero_tiles:
        Leave out the tiles whose weights are all zero, which changes no bit either.
    psum:
        What the sums start from, M x N words of accumulator_format; infinity is allowed, and None is +0. With
        host_adds_tiles it is what the host's running total starts from.

    Returns
    -------
    Words
        M x N words (uint64) of accumulator_format.

    Raises
    ------
    ValueError
        Wrong dtype, dimensions or shapes, or a word that does not fit, is NaN, or is infinite in x or w (the
        message has its index); `rows` or `columns` not positive; formats whose product is too wide
        (`arithmetic.multiply`).
    """
    rounding = Rounding(rounding)
    check_product(activation_format, weight_format)
    left = check_words(x, activation_format, "x")
    right = check_integers(w, "w")
    total = _start(("x", left), ("w", right), psum, accumulator_format)
    k, n = right.shape
    tile_grid(k, n, rows, columns)  # raises for a tile of no size
    bands = _bands(k, rows, max(total.shape))
    ranges = (
        doubles.magnitudes([left], activation_format),
        doubles.magnitudes(_checked(right, bands, weight_format), weight_format),
    )
    formats = activation_format, weight_format
    ranged = doubles.in_range(ranges, total, k, formats, accumulator_format)
    if ranged and singles.applies(len(left), formats, accumulator_format, rounding):
        weights = right.astype(np.uint64, copy=False)
        kept = nonzero_tiles(split_tiles(weights, rows, columns), weight_format) | (not skip_zero_tiles)
        return singles.accumulate(
            total, left, weights, kept, (rows, columns), formats, rounding, host_adds_tiles
        )
    exact = ranged and doubles.applies(formats, accumulator_format)
    unpack: Any = doubles.values if exact else kernels.unpack
    add: Any = doubles.add if exact else kernels.add
    accumulate: Any = doubles.accumulate if exact else _accumulate
    sums: Any = doubles.values(total, accumulator_format) if exact else total
    for band in bands:
        words = right[band].astype(np.uint64, copy=False)
        kept = nonzero_tiles(split_tiles(words, rows, columns), weight_format)
        if not skip_zero_tiles:
            kept[:] = True
        activations, weights = unpack(left[:, band], activation_format), unpack(words, weight_format)
        for tile, row in enumerate(kept):
            span = slice(tile * rows, (tile + 1) * rows)
            active = np.flatnonzero(row.repeat(columns)[:n])
            before = sums[:, active]
            part = np.zeros_like(before) if host_adds_tiles else before
            operands = activations[:, span], weights[span, active]
            accumulate(part, *operands, accumulator_format, rounding)
            sums[:, active] = add(before, part, accumulator_format, rounding) if host_adds_tiles else part
    return doubles.words_of(sums, accumulator_format) if exact else total


def tile_result(
    x_tile: npt.ArrayLike,
    w_tile: npt.ArrayLike,
    psum: npt.ArrayLike | None = None,
    *,
    activation_format: Float,
    weight_format: Float | Integer,
    accumulator_format: Float,
    rounding: Rounding | str,
) -> Words:
    """Return what leaves the bottom of the array for one tile of weights.

    Parameters
    ----------
    x_tile:
        M activation vectors, M x R words.
    w_tile:
        The tile, R x C words.
    psum:
        What enters at the top, M x C words; None is +0.
    activation_format:
        Of x_tile.
    weight_format:
        Of w_tile.
    accumulator_format:
        Of psum and result.
    rounding:
        Of every product and every sum.

    Returns
    -------
    Words
        M x C words (uint64) of accumulator_format.

    Raises
    ------
    ValueError
        As `gemm`.
    """
    check_product(activation_format, weight_format)
    x = check_words(x_tile, activation_format, "x_tile")
    w = check_words(w_tile, weight_format, "w_tile")
    total = _start(("x_tile", x), ("w_tile", w), psum, accumulator_format)
    activations = kernels.unpack(x, activation_format)
    weights = kernels.unpack(w, weight_format)
    _accumulate(total, activations, weights, accumulator_format, Rounding(rounding))
    return total


def _start(
    x: tuple[str, npt.NDArray[Any]],
    w: tuple[str, npt.NDArray[Any]],
    psum: npt.ArrayLike | None,
    format: Float,
) -> Words:
    """Return a copy of what the sums start from, zeros flushed to +0, having checked all shapes."""
    (x_name, left), (w_name, right) = x, w
    check_ndim(left, 2, x_name)
    check_ndim(right, 2, w_name)
    if left.shape[1] != right.shape[0]:
        raise ValueError(
            f"{x_name} has {left.shape[1]} columns and {w_name} has {right.shape[0]} rows: K must agree"
        )
    shape = left.shape[0], right.shape[1]
    if psum is None:
        return np.zeros(shape, np.uint64)
    start = check_words(psum, format, "psum", infinity=True)
    if start.shape != shape:
        raise ValueError(f"psum has shape {start.shape}, and {x_name} x {w_name} has {shape}")
    return kernels.flush(start, format)


def _bands(length: int, rows: int, across: int) -> list[slice]:
    """Return spans of K, whole rows of tiles each, that hold about `BAND` words of one operand."""
    together = rows * max(1, BAND // max(1, rows * across))
    return [slice(begin, begin + together) for begin in range(0, length, together)]


def _checked(w: npt.NDArray[Any], bands: list[slice], format: Float | Integer) -> Iterator[Words]:
    """Yield the weights of each band as words; raise ValueError with the index in the whole otherwise."""
    for band in bands:
        try:
            yield check_words(w[band], format, "w")
        except ValueError:
            check_words(w, format, "w")
            raise


def _accumulate(
    sums: Words, x: kernels.Unpacked, w: kernels.Unpacked, format: Float, rounding: Rounding
) -> None:
    """Add to each of the M x N sums, in place, its K products in order; x is M x K and w is K x N."""
    m, n = sums.shape
    if m > n:  # a multiplication commutes; what matters is that NumPy's inner loop is the longer one
        _accumulate(sums.T, _transpose(w), _transpose(x), format, rounding)
        return
    across = max(1, min(n, kernels.BLOCK))
    down = max(1, kernels.BLOCK // across)
    for top in range(0, m, down):
        for left in range(0, n, across):
            block = slice(top, top + down), slice(left, left + across)
            part = sums[block].copy()
            for k in range(x.sign.shape[1]):
                product = kernels.multiply(x[block[0], k, None], w[None, k, block[1]], format, rounding)
                part = kernels.add(part, product, format, rounding)
            sums[block] = part


def _transpose(operands: kernels.Unpacked) -> kernels.Unpacked:
    """Return a matrix of operands transposed, contiguous again."""

    def flip(field: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.ascontiguousarray(field.T)

    return kernels.Unpacked(
        flip(operands.sign), flip(operands.exponent), flip(operands.significand), operands.fraction_bits
    )
