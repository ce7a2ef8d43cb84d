"""Partial products: rows of bits whose sum is a product, by Booth's recoding or an array of ANDs.

Recoding in radix 4 as in MacSorley, "High-speed arithmetic in binary computers" (1961); the signed array of
ANDs as in Baugh and Wooley, "A two's complement parallel array multiplication algorithm" (1973).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned

from .columns import Columns

# Delays in gates, to order the reduction: until a bit of a row is there.
_BOOTH, _AND = 2.5, 1.0


def booth_pays(a_bits: int, b_bits: int, *, fast: bool) -> bool:
    """Return whether to recode ``b`` in a product of unsigned factors: measured, ``docs/silicon.md``.

    Where area counts, with an even width that is small the digit above the highest bit eats the gain; where
    speed does (``fast``), an array of ANDs is both faster and smaller up to rows of 12 bits.
    """
    if fast:
        return a_bits > 12 and b_bits >= 6
    return b_bits >= 12 or (b_bits >= 6 and b_bits % 2 == 1)


@dataclass(frozen=True)
class Digit:
    """A digit ``b[2j-1] + b[2j] - 2 b[2j+1]`` of a factor ``b``, -2 to 2.

    Attributes
    ----------
    once, twice:
        Its magnitude is 1, or 2.
    negative:
        Its sign, also of some zeros; None where it is never negative.
    """

    once: Value
    twice: Value
    negative: Value | None


def digit_count(width: int, *, signed: bool) -> int:
    """Return how many digits a factor of ``width`` bits has."""
    return (width + 1) // 2 if signed else width // 2 + 1


def recode(m: Module, b: Value, *, signed: bool) -> list[Digit]:
    """Return the digits of ``b``, the lowest first, with their hardware added to ``m``. Combinational.

    A signed factor has no digit above its own sign, and of an unsigned one the highest is never negative.
    """
    above = b[-1] if signed else Const(0, 1)
    padded = Cat(Const(0, 1), b, above, above)
    digits = []
    for place in range(digit_count(len(b), signed=signed)):
        low, middle, high = (padded[2 * place + offset] for offset in range(3))
        once, twice = Signal(name=f"once_{place}"), Signal(name=f"twice_{place}")
        m.d.comb += [
            once.eq(middle ^ low),
            twice.eq((high & ~middle & ~low) | (~high & middle & low)),
        ]
        digits.append(Digit(once, twice, high if signed or 2 * place + 1 < len(b) else None))
    return digits


def put_booth(
    m: Module, columns: Columns, a: Value, digits: Sequence[Digit], *, signed: bool, first: int = 0
) -> int:
    """Put the rows of ``a`` times the factor with these digits; return the constant that belongs to them.

    ``first`` is the number of the first digit, of a factor whose lower ones are of another kind.

    A negative row is its complement, plus 1 in its lowest place, minus 1 just above its highest; the latter
    is the inverted sign there, and a constant that all rows share. The rows of a signed ``a`` have their sign
    in their highest place.
    """
    width = len(a) + 1
    once_a = Cat(a, a[-1] if signed else Const(0, 1))
    twice_a = Cat(Const(0, 1), a)
    constant = 0
    for place, digit in enumerate(digits, first):
        high = digit.negative
        row = Signal(unsigned(width), name=f"row_{place}")
        m.d.comb += row.eq(
            ((once_a & digit.once.replicate(width)) | (twice_a & digit.twice.replicate(width)))
            ^ (0 if high is None else high.replicate(width))
        )
        sign = 2 * place + (width - 1 if signed else width)
        for index, bit in enumerate(row[: width - 1] if signed else row):
            columns.put(2 * place + index, _BOOTH, bit)
        if high is not None:
            columns.put(2 * place, 0.0, high)
            columns.put(sign, _BOOTH if signed else 0.0, ~(row[-1] if signed else high))
            constant -= 1 << sign
    return constant


def put_ands(columns: Columns, a: Value, b: Value, *, signed: bool) -> int:
    """Put the rows of ``a`` times each bit of ``b``; return the constant that belongs to them.

    Where one of two bits is a sign their product counts negative: it is its complement, minus 1.
    """
    constant = 0
    for place, digit in enumerate(b):
        for index, bit in enumerate(a):
            negative = signed and (place == len(b) - 1) != (index == len(a) - 1)
            columns.put(place + index, _AND, ~(bit & digit) if negative else bit & digit)
            constant -= negative << place + index
    return constant
