"""Factors as digits -1, 0, 1 and 2: every one of small widths, corners and random ones of the elements'."""

from __future__ import annotations

import itertools
import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from tileloom.arith.carry_save import carry_save_by_digits
from tileloom.arith.digits import decode, encode

WIDTHS = [(1, 2), (3, 4), (2, 6), (4, 5), (5, 3), (24, 24), (24, 7), (11, 8)]


@pytest.mark.parametrize("resolve", [True, False])
@pytest.mark.parametrize(("a_bits", "b_bits"), WIDTHS)
def test_digits_are_the_factor_and_their_rows_the_product(a_bits: int, b_bits: int, resolve: bool) -> None:
    m = Module()
    a, b, digits = Signal(a_bits), Signal(b_bits), Signal(b_bits)
    factor, product = Signal(b_bits + 1), Signal(a_bits + b_bits)
    m.submodules.rows = inner = Module()
    rows = carry_save_by_digits(inner, None, a, digits, resolve=resolve)
    m.d.comb += [digits.eq(encode(b)), factor.eq(decode(digits)), product.eq(rows.sum)]
    top = 1 << b_bits - 1
    if a_bits + b_bits <= 10:
        pairs = [*itertools.product(range(1 << a_bits), range(top, 2 * top))]
    else:
        numbers = random.Random(24)
        ends = [0, 1, (1 << a_bits) - 1, 1 << a_bits - 1], [top, top + 1, 2 * top - 1, 2 * top - 2]
        pairs = [*itertools.product(*ends)]
        pairs += [(numbers.getrandbits(a_bits), top | numbers.getrandbits(b_bits - 1)) for _ in range(60)]
    compared = 0

    async def bench(context):  # type: ignore[no-untyped-def]
        nonlocal compared
        for x, y in pairs:
            context.set(a, x)
            context.set(b, y)
            assert context.get(factor) == y, y
            assert context.get(product) == x * y, (x, y)
            # Whoever asks for the zeros at the end of a factor can ask its digits.
            kept = context.get(digits) | top
            assert kept & -kept == y & -y, y
            compared += 1

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert compared == len(pairs) > 0
