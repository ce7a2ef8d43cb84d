"""Full adders, of which multipliers are made: a library's own cell, or gates."""

from __future__ import annotations

from tileloom.netlist.text import replaced_by_cell

from ..library.cells import FullAdder

NAME = "tileloom_full_adder"
"""Stands for ``tileloom.arith.carry_save.FullAdder`` until it is mapped; its ports are the same."""

STUB = f"""(* blackbox *)
module {NAME} (input a, input b, input c, output sum, output carry); endmodule
"""
"""The module to be instantiated before that."""

_GATES = "assign sum = a ^ b ^ c; assign carry = (a & b) | (c & (a | b));"


def as_cells(verilog: str) -> str:
    """Return ``verilog`` as the generator exports it with its full adders as instances of ``NAME``."""
    return replaced_by_cell(verilog, "full_adder", NAME)


def techmap(cell: FullAdder | None) -> str:
    """Return Verilog for Yosys's ``techmap`` from full adders to ``cell``; without one to gates.

    Where an input is constant, gates are always smaller.
    """
    if cell is None:
        body = _GATES
    else:
        first, second, third = cell.inputs
        body = f"""
  generate if (_TECHMAP_CONSTMSK_a_ | _TECHMAP_CONSTMSK_b_ | _TECHMAP_CONSTMSK_c_) begin
    {_GATES}
  end else begin
    wire s, k;
    {cell.cell} adder (.{first}(a), .{second}(b), .{third}(c), .{cell.sum}(s), .{cell.carry}(k));
    assign sum = {"~" if cell.sum_inverted else ""}s;
    assign carry = {"~" if cell.carry_inverted else ""}k;
  end endgenerate"""
    return f"""
(* techmap_celltype = "{NAME}" *)
module {NAME}_map (a, b, c, sum, carry);
  input a, b, c; output sum, carry;
  parameter _TECHMAP_CONSTMSK_a_ = 0; parameter _TECHMAP_CONSTMSK_b_ = 0; parameter _TECHMAP_CONSTMSK_c_ = 0;
  {body}
endmodule
"""
