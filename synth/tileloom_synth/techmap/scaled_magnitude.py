"""The magnitude of a total times a scale as one carry-save tree, without a magnitude: ``t s = (-t) (-s)``.

Booth's digits of the scale take the total's sign: the rows of a negative total are those of its negative.
Takes the place of the module that the generator writes for it (``tileloom.arith.magnitude``).
"""

from __future__ import annotations

import functools

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring

from tileloom.arith.carry_save import carry_save_sum
from tileloom.arith.columns import Columns
from tileloom.arith.magnitude import magnitude_signature
from tileloom.arith.partial_products import Digit, put_booth, recode
from tileloom.export import export
from tileloom.netlist.text import modules_of, port_widths, with_module

MODULE = "scaled_magnitude"
"""What the name of such a module ends in."""


class CarrySaveMagnitude(wiring.Component):
    """``tileloom.arith.magnitude.ScaledMagnitude``, with the same parameters and ports."""

    def __init__(self, total_bits: int, scale_bits: int) -> None:
        super().__init__(magnitude_signature(total_bits, scale_bits))

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

        rows = carry_save_sum(m, platform, [put], len(self.product))
        m.d.comb += self.product.eq(rows.sum)
        return m


def as_trees(verilog: str) -> str:
    """Return ``verilog`` as the generator exports it with these products as carry-save trees."""
    for name in modules_of(verilog, MODULE):
        widths = port_widths(verilog, name)
        verilog = with_module(verilog, name, _tree(name, widths["total"], widths["scale"]))
    return verilog


@functools.cache
def _tree(name: str, total_bits: int, scale_bits: int) -> str:
    tree = CarrySaveMagnitude(total_bits, scale_bits)
    ports: list[Signal] = [Value.cast(port) for port in (tree.total, tree.scale, tree.product)]
    return export(tree, name, ports).verilog
