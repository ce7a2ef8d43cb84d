"""Cycles of an FP32 product by software on CV32E40P with its FPU, single-cycle memory.

The inner loops are counted, an instruction a cycle. What stands around them, calls and loops of C, is
constant for each block, panel or result: those numbers are RTL, by least squares over 35 small products.
``tb/systolic/test_cycles.py`` holds the whole to within 1 % of RTL.
"""

from ..checks import check_positive

BLOCK_ROWS, BLOCK_COLUMNS = 4, 6


def blocked_cycles(m: int, k: int, n: int, *, integers: bool) -> int:
    """Return the cycles of M x K times K x N, 4 x 6 results in registers at a time.

    Parameters
    ----------
    m, k, n:
        Of the product.
    integers:
        Weights are INT8, made FP32 once for each panel of 6 columns; else FP32.

    Raises
    ------
    ValueError
        A size is not positive.
    """
    _check(m, k, n)
    down, across = -(-m // BLOCK_ROWS), -(-n // BLOCK_COLUMNS)
    whole = (m // BLOCK_ROWS) * (n // BLOCK_COLUMNS)
    cut = down * across - whole
    added = down * BLOCK_ROWS - m
    # Eight steps of k take 274 instructions, one that is left over 36.
    block = k // 8 * 274 + k % 8 * 36 - 5 * (k >= 8) - 4 * (k % 8 > 0)
    cycles: float = 85 + 28 * across + down * across * block + 97 * whole + 140 * cut
    cycles += 8.3 * (m * n - whole * BLOCK_ROWS * BLOCK_COLUMNS)  # results of cut blocks, copied
    cycles += m * (k // 4 * 9 + k % 4 * 3 + 31) + added * (5.9 * k - 33)  # X into panels
    cycles += across * (20 * k + 12) if integers else 0
    return round(cycles)


def plain_cycles(m: int, k: int, n: int, *, integers: bool) -> int:
    """Return the same of the plain loop, a result at a time.

    Raises
    ------
    ValueError
        A size is not positive.
    """
    _check(m, k, n)
    # Four steps of k take 17 instructions, one that is left over 5.
    result = k // 4 * 17 + k % 4 * 5 + 30 - (k >= 4 and k % 4 > 0) - integers
    return 30 + 13 * m + m * n * result


def _check(m: int, k: int, n: int) -> None:
    for value, name in ((m, "m"), (k, "k"), (n, "n")):
        check_positive(value, name)
