"""Weights of an array as plain significands: an FPGA's multiplier takes no digits.

For silicon a weight is kept as digits (``tileloom.arith.digits``), which save gates in each multiplier.
Before a DSP block they would have to be made a number again, on a carry chain of the longest path. Here two
modules of the generated Verilog are replaced: what encodes a weight at the array's edge keeps its significand
as it is, and what multiplies takes that. The registers between them stay as they are.

That what else looks at the digits, the sticky bit of a product, is right with the significand: only the place
of the lowest one counts there, which is the same in both.
"""

from __future__ import annotations

import functools

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tileloom.arith.factor import EncodeFactor
from tileloom.export import export
from tileloom.formats import FloatFormat, Format, SignMagnitude
from tileloom.netlist.text import modules_of, port_places, port_widths, split_modules, with_module

from ..techmap.digit_product import MODULE

ENCODER = "encode_weight"
"""What the name of a module that encodes ends in."""


class KeepSignificand(EncodeFactor):
    """``tileloom.arith.factor.EncodeFactor`` with the significand in the place of its digits."""

    def kept(self, whole: Value) -> Value:
        """Return the significand itself."""
        return whole


class PlainProduct(wiring.Component):
    """``tileloom.arith.digits.DigitProduct`` of a significand, from place ``lowest`` of the product on."""

    def __init__(self, a_bits: int, b_bits: int, lowest: int) -> None:
        self.lowest = lowest
        super().__init__({"a": In(a_bits), "digits": In(b_bits), "product": Out(a_bits + b_bits - lowest)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.d.comb += self.product.eq((self.a * self.digits)[self.lowest :])
        return m


def as_significands(verilog: str) -> str:
    """Return ``verilog`` as the generator exports it with an array's weights kept as significands.

    Where products have no module of their own, elements want the digits, and nothing changes.
    """
    for name in modules_of(verilog, MODULE):
        widths, lowest = port_widths(verilog, name), port_places(verilog, name)["product"][1]
        bits = widths["digits"]
        verilog = _with(verilog, name, _product(name, widths["a"], bits, lowest))
        for encoder in modules_of(verilog, ENCODER):
            verilog = _with(verilog, encoder, _encoder(encoder, _format(verilog, encoder, bits)))
    return verilog


def _format(verilog: str, encoder: str, digits: int) -> Format:
    """Return the format of weights: of an integer, not of a float, the exponent has bits of its own."""
    widths = port_widths(verilog, encoder)
    if widths["factor"] == widths["word"] + 1:
        return FloatFormat(widths["word"] - digits, digits - 1)
    return SignMagnitude(widths["word"])


def _with(verilog: str, name: str, text: str) -> str:
    assert port_widths(text, name) == port_widths(verilog, name), name
    return with_module(verilog, name, split_modules(text)[name])


@functools.cache
def _product(name: str, a_bits: int, b_bits: int, lowest: int) -> str:
    product = PlainProduct(a_bits, b_bits, lowest)
    return export(product, name, [product.a, product.digits, product.product]).verilog


@functools.cache
def _encoder(name: str, number_format: Format) -> str:
    encoder = KeepSignificand(number_format)
    ports: list[Signal] = [encoder.word, Value.cast(encoder.factor)]
    return export(encoder, name, ports).verilog
