# amaranth: UnusedElaboratable=no
"""Shared modules: one name, one hardware."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tileloom.export import export
from tileloom.hierarchy import add_shared


class Plus(wiring.Component):
    """Adds a constant."""

    def __init__(self, amount: int, bits: int = 4, other: object = None) -> None:
        self.amount = amount
        self.other = other
        super().__init__({"a": In(bits), "y": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.d.comb += self.y.eq(self.a + self.amount)
        return m


class Minus(Plus):
    """Another class with the same attributes."""


class Top(wiring.Component):
    """Two parts in a row that share the module ``plus``."""

    def __init__(self, *parts: Plus) -> None:
        self.parts = parts
        super().__init__({"a": In(4), "y": Out(4)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        value = self.a
        for index, part in enumerate(self.parts):
            added = add_shared(m, platform, "plus", f"plus_{index}", lambda part=part: part)  # type: ignore[misc]
            m.d.comb += added.a.eq(value)
            value = added.y
        m.d.comb += self.y.eq(value)
        return m


def _export(*parts: Plus) -> str:
    top = Top(*parts)
    return export(top, "top", [top.a, top.y]).verilog


def test_equal_parts_share_a_module() -> None:
    verilog = _export(Plus(1), Plus(1))
    assert verilog.count("module top_plus(") == 1
    assert verilog.count("  top_plus plus_") == 2


@pytest.mark.parametrize("other", [Plus(2), Plus(1, bits=5), Minus(1)], ids=["value", "width", "class"])
def test_other_hardware_under_the_same_name_is_refused(other: Plus) -> None:
    with pytest.raises(ValueError, match="the module plus is asked for as"):
        _export(Plus(1), other)


def test_attributes_must_be_comparable() -> None:
    with pytest.raises(TypeError, match=r"Plus\.other"):
        _export(Plus(1, other=Signal()))
