"""The sum of an element's products, with weights kept as the digits that a multiplier selects by.

A weight stays for many tiles, and every row of the core uses it: it is recoded once, on its way into the
block (Booth's digits in radix 4, as in ``arith.partial_products``). Here the sum is written as what it
computes. Synthesis puts one carry-save tree of all partial products in its place
(``tileloom_synth.techmap.dot_product``), which takes the digits as they are.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..arith.pipeline import register

OPERAND = signed(8)
"""An activation or a weight."""

DIGITS = data.StructLayout({"once": 4, "twice": 4, "negative": 4})
"""A weight: of each digit, the lowest first, whether its magnitude is 1, whether it is 2, and its sign."""


def recoded(weight: Value) -> Value:
    """Return a weight as ``DIGITS``."""
    odd, even = Cat(*weight[1::2]), Cat(*weight[0::2])
    below = Cat(Const(0, 1), odd[:-1])
    once = even ^ below
    return Cat(once, ~once & (odd ^ below), odd)


def decoded(digits: data.View[data.StructLayout]) -> Value:
    """Return the weight that ``recoded`` gave ``digits`` for."""
    below = Cat(Const(0, 1), digits.negative[:-1])
    # Of a digit of 2 the even bit is known from the sign alone, as from what is below it.
    even = Cat(
        Mux(twice, ~negative, once ^ low)
        for once, twice, negative, low in zip(digits.once, digits.twice, digits.negative, below, strict=True)
    )
    return Cat(bit for pair in zip(even, digits.negative, strict=True) for bit in pair).as_signed()


def sum_signature(k: int) -> wiring.Signature:
    """Return the ports of a sum of ``k`` products.

    a, b:
        In: ``k`` INT8, and ``k`` of ``DIGITS``.
    total:
        Out: the sum, signed, of ``16 + ceil(log2(k))`` bits.
    """
    return wiring.Signature(
        {
            "a": In(data.ArrayLayout(OPERAND, k)),
            "b": In(data.ArrayLayout(DIGITS, k)),
            "total": Out(signed(16 + ceil_log2(k))),
        }
    )


class SumOfProducts(wiring.Component):
    """The sum of ``k`` products of INT8, exact.

    Parameters
    ----------
    k:
        Products.
    product_register:
        A register for every product.

    Ports as in ``sum_signature``; the total is there in the same cycle, one later with ``product_register``.
    No register has a reset.
    """

    def __init__(self, k: int, *, product_register: bool = False) -> None:
        self.k = k
        self.product_register = product_register
        super().__init__(sum_signature(k))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        terms = [self.a[index] * decoded(self.b[index]) for index in range(self.k)]
        if self.product_register:
            terms = [register(m, 1, term, f"product_{index}") for index, term in enumerate(terms)]
        while len(terms) > 1:
            pairs = [left + right for left, right in zip(terms[::2], terms[1::2], strict=False)]
            terms = pairs + terms[len(terms) & ~1 :]
        m.d.comb += self.total.eq(terms[0])
        return m
