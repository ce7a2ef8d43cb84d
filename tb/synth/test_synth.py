"""``tileloom synth``: what is mapped computes what the RTL does, and the report adds up."""

import json
import random

import pytest
from click.testing import CliRunner

from tileloom import yosys
from tileloom.cli.main import main
from tileloom.families import load
from tileloom.systolic.design import generate
from tileloom_synth import timing
from tileloom_synth.constraints import constrain
from tileloom_synth.flow import Flow
from tileloom_synth.library.recipes import LOGIC, Options
from tileloom_synth.library.standard_cells import generic
from tileloom_synth.origins import ORIGINS, of_register
from tileloom_synth.report import report
from tileloom_synth.synthesis import synthesise
from tileloom_synth.techmap import full_adder


@pytest.fixture(scope="module")
def cells():
    return generic()


@pytest.fixture(scope="module")
def design():
    return generate(load("stream-8x8-int8", rows=2, columns=3, activation="fp16", accumulator="fp16"))


def run(*arguments):
    return CliRunner().invoke(main, ["synth", *arguments])


def multiply(a, b, y, kind=""):
    ports = f"input {kind} [{a - 1}:0] a, input {kind} [{b - 1}:0] b, output [{y - 1}:0] y"
    return f"module top ({ports}); assign y = a * b; endmodule"


def proved_equal(verilog, mapped, cells, tmp_path):
    """Prove by SAT that a combinational netlist is its RTL, with the cells' functions from liberty."""
    (tmp_path / "rtl.v").write_text(verilog)
    (tmp_path / "netlist.v").write_text(mapped.verilog)
    return yosys.run(
        f"""
        read_verilog {tmp_path}/rtl.v
        proc
        rename top rtl
        read_liberty -ignore_miss_func {cells.functions}
        read_verilog {tmp_path}/netlist.v
        hierarchy -check
        flatten top
        miter -equiv -make_outputs rtl top both
        flatten both
        opt -full both
        sat -verify -prove trigger 0 -show-inputs both
        """
    )


@pytest.mark.parametrize(("a", "b"), [(6, 6), (5, 7), (6, 3), (3, 6), (2, 2)])
@pytest.mark.parametrize("booth", [True, False])
def test_multipliers_of_full_adders_are_multiplications(cells, tmp_path, a, b, booth):
    verilog = multiply(a, b, a + b)
    mapped = Flow(verilog, "top", cells).map(Options(booth=booth))
    used = report(mapped, cells, {}).cells
    assert used["FA_X1"] > 0 or b < 3
    proved_equal(verilog, mapped, cells, tmp_path)


@pytest.mark.parametrize("y", [4, 9, 14])
def test_multipliers_of_other_widths_of_product_are_too(cells, tmp_path, y):
    verilog = multiply(6, 6, y)
    proved_equal(verilog, Flow(verilog, "top", cells).map(Options()), cells, tmp_path)


@pytest.mark.parametrize(
    ("a", "b", "y"), [(6, 6, 12), (5, 7, 12), (7, 6, 13), (3, 6, 9), (1, 6, 7), (6, 6, 7), (6, 6, 15)]
)
def test_multipliers_of_signed_operands_are_too(cells, tmp_path, a, b, y):
    verilog = multiply(a, b, y, kind="signed")
    mapped = Flow(verilog, "top", cells).map(Options())
    assert report(mapped, cells, {}).cells["FA_X1"] > 0 or a < 3
    proved_equal(verilog, mapped, cells, tmp_path)


@pytest.mark.parametrize(("a", "b", "booth"), [(24, 24, True), (24, 7, True), (24, 12, False), (11, 8, True)])
def test_wide_multipliers_are_right_on_values(cells, tmp_path, a, b, booth):
    verilog = multiply(a, b, a + b)
    mapped = Flow(verilog, "top", cells).map(Options(booth=booth))
    (tmp_path / "netlist.v").write_text(mapped.verilog)
    numbers = random.Random(24)
    pairs = [(2**a - 1, 2**b - 1), (0, 2**b - 1), (2 ** (a - 1), 2 ** (b - 1))]
    pairs += [(numbers.getrandbits(a), numbers.getrandbits(b)) for _ in range(40)]
    evaluations = "\n".join(f"eval -set a {a}'d{x} -set b {b}'d{y} -show y top" for x, y in pairs)
    log = yosys.run(
        f"""
        read_liberty -ignore_miss_func {cells.functions}
        read_verilog {tmp_path}/netlist.v
        hierarchy -check -top top
        flatten
        opt_clean
        {evaluations}
        """
    )
    found = [line.rpartition("'")[2].rstrip(".") for line in log.splitlines() if "Eval result: \\y" in line]
    assert [int(bits, 2) for bits in found] == [x * y for x, y in pairs]


@pytest.mark.parametrize(
    "inverted", [(False, False), (True, True), (True, False)], ids=["true", "inverted", "sum inverted"]
)
def test_full_adders_with_inverted_outputs_are_undone(cells, tmp_path, inverted):
    """ASAP7's full adder gives both outputs inverted."""
    adder = cells.full_adder
    assert adder is not None
    signs = ["~" if each else "" for each in inverted]
    (tmp_path / "cell.v").write_text(
        f"module CELL (input A, B, CI, output S, CO);"
        f" assign S = {signs[0]}(A ^ B ^ CI); assign CO = {signs[1]}((A & B) | (CI & (A | B))); endmodule\n"
    )
    changed = type(adder)("CELL", 1.0, ("A", "B", "CI"), "S", "CO", *inverted)
    (tmp_path / "map.v").write_text(full_adder.techmap(changed))
    (tmp_path / "stub.v").write_text(full_adder.STUB)
    (tmp_path / "top.v").write_text(
        "module rtl (input a, b, c, output [3:0] y);"
        " assign y = {2'b0 + a + b + c, 2'b0 + a + b + 1'b1}; endmodule\n"
        f"module top (input a, b, c, output [3:0] y);"
        f" {full_adder.NAME} one (.a(a), .b(b), .c(c), .sum(y[2]), .carry(y[3]));"
        f" {full_adder.NAME} two (.a(a), .b(b), .c(1'b1), .sum(y[0]), .carry(y[1])); endmodule\n"
    )
    yosys.run(
        f"""
        read_verilog -lib {tmp_path}/stub.v
        read_verilog {tmp_path}/cell.v {tmp_path}/top.v
        techmap -map {tmp_path}/map.v top
        select -assert-count 1 top/t:CELL
        select -clear
        flatten top
        miter -equiv rtl top both
        flatten both
        sat -verify -prove trigger 0 both
        """
    )


@pytest.mark.parametrize("hierarchy", ["units", "detail", "flat"])
def test_areas_by_origin_add_up(cells, design, hierarchy):
    mapped = Flow(design.verilog, design.name, cells).map(Options(hierarchy=hierarchy))
    result = report(mapped, cells, design.manifest["modules"], macs=6)
    counted = sum(count * cells.cells[name].area for name, count in result.cells.items())
    assert result.area == pytest.approx(counted)
    assert sum(share.cells for share in result.shares.values()) == sum(result.cells.values())
    assert set(result.shares) <= set(ORIGINS)
    # Registers are known by name whatever the hierarchy: 2 x 3 elements of FP16 x INT8, double-buffered.
    flops = {origin: share.flops for origin, share in result.shares.items()}
    assert flops["activation registers"] == 6 * 16
    assert flops["stationary registers"] == 6 * 2 * 11
    assert flops["pipeline registers"] == 6 * 2 * 16
    assert result.flops == sum(flops.values())
    assert ("logic" in flops) == (hierarchy == "flat")


def test_the_hierarchy_is_the_sum_of_its_parts(cells, design):
    modules = design.manifest["modules"]

    def area(name):
        return synthesise(design.verilog, f"{design.name}_{name}", cells, origins=modules).area

    row = area("row")
    element = area("processing_element")
    own_gates = row - 3 * element
    # A row adds its write enables; ABC's result moves by a per cent with the order in which names come.
    assert abs(own_gates) < 0.02 * row


def test_the_hierarchy_costs_little(cells, design):
    modules = design.manifest["modules"]
    name = f"{design.name}_processing_element"
    units, flat = (
        synthesise(design.verilog, name, cells, hierarchy=hierarchy, origins=modules).area
        for hierarchy in ("units", "flat")
    )
    assert units == pytest.approx(flat, rel=0.05)


def test_cells_that_are_not_there_are_done_without(cells, design):
    name = f"{design.name}_processing_element"
    flow = Flow(design.verilog, name, cells)
    without = report(flow.map(Options(full_adders=False, clock_gates=False)), cells, {})
    assert not {"FA_X1", "CLKGATE_X1"} & set(without.cells)
    assert without.how["full_adders"] == "gates" and without.how["clock_gates"] == "none"
    assert without.area > report(flow.map(Options()), cells, {}).area


def test_names_of_registers_are_origins():
    assert of_register("weight", "processing element") == "stationary registers"
    assert of_register("mesh.row_1.element_0.activation_out", "control") == "activation registers"
    assert of_register("mesh.row_1.element_0.multiply.weighted", "control") == "pipeline registers"
    assert of_register("activation_skew.lane_3", "control") == "skew"
    assert of_register("lane_3", "skew") == "skew"
    assert of_register("loader.counter", "control") == "weight loading"
    assert of_register("count", "control") == "control"


def test_a_clock_is_met_or_not_and_says_by_what(cells, design, monkeypatch):
    name = f"{design.name}_processing_element_multiply"
    modules = design.manifest["modules"]
    easy = synthesise(design.verilog, name, cells, constraints=constrain(cells, 20_000), origins=modules)
    assert easy.timing is not None and easy.timing.met
    assert easy.timing.source.startswith("OpenSTA" if timing.opensta() else "ABC's estimate")
    assert LOGIC["area"] in easy.how["abc"]  # the first that meets it
    monkeypatch.setattr(timing.shutil, "which", lambda program: None)
    hard = synthesise(design.verilog, name, cells, constraints=constrain(cells, 300), origins=modules)
    assert hard.timing is not None and not hard.timing.met
    assert hard.timing.source.startswith("ABC's estimate") and hard.timing.setup.steps == ()
    assert hard.timing.hold is None and 0 < hard.timing.frequency_mhz < 1e6 / 300


@pytest.mark.skipif(not timing.opensta(), reason="OpenSTA (sta) is not installed: sudo apt install opensta")
def test_the_critical_path_has_names(cells):
    verilog = "module top (input clk, input [7:0] a, output reg [7:0] y); reg [7:0] first;\n"
    verilog += "always @(posedge clk) begin first <= a; y <= first * first + y; end endmodule"
    result = synthesise(verilog, "top", cells, constraints=constrain(cells, 300))
    assert result.timing is not None
    assert result.timing.setup.start.startswith(("first", "y["))
    assert result.timing.setup.end.startswith("y[")
    assert result.timing.setup.steps[1].pin.startswith(result.timing.setup.start)
    arrivals = [step.arrival_ps for step in result.timing.setup.steps]
    assert len(arrivals) > 3 and arrivals[-2] >= arrivals[1]


def test_json_has_what_the_table_says():
    result = run("stream-8x8-int8", "--set", "rows=1", "--set", "columns=1", "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert set(data) == {
        *("name", "library", "unit", "area", "gate_equivalent", "gate_equivalents", "macs", "area_per_mac"),
        *("flops", "cells", "origins", "how", "timing"),
    }
    assert data["unit"] == "GE" and data["area"] == pytest.approx(data["gate_equivalents"], abs=0.1)
    assert sum(share["area"] for share in data["origins"].values()) == pytest.approx(data["area"], abs=0.1)
    assert data["timing"] is None
    assert data["area_per_mac"] == data["area"]
    table = run("stream-8x8-int8", "--set", "rows=1", "--set", "columns=1")
    assert table.exit_code == 0
    assert f"{data['area']:,.0f}" in table.stdout and "Booth" in table.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument 'CONFIG'"),
        (("stream-8x8-int8", "--flat", "--detail"), "not both"),
        (("stream-8x8-int8", "--clock", "fast"), "2ns or 1250ps"),
        (("stream-8x8-int8", "--clock", "0ns"), "must be from 10 ps to 1000 ns"),
        (("stream-8x8-int8", "--clock", "0.0001ps"), "must be from 10 ps to 1000 ns"),
        (("stream-8x8-int8", "--clock", "nan"), "2ns or 1250ps"),
        (("engine-int8", "--module", "row"), "--module is for a systolic array"),
        (("xfu-cv32e40p", "--clock", "2ns"), "--clock: is for xfu-unit, xfu-cv-x-if and xfu-picorv32"),
        (("stream-8x8-int8", "--liberty", "none.lib"), "none.lib: No such file"),
        (("stream-8x8-int8", "--liberty", "a.lib", "--pdk", "sky130A"), "not both"),
        (("stream-8x8-int8", "--pdk", "sky999"), "sky999: not a kit"),
        (("stream-8x8-int8", "--module", "nothing"), "no such module; modules: "),
        (("stream-8x8-int8", "--set", "rows=0"), "rows: must be from 1 to 64"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    last = result.stderr.strip().splitlines()[-1]
    assert message in last and last.startswith("Error: ")
    assert result.stdout == ""
