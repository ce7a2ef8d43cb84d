"""Products by a stationary factor's digits as carry-save trees: the rows of the digits, one adder at the end.

Takes the place of the module that the generator writes for it (``tileloom.arith.digits``), whose ports it
has.
"""

from __future__ import annotations

import functools

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tileloom.arith.carry_save import carry_save_by_digits
from tileloom.export import export
from tileloom.netlist.text import modules_of, port_places, port_widths, with_module

MODULE = "digit_product"
"""What the name of such a module ends in."""


class CarrySaveProduct(wiring.Component):
    """``tileloom.arith.digits.DigitProduct``, of whose product it has the places from ``lowest`` on."""

    def __init__(self, a_bits: int, b_bits: int, lowest: int) -> None:
        self.lowest = lowest
        super().__init__({"a": In(a_bits), "digits": In(b_bits), "product": Out(a_bits + b_bits - lowest)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        rows = carry_save_by_digits(m, platform, self.a, self.digits, resolve=False)
        m.d.comb += self.product.eq(rows.sum[self.lowest :])
        return m


def as_trees(verilog: str) -> str:
    """Return ``verilog`` as the generator exports it with its products by digits as carry-save trees."""
    for name in modules_of(verilog, MODULE):
        widths, lowest = port_widths(verilog, name), port_places(verilog, name)["product"][1]
        tree = _tree(name, widths["a"], widths["digits"], lowest)
        assert port_widths(tree, name) == widths, f"{name}: {port_widths(tree, name)} for {widths}"
        verilog = with_module(verilog, name, tree)
    return verilog


@functools.cache
def _tree(name: str, a_bits: int, b_bits: int, lowest: int) -> str:
    tree = CarrySaveProduct(a_bits, b_bits, lowest)
    return export(tree, name, [tree.a, tree.digits, tree.product]).verilog
