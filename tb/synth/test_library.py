"""Liberty files read, cells told apart by function, and the generic library taken by every tool."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tileloom import yosys
from tileloom_synth.library import liberty, pdk
from tileloom_synth.library.functions import FunctionError, truth_table
from tileloom_synth.library.standard_cells import LibraryError, generic, load

REAL = os.environ.get("TILELOOM_LIBERTY_DIR")
ASAP7 = [f"asap7_{part}_RVT_TT.lib.gz" for part in ("AO", "OA", "SIMPLE", "INVBUF", "SEQ")]

# A library of the fewest cells that there can be, oddities included: a brace in a comment, quotes and none,
# continued lines, a cell without function, pins declared together, and tables that are passed over.
SMALL = """/* comment with a brace { */
library ("small") {
  time_unit : "10ps"; capacitive_load_unit (0.5, "pf");
  cell (SPARE) { area : 9; pin (A) { direction : input; } }
  cell ("ND_BIG") { area : 3.5;
    pin (A, B) { direction : "input"; capacitance : 1.0; }
    pin (Y) { direction : output; function : "(A B)'";
      timing () { related_pin : "A"; cell_rise (t) { values ("1, 2", \\
        "3, 4"); } } } }
  cell (ND) { area : 2.5;
    pin (A) { direction : input } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "!A + !B"; } }
  cell (ND_AVOID) { area : 1; dont_use : true;
    pin (A, B) { direction : input; } pin (Y) { direction : output; function : "!(A*B)"; } }
  cell (INVERT) { area : 2; pin (A) { direction : input; } pin (Y) { direction : output; function : "A'"; } }
  cell (REPEAT) { area : 2; pin (A) { direction : input; } pin (Y) { direction : output; function : "A"; } }
  cell (STRONG) { area : 3; pin (A) { direction : input; } pin (Y) { direction : output; function : "A"; } }
  cell (FLOP) { area : 11; ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }
    pin (C) { direction : input; clock : true; } pin (D) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; } }
}
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.lib"
    path.write_text(SMALL)
    return path


def test_functions_are_evaluated_with_libertys_precedence():
    inputs = ("A", "B", "C")

    def expected(function):
        rows = ((row & 1, row >> 1 & 1, row >> 2) for row in range(8))
        return sum(int(bool(function(*row))) << place for place, row in enumerate(rows))

    cases = {
        "A": lambda a, b, c: a,
        "!A": lambda a, b, c: not a,
        "A'": lambda a, b, c: not a,
        "A'' B": lambda a, b, c: a and b,
        "A B + C": lambda a, b, c: (a and b) or c,
        "A + B * C": lambda a, b, c: a or (b and c),
        "A & B ^ C": lambda a, b, c: a and (b ^ c),  # XOR binds tighter than AND
        "!A ^ B | C": lambda a, b, c: ((not a) ^ b) or c,
        "(A|B)'&C": lambda a, b, c: not (a or b) and c,
        "!(A !B)(C)": lambda a, b, c: not (a and not b) and c,
        "1": lambda a, b, c: 1,
        "0 + A": lambda a, b, c: a,
    }
    assert {text: truth_table(text, inputs) for text in cases} == {
        text: expected(function) for text, function in cases.items()
    }


@pytest.mark.parametrize(
    "function", ["", "A +", "(A", "A)", "A B Z", "A $ B", "'A", "(" * 3000 + "A", "!" * 3000 + "A"]
)
def test_what_is_no_function_is_refused(function):
    with pytest.raises(FunctionError):
        truth_table(function, ("A", "B"))


def test_cells_are_found_by_function(small):
    cells = load([small])
    assert (cells.name, cells.area_unit) == ("small", "um2")
    assert (cells.time_unit_ps, cells.load_unit_ff) == (10.0, 500.0)
    assert (cells.nand2.name, cells.nand2.area) == ("ND", 2.5)  # the smallest that may be used
    assert cells.buffer.name == "STRONG"  # the smallest but one
    assert (cells.full_adder, cells.half_adder, cells.clock_gate) == (None, None, None)
    assert set(cells.cells) == {"SPARE", "ND_BIG", "ND", "INVERT", "REPEAT", "STRONG", "FLOP"}
    assert [name for name, cell in cells.cells.items() if cell.is_sequential] == ["FLOP"]
    assert cells.cells["ND_BIG"].inputs == ("A", "B")


@pytest.mark.parametrize("sum_inverted", [False, True])
@pytest.mark.parametrize("carry_inverted", [False, True])
def test_adders_are_found_whichever_outputs_are_inverted(small, sum_inverted, carry_inverted):
    def adder(name, area, pins, total, carry):
        return f"""
          cell ({name}) {{ area : {area}; pin ({pins}) {{ direction : input; }}
            pin (K) {{ direction : output; function : "{"!" * carry_inverted}({carry})"; }}
            pin (T) {{ direction : output; function : "{"!" * sum_inverted}({total})"; }} }}"""

    majority = "(X Y) + (Z (X + Y))"
    added = [
        adder("FULL_BIG", 9, "X, Y, Z", "X ^ Y ^ Z", majority),
        adder("FULL", 8, "X, Y, Z", "X ^ Y ^ Z", majority),
        adder("SUBTRACT", 7, "X, Y, Z", "X ^ Y ^ Z", "(!X Y) + (Z (!X + Y))"),
        adder("probe__probe", 6, "X, Y, Z", "X ^ Y ^ Z", majority),
        adder("HALF", 5, "X, Y", "X !Y + !X Y", "X * Y"),
    ]
    small.write_text(SMALL[: SMALL.rindex("}")] + "".join(added) + "}\n")
    cells = load([small])
    for found, name, pins in ((cells.full_adder, "FULL", "XYZ"), (cells.half_adder, "HALF", "XY")):
        assert (found.cell, found.inputs, found.sum, found.carry) == (name, tuple(pins), "T", "K")
        assert (found.sum_inverted, found.carry_inverted) == (sum_inverted, carry_inverted)


def test_compressed_is_the_same(small):
    packed = small.with_suffix(".lib.gz")
    packed.write_bytes(gzip.compress(small.read_bytes()))
    assert load([packed]).cells == load([small]).cells


def test_files_make_one_library_that_tools_read(small, tmp_path):
    parts = []
    for part, keep in (("logic", "ND INVERT REPEAT STRONG"), ("flops", "FLOP")):
        path = tmp_path / f"{part}.lib"
        lines = [
            f"library ({part}) {{",
            '  time_unit : "10ps"; capacitive_load_unit (0.5, "pf");',
            *(cell_text(name) for name in keep.split()),
            "}",
        ]
        path.write_text("\n".join(lines))
        parts.append(path)
    cells = load(parts)
    assert set(cells.cells) == {"ND", "INVERT", "REPEAT", "STRONG", "FLOP"}
    with pytest.raises(LibraryError, match=r"logic.lib: no flip-flop"):
        load(parts[:1])
    with pytest.raises(LibraryError, match=r"flops.lib: no two-input NAND .*; no inverter .*; no buffer"):
        load(parts[1:])
    with pytest.raises(LibraryError, match=r"small.lib:10: cell ND is at .*logic.lib:3 too"):
        load([*parts, small])
    merged = liberty.parse(cells.functions)
    assert sorted(cell.name for cell in merged.all("cell")) == sorted(cells.cells)


def cell_text(name):
    start = SMALL.index(f"  cell ({name})")
    end = SMALL.find("\n  cell", start + 1)
    return SMALL[start : end if end >= 0 else SMALL.rindex("}")]


def test_a_library_without_nand_or_with_other_units_is_refused(small, tmp_path):
    small.write_text(SMALL.replace("(A B)'", "A B").replace("!A + !B", "A + B"))
    with pytest.raises(LibraryError, match=r"small.lib: no two-input NAND"):
        load([small])
    small.write_text(SMALL)
    other = tmp_path / "other.lib"
    other.write_text('library (other) { time_unit : "1ns"; capacitive_load_unit (1, pf); }')
    with pytest.raises(LibraryError, match=r"other.lib:1: its units"):
        load([small, other])


def test_the_generic_library_counts_in_nands():
    cells = generic()
    assert (cells.area_unit, cells.nand2.area) == ("GE", 1.0)
    assert cells.clock_gate is not None
    assert cells.full_adder is not None and cells.half_adder is not None
    assert (cells.full_adder.sum_inverted, cells.full_adder.carry_inverted) == (False, False)
    # No cell may be worth more than the NANDs that do the same.
    assert 4 < cells.full_adder.area < 9 and 4 < cells.cells["DFF_X1"].area < 8


DESIGN = """
module top (input clk, input en, input [7:0] a, b, output reg [8:0] y, output reg [7:0] z, output [3:0] m);
  always @(posedge clk) begin
    y <= a + b;
    if (en) z <= a & b | (a ^ y[7:0]);
  end
  assign m = en ? ~(a[3:0] | b[7:4]) : 4'b1001;
endmodule
"""


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """Map a design to the generic library and return its library, netlist and log."""
    folder = tmp_path_factory.mktemp("mapped")
    cells = generic()
    (folder / "top.v").write_text(DESIGN)
    log = yosys.run(
        f"""
        read_verilog {folder}/top.v
        read_liberty -lib {cells.functions}
        synth -flatten -top top
        clockgate -liberty {cells.functions} -min_net_size 3
        dfflibmap -liberty {cells.functions}
        abc -liberty {cells.timing} -D 500
        hilomap -hicell TIE1 Y -locell TIE0 Y
        splitnets
        opt_clean -purge
        check -mapped -assert
        stat -liberty {cells.functions}
        write_verilog -noattr {folder}/netlist.v
        """
    )
    return cells, folder / "netlist.v", log


def test_yosys_and_abc_take_the_generic_library(mapped):
    cells, netlist, log = mapped
    used = {line.split()[0] for line in netlist.read_text().splitlines() if line.split()[:1]}
    assert cells.clock_gate in used
    assert any(name.startswith("DFF") for name in used)
    # ABC says that it is given no flip-flops and that adders have two outputs; both are as they should be.
    known = ("The network is combinational", "multi-output cells")
    warnings = [line for line in log.splitlines() if "Warning:" in line]
    assert [line for line in warnings if not any(text in line for text in known)] == []


def test_opensta_takes_the_generic_library(mapped, tmp_path):
    if shutil.which("sta") is None:
        pytest.skip("OpenSTA (sta) is not installed: sudo apt install opensta")
    cells, netlist, _ = mapped
    script = tmp_path / "sta.tcl"
    script.write_text(
        f"""
        read_liberty {cells.timing}
        read_verilog {netlist}
        link_design top
        create_clock -name clock -period 1000 [get_ports clk]
        set_input_delay 0 -clock clock [get_ports {{en a b}}]
        set_output_delay 0 -clock clock [all_outputs]
        set_driving_cell -lib_cell {cells.buffer.name} [all_inputs]
        report_checks -path_delay max
        report_checks -path_delay min
        exit
        """
    )
    done = subprocess.run(
        ["sta", "-no_splash", "-exit", str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    output = done.stdout + done.stderr
    assert "Error" not in output and "Warning" not in output, output
    slacks = [float(line.split()[0]) for line in output.splitlines() if "slack (" in line]
    assert len(slacks) == 2
    assert 400 < slacks[0] < 950, output  # an adder of eight bits is 50 to 600 ps, whatever ABC makes of it


KITS = {
    "nangate45": (["nangate45_typ.lib.gz"], 0.798, "FA_X1", False, "CLKGATE_X1", 1000.0, 1.0),
    "sky130": (
        ["sky130hd_tt.lib.gz"],
        3.7536,
        "sky130_fd_sc_hd__fa_1",
        False,
        "sky130_fd_sc_hd__dlclkp_1",
        1000.0,
        1000.0,
    ),
    "ihp": (["ihp_sg13g2_typ_1p20V_25C.lib.gz"], 7.2576, None, False, "sg13g2_lgcp_1", 1000.0, 1000.0),
    "asap7": (ASAP7, 0.05832, "FAx1_ASAP7_75t_R", True, "ICGx1_ASAP7_75t_R", 1.0, 1.0),
}


@pytest.mark.skipif(not REAL, reason="TILELOOM_LIBERTY_DIR is not set: see docs/check.md")
@pytest.mark.parametrize("kit", KITS)
def test_real_libraries(kit):
    files, nand2, adder, inverted, gate, time_unit, load_unit = KITS[kit]
    cells = load([Path(str(REAL), name) for name in files])
    assert cells.nand2.area == nand2
    assert cells.clock_gate == gate
    assert (cells.time_unit_ps, cells.load_unit_ff) == (time_unit, load_unit)
    assert not [name for name in cells.cells if "lpflow" in name or "dly" in name]
    if adder is None:
        assert cells.full_adder is None
        return
    assert cells.full_adder is not None
    assert cells.full_adder.cell == adder
    assert (cells.full_adder.sum_inverted, cells.full_adder.carry_inverted) == (inverted, inverted)


@pytest.fixture
def kits(tmp_path, monkeypatch):
    """Lay out one kit as ciel does, and return PDK_ROOT."""
    monkeypatch.setenv("PDK_ROOT", str(tmp_path))
    path = tmp_path / "sky130A" / "libs.ref" / pdk.KITS["sky130A"]
    path.parent.mkdir(parents=True)
    path.write_text(SMALL)
    return tmp_path


def test_a_kit_is_found_under_pdk_root(kits):
    assert load(pdk.find("sky130A")).name == "small"
    assert list(pdk.installed()) == ["sky130A"]


def test_a_kit_that_is_not_there_is_told_with_those_that_are(kits, monkeypatch):
    with pytest.raises(LibraryError, match=r"ihp-sg13g2.*found there: sky130A"):
        pdk.find("ihp-sg13g2")
    with pytest.raises(LibraryError, match=r"sky999.*kits: sky130A"):
        pdk.find("sky999")
    monkeypatch.delenv("PDK_ROOT")
    monkeypatch.setenv("HOME", str(kits / "nobody"))
    with pytest.raises(LibraryError, match=r"PDK_ROOT is not set.*no kit is there"):
        pdk.find("sky130A")


def test_merged_files_go_with_the_process(small, tmp_path):
    first, second = load([small]), load([small])
    assert first.timing != second.timing
    program = "from tileloom_synth.library.standard_cells import generic; print(generic().timing)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    path = Path(done.stdout.strip())
    assert path.is_relative_to(tmp_path) and not path.exists() and done.stderr == ""
    assert not list(tmp_path.glob("tileloom-*"))
