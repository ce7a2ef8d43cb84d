"""Stationary factors as digits -1, 0, 1 and 2 in radix 4: a multiplier's rows then need no sign.

A row of a product is the other factor, its double or its complement, so that one gate with three pairs of
inputs makes each of its bits, where Booth's digits (-2 to 2) take an exclusive-or behind two pairs. The price
is a carry along the digits as a factor is recoded, which a stationary one pays once, on its way to where it
stays. The digits are those of Ercegovac and Lang, "Digital Arithmetic" (2004), for sequential multiplication.

A factor of ``width`` bits, the highest of them 1, is kept in as many:

```
 place      width - 1        ...                 2j + 1, 2j
            [of an odd width, the highest digit] digit j
 digit      0: 1, 1: 2                           0: 0, 1: 1, 2: 2, 3: -1
```

Of an even width the two highest places are a digit, too; unless it is 2 there is a 1 above it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .columns import Columns

# Delays in gates, to order the reduction: until a bit of a row is there.
_ROW = 2.0


@dataclass(frozen=True)
class Selection:
    """A digit as what it selects, at most one of them 1; None is never selected.

    Attributes
    ----------
    one, two, minus:
        It is 1, 2, or -1.
    """

    one: Value | None = None
    two: Value | None = None
    minus: Value | None = None


def carries(bits: Value, count: int) -> list[Value]:
    """Return the carries into the ``count`` lowest digits of a binary number, and the one above them."""
    into: list[Value] = [Const(0, 1)]
    for place in range(count):
        # 3 and 4 are -1 and 0 with a carry.
        into.append(bits[2 * place + 1] & (bits[2 * place] | into[-1]))
    return into


def full_digits(width: int) -> int:
    """Return how many digits of a factor of ``width`` bits lie below its highest bit and that bit's pair."""
    return (width - 1) // 2


def encode(bits: Value) -> Value:
    """Return a factor whose highest bit is 1 as digits, as wide. Combinational."""
    width, count = len(bits), full_digits(len(bits))
    into = carries(bits, count)
    pairs = [bits[2 * place : 2 * place + 2] + into[place] for place in range(count)]
    # Of an even width 2 or 3 and a carry, modulo 4; of an odd width 1 and a carry.
    top = (bits[width - 2 : width] + into[count])[:2] if width % 2 == 0 else into[count]
    return Cat(*(pair[:2] for pair in pairs), top)


def decode(digits: Value) -> Value:
    """Return the factor that ``encode`` gave ``digits`` for, a bit wider.

    Of what ``encode`` never gives it is what the rows of ``selections`` add up to.
    """
    width, count = len(digits), full_digits(len(digits))
    low, high = digits[-2:] if width % 2 == 0 else (~digits[-1], digits[-1])
    top = Cat(low, low | high, ~(low | high)) if width % 2 == 0 else Cat(low, high)
    # A digit of 3 stands for -1.
    fours = Cat(digits[2 * place] & digits[2 * place + 1] & Const(1, 2) for place in range(count))
    return (Cat(digits[: 2 * count], top) - Cat(Const(0, 2), fours))[: width + 1]


def selections(digits: Value) -> list[Selection]:
    """Return the digits of what ``encode`` returned, the lowest first; of nothing, those of 1."""
    if not len(digits):
        return [Selection(one=Const(1, 1))]
    width, count = len(digits), full_digits(len(digits))
    pairs = [(digits[2 * place], digits[2 * place + 1]) for place in range(count)]
    found = [Selection(low & ~high, high & ~low, high & low) for low, high in pairs]
    if width % 2:
        return [*found, Selection(one=~digits[-1], two=digits[-1])]
    two = digits[-1] & ~digits[-2]
    return [*found, Selection(two=two, minus=digits[-2]), Selection(one=~two)]


def put_digits(m: Module, columns: Columns, a: Value, digits: Sequence[Selection], *, signed: bool) -> int:
    """Put the rows of ``a`` times a factor with these digits; return the constant that belongs to them.

    A negative row is the complement of ``a``, plus 1 in its lowest place, minus 1 above its highest. Rows of
    a signed ``a`` have their sign in their highest place.
    """
    constant, width = 0, len(a)
    sign = a[-1] if signed else Const(0, 1)
    rows = {"one": Cat(a, sign), "two": Cat(Const(0, 1), a), "minus": Cat(~a, ~sign if signed else sign)}
    for place, digit in enumerate(digits):
        row = Signal(width + 1, name=f"row_{place}")
        selects = {name: select for name, select in vars(digit).items() if select is not None}
        chosen = [rows[name] & select.replicate(width + 1) for name, select in selects.items()]
        m.d.comb += row.eq(functools.reduce(operator.or_, chosen))
        top = 2 * place + width
        for index, bit in enumerate(row[:-1] if signed else row):
            columns.put(2 * place + index, _ROW, bit)
        if signed:
            columns.put(top, _ROW, ~row[-1])
            constant -= 1 << top
        if digit.minus is not None:
            columns.put(2 * place, 0.0, digit.minus)
            if not signed:
                columns.put(top, 0.0, ~digit.minus)
                constant -= 1 << top
    return constant


class DigitProduct(wiring.Component):
    """The product of a factor and one that is kept as digits. Combinational.

    Written as what it computes, so that an FPGA's multipliers serve; synthesis to cells puts a carry-save
    tree of the digits' rows in its place (``tileloom_synth.techmap.digit_product``).

    Ports: ``a`` (in, ``a_bits``), ``digits`` (in, ``b_bits``, from ``encode``), ``product`` (out, as wide as
    both together).
    """

    def __init__(self, a_bits: int, b_bits: int) -> None:
        super().__init__({"a": In(a_bits), "digits": In(b_bits), "product": Out(a_bits + b_bits)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        factor = Signal(len(self.digits) + 1)
        m.d.comb += [factor.eq(decode(self.digits)), self.product.eq(self.a * factor)]
        return m
