"""What is done to a netlist on its way to Verilog: merged, tidied, refused where it is not as expected."""

from typing import Any

import pytest
from amaranth.hdl import Cat, Module, Mux, Signal

from tileloom.export import export
from tileloom.netlist.cells import UnexpectedCellError
from tileloom.netlist.merge import merge_equal
from tileloom.netlist.tidy import tidy


def instance(kind: str) -> dict[str, Any]:
    return {"hide_name": 0, "type": kind, "parameters": {}, "connections": {}, "port_directions": {}}


def module(**cells: dict[str, Any]) -> dict[str, Any]:
    return {"ports": {}, "cells": cells, "netnames": {"y": {"hide_name": 0, "bits": [2]}}}


def test_merge_equal() -> None:
    modules = {
        "top": module(l=instance("left"), r=instance("right")),
        "left": module(x=instance("leaf_a")),
        "right": module(x=instance("leaf_b")),
        "leaf_a": module(),
        "leaf_b": module(),
    }
    merged = merge_equal(modules, keep="top")
    assert list(merged) == ["top", "left", "leaf_a"]
    assert [cell["type"] for cell in merged["top"]["cells"].values()] == ["left", "left"]


def test_only_what_is_read_is_left() -> None:
    m = Module()
    m.submodules.inner = inner = Module()
    word, low, high = Signal(16, name="word"), Signal(4, name="low"), Signal(3, name="high")
    total = Signal(16)
    inner.d.comb += total.eq(word + 1)
    dead = Signal(8)
    inner.d.sync += dead.eq(word)
    m.d.comb += [low.eq(total[2:6]), high.eq(word[9:12])]
    verilog = export(m, "narrow", [word, low, high]).verilog
    # Bits 6 and up of the sum, bits 0 and 1 in their own wire, no register, no clock.
    assert "dead" not in verilog and "clk" not in verilog and "posedge" not in verilog
    assert "input [5:0] word;" in verilog and "output [5:2] total;" in verilog
    # The top keeps its ports, and reads what nobody else does.
    assert "input [15:0] word;" in verilog and "output [3:0] low;" in verilog
    assert "assign unused_inputs = & { word[15:12], word[8:6], 1'h0 };" in verilog


def test_registers_have_a_reset_or_no_value() -> None:
    m = Module()
    data, control, y = Signal(4, reset_less=True, init=3), Signal(4, init=5), Signal(8)
    m.d.sync += [data.eq(data + 1), control.eq(control + 1)]
    m.d.comb += y.eq(Cat(data, control))
    verilog = export(m, "counters", [y]).verilog
    assert "if (rst) y[7:4] <= 4'h5;" in verilog
    # No initial value, and no reset of what was to have none.
    assert "initial" not in verilog and "4'h3" not in verilog and verilog.count("rst)") == 1


def test_unknown_cells_are_refused() -> None:
    m = Module()
    a, b, y = Signal(4), Signal(4), Signal(4)
    m.d.comb += y.eq(Mux(b == 0, 0, a // b))
    with pytest.raises(UnexpectedCellError, match=r"no rule for \$divfloor"):
        export(m, "divider", [a, b, y])


def test_missing_ports_are_refused() -> None:
    empty: dict[str, Any] = {"ports": {}, "cells": {}, "netnames": {}}
    with pytest.raises(ValueError, match="top has no port a"):
        tidy({"top": empty}, "top", ["a"])
    with pytest.raises(ValueError, match="there is no module part"):
        tidy({"top": {**empty, "cells": {"x": instance("part")}}}, "top", [])
