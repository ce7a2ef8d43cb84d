"""Y = X W as a core with a fused multiply-add computes it: IEEE 754 single precision, in order of k.

Each of the K steps is ``sum = x * w + sum`` rounded once, to nearest, ties to even, subnormals kept: fmadd.s
of the RISC-V F extension (IEEE 754-2019, 5.4.1). NumPy has no such operation. In float64 the product of two
float32 is exact; the sum of it and a float32 is not, and rounding it twice would be wrong. So it is rounded
to odd first (Boldo and Melquiond, "Emulation of FMA and Correctly Rounded Sums: Proved Algorithms Using
Rounding to Odd"): with 53 bits, at least two more than float32 has, the second rounding is the right one.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from .checks import check_ndim

Singles = npt.NDArray[np.float32]


def fused_multiply_add(x: npt.ArrayLike, w: npt.ArrayLike, addend: npt.ArrayLike) -> Singles:
    """Return x * w + addend of float32, rounded once to float32; shapes broadcast.

    Raises
    ------
    ValueError
        An operand is not float32, or not finite.
    """
    left, right, third = (_finite(each, name) for each, name in ((x, "x"), (w, "w"), (addend, "addend")))
    product = left.astype(np.float64) * right
    total = product + third
    # The rounding error of the sum, exactly (Knuth's TwoSum).
    part = total - product
    error = (product - (total - part)) + (third - part)
    bits = total.view(np.int64)
    # An even significand that is not exact moves one step toward the exact sum, which makes it odd.
    outward = (error > 0) == (total > 0)
    to_odd = np.where((error != 0) & (bits & 1 == 0), np.where(outward, 1, -1), 0)
    with np.errstate(over="ignore", under="ignore"):
        return (bits + to_odd).view(np.float64).astype(np.float32)


def fused_gemm(x: npt.ArrayLike, w: npt.ArrayLike) -> Singles:
    """Return X W, each result K fused multiply-adds in order of k from +0.

    Parameters
    ----------
    x, w:
        Float32, M x K and K x N.

    Raises
    ------
    ValueError
        Not float32, not finite, or shapes that do not fit.
    """
    left, right = _finite(x, "x"), _finite(w, "w")
    check_ndim(left, 2, "x")
    check_ndim(right, 2, "w")
    if left.shape[1] != right.shape[0]:
        raise ValueError(f"x has {left.shape[1]} columns and w has {right.shape[0]} rows: K must agree")
    total = np.zeros((left.shape[0], right.shape[1]), np.float32)
    for k in range(left.shape[1]):
        total = fused_multiply_add(left[:, k, None], right[None, k], total)
    return total


def _finite(values: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if array.dtype != np.float32:
        raise ValueError(f"{name} is {array.dtype}, not float32")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: has a value that is not finite")
    return array
