"""SystemVerilog into the flow, and what the flow makes of a core's asynchronous resets."""

import pytest

from tileloom import yosys
from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv32e40p import stages as cv32e40p
from tileloom_synth.library import standard_cells
from tileloom_synth.synthesis import synthesise
from tileloom_synth.system_verilog import to_verilog

PACKAGE = "package widths_pkg; typedef struct packed { logic [3:0] high, low; } pair_t; endpackage\n"

TOP = """
module top import widths_pkg::*; #(parameter int Start = 1) (
    input logic clk, rst_n, input pair_t a, b, input logic [3:0] mask, output pair_t q, output logic [3:0] m
);
  always_ff @(posedge clk, negedge rst_n) begin
    if (!rst_n) q <= '{high: 4'(Start), low: '0};
`ifdef KEPT
    else q <= a;
`endif
  end
  always_comb for (int i = 0; i < 4; i++) m[i] = mask[i] ? a.low[i] : b.low[i];
endmodule
"""


def test_a_core_s_ways_of_writing() -> None:
    sources = {"widths_pkg.sv": PACKAGE, "top.sv": TOP}
    verilog = to_verilog(sources, "top", parameters={"Start": 5}, defines={"KEPT": "1"})
    report = synthesise(verilog, "top", standard_cells.generic(), hierarchy="flat")
    assert {cell: count for cell, count in report.cells.items() if "DFF" in cell} == {
        "DFFR_X1": 6,
        "DFFS_X1": 2,
    }


def test_what_slang_says_is_kept() -> None:
    with pytest.raises(yosys.YosysError, match=r"^top\.sv:2: ERROR: .*widths_pkg"):
        to_verilog({"top.sv": TOP}, "top")


@pytest.mark.parametrize("sizes", [(4, 8, 16), (4,), (8,), (16,)])
def test_unit_of_cv32e40p_is_small(sizes: tuple[int, ...]) -> None:
    verilog = cv32e40p.stages(XfuConfig(group_sizes=sizes))
    reports = [
        synthesise(verilog, f"{cv32e40p.PREFIX}_{stage}", standard_cells.generic(), hierarchy="flat")
        for stage in ("decode", "execute", "merge")
    ]
    assert sum(report.flops for report in reports) == 16
    # 75 of these GE are the multiplexer of the core that Merge takes the place of.
    assert sum(report.gate_equivalents for report in reports) < (560 if len(sizes) > 1 else 480)
