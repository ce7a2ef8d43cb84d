"""Surgery on generated text finds what it looks for, or says that it is not there."""

import pytest

from tileloom.families import load
from tileloom.netlist import text
from tileloom.systolic.design import generate

DESIGN = generate(load("stream-8x8-int8", rows=2, columns=3, multiply_stages=2, carry_save=True), "array")


def test_modules() -> None:
    modules = text.split_modules(DESIGN.verilog)
    assert modules.keys() == DESIGN.manifest["modules"].keys()
    with pytest.raises(text.LayoutError, match="not modules alone: 'package p; endpackage'"):
        text.split_modules(DESIGN.verilog + "package p; endpackage\n")
    with pytest.raises(text.LayoutError):
        text.split_modules("")


def test_ports() -> None:
    assert text.port_width(DESIGN.verilog, "array", "results_data") == 96
    assert text.port_width(DESIGN.verilog, "array", "results_last") == 1
    with pytest.raises(text.LayoutError, match="array has no port result"):
        text.port_width(DESIGN.verilog, "array", "result")


def test_black_boxes() -> None:
    verilog = text.black_boxes(DESIGN.verilog, ["array_processing_element"])
    module = text.split_modules(verilog.replace("(* blackbox *)\n", ""))["array_processing_element"]
    assert "input [31:0] psum_in;" in module and "assign" not in module and "wire" not in module
    with pytest.raises(text.LayoutError, match="there is no module array_memory"):
        text.black_boxes(DESIGN.verilog, ["array_memory"])


def test_cells_in_place_of_a_module() -> None:
    before = DESIGN.verilog.count("  array_full_adder ")
    verilog = text.replaced_by_cell(DESIGN.verilog, "full_adder", "FA")
    assert before and verilog.count("  FA ") == before and "array_full_adder" not in verilog
    with pytest.raises(text.LayoutError, match="an instance of array_full_adder is left"):
        text.replaced_by_cell(DESIGN.verilog + "bind array_full_adder x y;\n", "full_adder", "FA")


def test_rtlil() -> None:
    rtlil = "module \\a\n  cell $mul $1\n    parameter \\A_WIDTH 8\n  end\nend\n"
    assert text.rtlil_modules(rtlil) == ["a"]
    assert text.rtlil_parameters(rtlil, "$mul", ["A_WIDTH"]) == [{"A_WIDTH": 8}]
    assert text.rtlil_parameters(rtlil, "$add", ["A_WIDTH"]) == []
    with pytest.raises(text.LayoutError, match=r"a \$mul without B_WIDTH"):
        text.rtlil_parameters(rtlil, "$mul", ["B_WIDTH"])
    with pytest.raises(text.LayoutError, match="no module in RTLIL"):
        text.rtlil_modules("")


def test_renamed() -> None:
    module = text.split_modules(DESIGN.verilog)["array_processing_element"]
    assert text.renamed(module, "any") == module.replace("module array_processing_element(", "module any(")


def test_memories_read_at_clock_edges():
    """A queue's is read at once; a memory with a read of each kind is not one of them."""
    memory = """\
module {name}(clk, a, b);
  reg [7:0] memory [3:0];
  initial begin
    memory[0] = 8'd1;
  end
  always @(posedge clk) begin
    if (write)
      memory[a] <= data;
  end
  always @(posedge clk) begin
    _0_ <= memory[b];
  end
{more}endmodule
"""
    queue = "  assign now = memory[b];\n"
    verilog = memory.format(name="words", more="") + memory.format(name="queue", more=queue)
    verilog += "module none(clk);\n  reg [7:0] memory;\nendmodule\n"
    assert text.clocked_memories(verilog) == ["words"]
