"""Full adders, of which multipliers are made: a library's own cell, or gates."""

from __future__ import annotations

from .cells import FullAdder

NAME = "tileloom_full_adder"
"""Module that stands for a full adder until it is mapped: inputs A, B, C; outputs S (sum) and K (carry)."""

STUB = f"(* blackbox *) module {NAME} (input A, input B, input C, output S, output K); endmodule\n"
"""The module to be instantiated before that."""

_GATES = "assign S = A ^ B ^ C; assign K = (A & B) | (C & (A | B));"


def techmap(cell: FullAdder | None) -> str:
    """Return Verilog for Yosys's ``techmap`` from full adders to ``cell``; without one to gates.

    Where an input is constant, gates are always smaller.
    """
    if cell is None:
        body = _GATES
    else:
        a, b, c = cell.inputs
        body = f"""
  generate if (_TECHMAP_CONSTMSK_A_ | _TECHMAP_CONSTMSK_B_ | _TECHMAP_CONSTMSK_C_) begin
    {_GATES}
  end else begin
    wire s, k;
    {cell.cell} adder (.{a}(A), .{b}(B), .{c}(C), .{cell.sum}(s), .{cell.carry}(k));
    assign S = {"~" if cell.sum_inverted else ""}s;
    assign K = {"~" if cell.carry_inverted else ""}k;
  end endgenerate"""
    return f"""
(* techmap_celltype = "{NAME}" *)
module {NAME}_map (A, B, C, S, K);
  input A, B, C; output S, K;
  parameter _TECHMAP_CONSTMSK_A_ = 0; parameter _TECHMAP_CONSTMSK_B_ = 0; parameter _TECHMAP_CONSTMSK_C_ = 0;
  {body}
endmodule
"""
