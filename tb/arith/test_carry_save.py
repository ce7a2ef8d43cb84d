"""Carry-save products: every pair of small operands, corners and random pairs of those of the elements."""

from __future__ import annotations

import itertools
import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from tileloom.arith.carry_save import carry_save_multiply


@pytest.mark.parametrize("resolve", [True, False])
@pytest.mark.parametrize("kind", ["booth", "bits", "signed booth", "signed bits"])
@pytest.mark.parametrize(
    ("a_bits", "b_bits"), [(1, 1), (3, 4), (2, 6), (4, 6), (5, 3), (24, 24), (24, 7), (11, 8)]
)
def test_rows_add_up_to_the_product(a_bits: int, b_bits: int, kind: str, resolve: bool) -> None:
    m = Module()
    a, b, product = Signal(a_bits), Signal(b_bits), Signal(a_bits + b_bits)
    m.submodules.rows = inner = Module()
    rows = carry_save_multiply(
        inner, None, a, b, signed=kind.startswith("signed"), booth=kind.endswith("booth"), resolve=resolve
    )
    m.d.comb += product.eq(rows.sum)
    assert len(rows.low) + len(rows.x) == a_bits + b_bits and len(rows.x) == len(rows.y)
    if a_bits + b_bits <= 10:
        pairs = [*itertools.product(range(1 << a_bits), range(1 << b_bits))]
    else:
        numbers = random.Random(24)
        ends = [[0, 1, (1 << bits) - 1, 1 << bits - 1] for bits in (a_bits, b_bits)]
        pairs = [*itertools.product(*ends)]
        pairs += [(numbers.getrandbits(a_bits), numbers.getrandbits(b_bits)) for _ in range(60)]
    compared = 0

    async def bench(context):  # type: ignore[no-untyped-def]
        nonlocal compared
        for x, y in pairs:
            context.set(a, x)
            context.set(b, y)
            if kind.startswith("signed"):
                x, y = (n - (n >> bits - 1 << bits) for n, bits in ((x, a_bits), (y, b_bits)))
            assert context.get(product) == x * y % (1 << a_bits + b_bits), (x, y)
            compared += 1

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert compared == len(pairs) > 0
