"""Sums of products of INT8, with weights kept as the digits that a multiplier selects by.

A stationary weight is used for many cycles, and by many elements: it is recoded once, where it comes in.
Below its sign and the bit next to it the digits are -1, 0, 1 and 2 (``arith.digits``); those two and the
carry make one of -2 to 2, as Booth's. Here the sum is written as what it computes. Synthesis puts one
carry-save tree of all partial products in its place (``tileloom_synth.techmap.dot_product``), which takes the
digits as they are.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .digits import carries
from .pipeline import register

OPERAND = signed(8)
"""An activation or a weight."""

DIGITS = data.StructLayout(
    {"one": 3, "two": 3, "minus": 3, "once": 1, "twice": 1, "negative": 1},
)
"""A weight: of each of the three lower digits, the lowest first, whether it is 1, 2 or -1; of the highest
whether its magnitude is 1, whether it is 2, and its sign, also of some zeros."""

LOWER = 3
"""Digits below the highest."""


def recoded(weight: Value) -> Value:
    """Return a weight as ``DIGITS``."""
    into = carries(weight, LOWER)
    low, high = ([*weight[place : 2 * LOWER : 2]] for place in (0, 1))
    odd = [bit ^ carry for bit, carry in zip(low, into, strict=False)]
    one = Cat(x & ~h for x, h in zip(odd, high, strict=True))
    minus = Cat(x & h for x, h in zip(odd, high, strict=True))
    # 2, or 1 and a carry.
    two = Cat(~x & (h ^ bit) for x, h, bit in zip(odd, high, low, strict=True))
    once = weight[-2] ^ into[LOWER]
    return Cat(one, two, minus, once, ~once & (weight[-1] ^ weight[-2]), weight[-1])


def decoded(digits: data.View[data.StructLayout]) -> Value:
    """Return the weight that ``recoded`` gave ``digits`` for."""
    zero = Const(0, 1)
    added = Cat(bit for pair in zip(digits.one, digits.two, strict=True) for bit in pair)
    taken = Cat(bit for minus in digits.minus for bit in (minus, zero))
    top = Cat(digits.once, digits.twice)
    whole = Cat(added, Mux(digits.negative, -top, top)[:2]) - taken
    return whole[: OPERAND.width].as_signed()


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
