"""Sums of products as one carry-save tree: all partial products into the same columns, one adder at the end.

Takes the place of the module that the generator writes for it (``tileloom.arith.products``), whose ports it
has. With registers they hold the two rows before they are added, which are fewer bits than the products.
"""

from __future__ import annotations

import functools
from dataclasses import replace

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring

from tileloom.arith.carry_save import carry_save_sum
from tileloom.arith.columns import Columns
from tileloom.arith.digits import Selection, put_digits
from tileloom.arith.partial_products import Digit, put_booth
from tileloom.arith.pipeline import register
from tileloom.arith.products import LOWER, OPERAND, sum_signature
from tileloom.export import export
from tileloom.netlist.text import modules_of, port_widths, with_module

MODULE = "sum_of_products"
"""What the name of such a module ends in."""


class CarrySaveSum(wiring.Component):
    """``tileloom.arith.products.SumOfProducts``, with the same parameters and ports."""

    def __init__(self, k: int, *, product_register: bool = False) -> None:
        self.product_register = product_register
        super().__init__(sum_signature(k))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        products = [functools.partial(_put, a, b) for a, b in zip(self.a, self.b, strict=True)]
        rows = carry_save_sum(m, platform, products, len(self.total))
        if self.product_register:
            rows = replace(rows, x=register(m, 1, rows.x, "rows_x"), y=register(m, 1, rows.y, "rows_y"))
        m.d.comb += self.total.eq(rows.sum)
        return m


def _put(a: Value, b: data.View[data.StructLayout], m: Module, columns: Columns) -> int:
    """Put the rows of one product: those of the lower digits, and of the highest, which may be -2."""
    lower = [Selection(*bits) for bits in zip(b.one, b.two, b.minus, strict=True)]
    highest = Digit(b.once, b.twice, b.negative)
    constant = put_digits(m, columns, a, lower, signed=True)
    return constant + put_booth(m, columns, a, [highest], signed=True, first=LOWER)


def as_trees(verilog: str) -> str:
    """Return ``verilog`` as the generator exports it with its sums of products as carry-save trees."""
    for name in modules_of(verilog, MODULE):
        widths = port_widths(verilog, name)
        tree = _tree(name, widths["a"] // OPERAND.width, product_register="clk" in widths)
        verilog = with_module(verilog, name, tree)
    return verilog


@functools.cache
def _tree(name: str, k: int, *, product_register: bool) -> str:
    tree = CarrySaveSum(k, product_register=product_register)
    ports: list[Signal] = [Value.cast(port) for port in (tree.a, tree.b, tree.total)]
    return export(tree, name, ports).verilog
