"""The magnitude of a total times a scale as one carry-save tree, without a magnitude: ``t s = (-t) (-s)``.

Booth's digits of the scale take the total's sign: the rows of a negative total are those of its negative.
Takes the place of the module that the engine generates for it (``tileloom.engine.requantise``).
"""

from __future__ import annotations

import functools

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tileloom.arith.carry_save import carry_save_sum
from tileloom.arith.columns import Columns
from tileloom.arith.partial_products import Digit, put_booth, recode
from tileloom.engine.requantise import PRODUCT_BITS, SCALE_BITS, TOTAL_BITS
from tileloom.export import export
from tileloom.netlist.text import modules_of, with_module

MODULE = "scaled_magnitude"
"""What the name of such a module ends in."""


class CarrySaveMagnitude(wiring.Component):
    """``tileloom.engine.requantise.ScaledMagnitude``, with the same ports."""

    def __init__(self) -> None:
        super().__init__(
            {"total": In(signed(TOTAL_BITS)), "scale": In(SCALE_BITS), "product": Out(PRODUCT_BITS)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        sign = self.total[-1]
        digits = [
            Digit(digit.once, digit.twice, sign if digit.negative is None else digit.negative ^ sign)
            for digit in recode(m, self.scale, signed=False)
        ]

        def put(m: Module, columns: Columns) -> int:
            return put_booth(m, columns, self.total, digits, signed=True)

        rows = carry_save_sum(m, platform, [put], PRODUCT_BITS)
        m.d.comb += self.product.eq(rows.sum)
        return m


def as_trees(verilog: str) -> str:
    """Return ``verilog`` as the engine exports it with these products as carry-save trees."""
    for name in modules_of(verilog, MODULE):
        verilog = with_module(verilog, name, _tree(name))
    return verilog


@functools.cache
def _tree(name: str) -> str:
    tree = CarrySaveMagnitude()
    ports: list[Signal] = [Value.cast(port) for port in (tree.total, tree.scale, tree.product)]
    return export(tree, name, ports).verilog
