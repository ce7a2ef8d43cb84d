"""Truth tables as short expressions of ``& | ^ ~``, which Python's arrays and Verilog both understand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Lanes = npt.NDArray[np.uint64]


def expression(table: int, names: Sequence[str]) -> str:
    """Return an expression of a truth table (as of ``library.functions.truth_table``) that is no constant.

    It is the Shannon expansion, without the operators that a constant or a complement makes needless; of the
    function and its complement, the shorter one.

    >>> expression(0b0111, ("a", "b"))
    '~(b & a)'
    """
    ones = (1 << (1 << len(names))) - 1
    if table in (0, ones):
        raise ValueError("a constant needs no expression")
    direct, inverse = _expand(table, tuple(names)), _expand(table ^ ones, tuple(names))
    return direct if len(direct) <= len(inverse) + 1 else f"~{inverse}"


@functools.cache
def compiled(table: int, inputs: int) -> Callable[..., Lanes]:
    """Return a function of ``inputs`` arrays of words that computes a truth table bit by bit."""
    if table in (0, (1 << (1 << inputs)) - 1):
        value = np.uint64(0) if table == 0 else ~np.uint64(0)
        return lambda *arrays: np.full_like(arrays[0], value)
    names = [f"i{index}" for index in range(inputs)]
    function: Any = eval(f"lambda {', '.join(names)}: {expression(table, names)}")
    return function


@functools.cache
def _expand(table: int, names: tuple[str, ...]) -> str:
    """Return the expansion of a function that is no constant, in the last of its inputs first."""
    *rest, x = names
    half = 1 << len(rest)
    ones = (1 << half) - 1
    low, high = table & ones, table >> half
    others = tuple(rest)
    if low == high:
        return _expand(low, others)
    if (low, high) == (0, ones):
        return x
    if (low, high) == (ones, 0):
        return f"~{x}"
    if low == 0:
        return f"({x} & {_expand(high, others)})"
    if high == 0:
        return f"(~{x} & {_expand(low, others)})"
    if low == ones:
        return f"(~{x} | {_expand(high, others)})"
    if high == ones:
        return f"({x} | {_expand(low, others)})"
    if low ^ high == ones:
        return f"({x} ^ {_expand(low, others)})"
    if low & ~high == 0:
        return f"({_expand(low, others)} | ({x} & {_expand(high, others)}))"
    if high & ~low == 0:
        return f"({_expand(high, others)} | (~{x} & {_expand(low, others)}))"
    return f"(({x} & {_expand(high, others)}) | (~{x} & {_expand(low, others)}))"
