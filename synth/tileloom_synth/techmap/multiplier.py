"""Multipliers of the library's full adders: the mapping that Yosys lacks, as a ``techmap`` for ``$mul``.

A multiplier is mostly full adders, and a library's own full-adder cell is a quarter smaller than the gates
that replace it. The structure is the generator's own (``tileloom.arith.carry_save``); its two rows are added
by one adder, which Yosys maps as any other.
"""

from __future__ import annotations

import functools

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tileloom.arith.carry_save import carry_save_multiply
from tileloom.export import export

from . import full_adder


class _Multiply(wiring.Component):
    """The product of ``a`` and ``b``, as wide as ``y`` is."""

    def __init__(self, a_bits: int, b_bits: int, y_bits: int, *, booth: bool, signed: bool) -> None:
        self.booth = booth
        self.signed = signed
        super().__init__({"a": In(a_bits), "b": In(b_bits), "y": Out(y_bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows = carry_save_multiply(
            m, platform, self.a, self.b, signed=self.signed, booth=self.booth, resolve=False
        )
        m.d.comb += self.y.eq(rows.sum.as_signed() if self.signed else rows.sum)
        return m


@functools.cache
def techmap(a_bits: int, b_bits: int, y_bits: int, *, booth: bool, signed: bool = False) -> str:
    """Return a techmap for a ``$mul`` of ``a_bits`` by ``b_bits`` into ``y_bits``.

    ``booth`` recodes the second operand, which should be the one that is stable first. With ``signed`` both
    operands are.
    """
    multiply = _Multiply(a_bits, b_bits, y_bits, booth=booth, signed=signed)
    name = f"tileloom_multiply{'_signed' if signed else ''}_{a_bits}_{b_bits}_{y_bits}"
    ports: list[Signal] = [multiply.a, multiply.b, multiply.y]
    body = full_adder.as_cells(export(multiply, name, ports).verilog)
    return f"""
(* techmap_celltype = "$mul" *)
module {name}_map (A, B, Y);
  parameter A_SIGNED = 0; parameter B_SIGNED = 0;
  parameter A_WIDTH = 1; parameter B_WIDTH = 1; parameter Y_WIDTH = 1;
  input [A_WIDTH-1:0] A; input [B_WIDTH-1:0] B; output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_SIGNED != {int(signed)} || B_SIGNED != {int(signed)}
    || A_WIDTH != {a_bits} || B_WIDTH != {b_bits} || Y_WIDTH != {y_bits};
  {name} multiply (.a(A), .b(B), .y(Y));
endmodule
{body}"""
