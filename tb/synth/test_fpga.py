"""Designs on FPGAs: where products go, rows in LUTs that are products, netlists held to the golden model."""

import importlib.util
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from amaranth.hdl import Value
from click.testing import CliRunner

import tileloom
from tileloom import scratch, yosys
from tileloom.cli.main import main
from tileloom.design import Design
from tileloom.errors import CheckError, ToolError
from tileloom.export import export
from tileloom.families import load
from tileloom.memories import SinglePort, TwoPort
from tileloom.netlist.text import port_widths, renamed, split_modules
from tileloom_synth.fpga import check
from tileloom_synth.fpga.boards import BOARDS, find
from tileloom_synth.fpga.factors import as_significands
from tileloom_synth.fpga.families import ECP5, ICE40, SERIES7
from tileloom_synth.fpga.figures import SURE
from tileloom_synth.fpga.mapping import count_by_modules, map_design
from tileloom_synth.fpga.products import In, Product, placed, techmap
from tileloom_synth.progress import Progress

FP32_INT8 = {f"element {place}": Product(f"element {place}", 24, 8, 32, False, False) for place in range(4)}
INT8 = {f"product {place}": Product(f"product {place}", 8, 8, 16, True, True) for place in range(4)}
SCALE = Product("scale", 33, 17, 50, True, True)
SMALL = {"rows": 1, "columns": 1, "activation": "fp8_e4m3", "accumulator": "fp16", "add_stages": 2}

needs = {
    name: pytest.mark.skipif(
        importlib.util.find_spec(f"yowasp_nextpnr_{name}") is None, reason=f"no yowasp-nextpnr-{name}"
    )
    for name in ("ecp5", "ice40")
}


def run(*arguments):
    return CliRunner().invoke(main, ["synth", *map(str, arguments)])


def mapped(board, preset, **fields):
    config = load(preset, **fields)
    design = tileloom.generate(config)
    return config, design, map_design(design, BOARDS[board], Progress())


@pytest.mark.parametrize(
    ("product", "family", "pieces"),
    [
        (FP32_INT8["element 0"], ECP5, [(18, 8), (6, 8)]),
        (FP32_INT8["element 0"], ICE40, [(16, 8), (8, 8)]),
        (FP32_INT8["element 0"], SERIES7, [(24, 8)]),
        (SCALE, ECP5, [(18, 17), (15, 17)]),
        (Product("thin", 4, 3, 7, False, False), ICE40, []),
    ],
)
def test_a_product_takes_a_block_for_each_piece(product, family, pieces):
    assert product.pieces(family) == pieces


def test_the_smallest_pieces_leave_where_blocks_end():
    elements, products = [*FP32_INT8.values()], [*INT8.values()]
    assert set(placed(elements, ECP5, 8).values()) == {In.BLOCKS}
    made = placed(elements, ECP5, 6)
    assert [made[each] for each in elements] == [In.BOTH, In.BOTH, In.BLOCKS, In.BLOCKS]
    made = placed(elements, ECP5, 3)
    assert [made[each] for each in elements] == [In.LUTS, In.BOTH, In.BOTH, In.BOTH]
    assert set(placed(elements, ECP5, 0).values()) == {In.LUTS}
    # A signed factor beside a wide one cannot be cut; products of INT8 are smaller.
    made = placed([SCALE, *products], ECP5, 4)
    assert [made[each] for each in (SCALE, *products)] == [In.BLOCKS, In.LUTS, In.LUTS, In.BLOCKS, In.BLOCKS]


@pytest.mark.parametrize(
    ("a", "b", "y", "signed", "goal"),
    [
        (8, 8, 16, True, In.LUTS),
        (5, 3, 8, False, In.LUTS),
        (3, 5, 6, True, In.LUTS),
        (5, 4, 12, True, In.LUTS),
        (4, 1, 5, False, In.LUTS),
        (6, 3, 9, False, In.BOTH),
        (3, 6, 9, False, In.BOTH),
    ],
)
def test_rows_are_the_product(a, b, y, signed, goal):
    """By SAT, for all factors, in a family whose blocks have four bits."""
    family = replace(ECP5, factor_bits=(4, 4))
    kind, sign = Product("", a, b, y, signed, signed), "signed " * signed
    with scratch.folder() as folder:
        (folder / "map.v").write_text(techmap(kind, family, goal))
        (folder / "product.v").write_text(
            f"module product(input {sign}[{a - 1}:0] a, input {sign}[{b - 1}:0] b,\n"
            f"output {sign}[{y - 1}:0] y); assign y = a * b; endmodule"
        )
        yosys.run(
            f"""
            read_verilog product.v
            proc
            copy product rows
            techmap -map map.v rows
            select -assert-count {int(goal is In.BOTH)} rows/t:$mul
            miter -equiv -flatten -make_assert product rows both
            sat -verify -prove-asserts both""",
            folder=folder,
        )


FACTORS = """
module top(input [{word}:0] word, input [{a}:0] a, output same);
  wire [{factor}:0] x, y; wire [{product}:0] p, q;
  digits_encode_weight x_encoder(.word(word), .factor(x));
  plain_encode_weight y_encoder(.word(word), .factor(y));
  digits_digit_product x_product(.a(a), .digits(x[{digits}:0]), .product(p));
  plain_digit_product y_product(.a(a), .digits(y[{digits}:0]), .product(q));
  // The bits above, the product, and the place of the lowest one are the same.
  wire [{digits}:0] one = 1 << {digits};
  wire [{digits}:0] u = x[{digits}:0] | one, v = y[{digits}:0] | one;
  assign same = x >> {digits} + 1 == y >> {digits} + 1 && p == q && (u & -u) == (v & -v);
endmodule
"""


@pytest.mark.parametrize("weight", ["int8", "int4", "bf16", "fp16", "fp8_e5m2"])
def test_significands_stand_for_digits(weight):
    """By SAT, for all weights and activations: what encodes a weight, and what multiplies by it."""
    design = tileloom.generate(load("stream-8x8-int8", weight=weight, **SMALL))
    plain = as_significands(design.verilog)
    parts: list[str] = []
    sizes: dict[str, int] = {}
    for kind, text in {"digits": design.verilog, "plain": plain}.items():
        for name, module in split_modules(text).items():
            for part in ("encode_weight", "digit_product"):
                if name.endswith(f"_{part}"):
                    parts.append(renamed(module, f"{kind}_{part}"))
                    sizes |= {port: width - 1 for port, width in port_widths(text, name).items()}
    assert len(parts) == 4 and parts[0] != parts[2]
    with scratch.folder() as folder:
        (folder / "both.v").write_text("".join(parts) + FACTORS.format(**sizes))
        yosys.run(
            """
            read_verilog both.v
            prep -top top -flatten
            sat -verify -prove same 1 top""",
            folder=folder,
        )


def test_elements_that_want_the_digits_keep_them():
    design = tileloom.generate(load("stream-8x8-int8", multiply_stages=2, carry_save=True, **SMALL))
    assert as_significands(design.verilog) == design.verilog


@pytest.mark.parametrize("board", ["ulx3s-85f", pytest.param("icebreaker", marks=pytest.mark.long)])
def test_counted_by_modules_a_design_takes_a_little_more(board):
    _, design, netlist = mapped(board, "stream-8x8-int8", **SMALL)
    family = find(board).family
    whole, counted = netlist.used(family), count_by_modules(design, family)
    assert all(whole[name] <= counted[name] <= SURE * whole[name] for name in whole)


def test_a_module_counts_as_often_as_it_is_there():
    one, two = (
        count_by_modules(tileloom.generate(load("stream-8x8-int8", **SMALL | {"columns": columns})), ECP5)
        for columns in (1, 2)
    )
    assert (one["dsp"], two["dsp"]) == (1, 2)
    assert 1.8 * one["lut"] < two["lut"] < 2.2 * one["lut"]


@pytest.mark.parametrize("board", ["ulx3s-85f", pytest.param("icebreaker", marks=pytest.mark.long)])
def test_a_netlist_is_held_to_the_golden_model(board):
    config, design, netlist = mapped(board, "stream-8x8-int8", **SMALL)
    figures = check.regress(config, design, netlist, find(board).family, 1)
    assert figures["results_compared"] > 100
    assert netlist.used(find(board).family)["dsp"] == 1


def test_a_wrong_netlist_is_found():
    config, design, netlist = mapped("ulx3s-85f", "stream-8x8-int8", **SMALL)
    place = netlist.rtlil.index("cell \\MULT18X18D")
    tied = re.sub(r"connect \\B0 .*", r"connect \\B0 1'0", netlist.rtlil[place:], count=1)
    wrong = netlist.rtlil[:place] + tied
    assert wrong != netlist.rtlil
    with pytest.raises(CheckError):
        check.regress(config, design, replace(netlist, rtlil=wrong), ECP5, 1)


MEMORIES = {"wide": TwoPort(300, 70), "deep": TwoPort(16384, 3), "single": SinglePort(1024, 36)}
BENCH = """
module bench;
  reg clk = 0;
  {declarations}
  rtl rtl({pins}, .read_data(expected));
  netlist netlist({pins}, .read_data(got));
  integer cycle, compared = 0;
  initial begin
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
      // Every word is written first; then reads and writes at random.
      write = cycle < {words} || $urandom % 2; read = {both} ? $urandom % 2 : !write;
      write_data = {{$urandom, $urandom, $urandom}};
      {addresses}
      #1 clk = 1; #1 clk = 0;
      if (cycle > {words}) begin
        compared = compared + 1;
        if (got !== expected) begin $display("cycle %0d: %h, not %h", cycle, got, expected); $finish; end
      end
    end
    $display("compared %0d", compared);
  end
endmodule
"""


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="no Icarus Verilog")
@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("wide", "ulx3s-85f"),
        *(
            pytest.param(name, board, marks=pytest.mark.long)
            for name in MEMORIES
            for board in ("ulx3s-85f", "icebreaker")
            if (name, board) != ("wide", "ulx3s-85f")
        ),
    ],
)
def test_memories_are_blocks_that_give_what_was_written(name, board, tmp_path):
    memory, family = MEMORIES[name], find(board).family
    both = isinstance(memory, TwoPort)
    widths = {port: len(Value.cast(getattr(memory, port))) for port in memory.signature.members}
    verilog = export(memory, "rtl", [Value.cast(getattr(memory, port)) for port in widths]).verilog
    netlist = map_design(Design("rtl", verilog, {"modules": {"rtl": "memory"}}), find(board), Progress())
    assert netlist.used(family)["ram"] > 0 and netlist.used(family)["flip_flops"] < 8
    last = memory.words - 1
    at = f"cycle <= {last} ? cycle : $urandom % {memory.words}"
    addresses = f"address = {at};"
    if both:
        other = f"(write_address + 1 + $urandom % {last}) % {memory.words}"  # never the same
        addresses = f"write_address = {at}; read_address = {other};"
    inputs = [port for port in widths if port != "read_data"]
    bench = BENCH.format(
        declarations="\n".join(
            [f"reg [{widths[port] - 1}:0] {port} = 0;" for port in inputs]
            + [f"wire [{memory.bits - 1}:0] expected, got;"]
        ),
        pins=", ".join(f".{port}({port})" for port in ["clk", *inputs]),
        both=int(both),
        words=memory.words,
        cycles=memory.words + 2000,
        addresses=addresses,
    )
    mapped_verilog = check.as_verilog(netlist, family).partition("module rtl(")[0]
    (tmp_path / "all.v").write_text(verilog + mapped_verilog + bench)
    subprocess.run(["iverilog", "-g2012", "-o", "bench", "-s", "bench", "all.v"], cwd=tmp_path, check=True)
    said = subprocess.run(["vvp", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert said.strip() == "compared 1999", said


@pytest.mark.parametrize("board", BOARDS)
def test_a_latch_is_an_error(board):
    verilog = "module rtl(input en, input d, output reg q); always @* if (en) q = d; endmodule"
    with pytest.raises(ToolError, match="is a latch"):
        map_design(Design("rtl", verilog, {"modules": {}}), find(board), Progress())


def test_what_does_not_fit_is_said(tmp_path):
    """Without nextpnr, and with a netlist and a report to show for it."""
    fields = {"m": 1, "k": 1, "n": 1, "bus": 64, "a_words": 16384, "acc_tiles": 1, "requantise": "false"}
    sets = [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
    done = run("engine-int8", *sets, "--fpga", "icebreaker", "--json", "-o", tmp_path)
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["fits"] is False and figures["timing"] is None
    # Two halves of 16 Ki bytes, in blocks of 4 Kbit.
    assert figures["used"]["ram"] >= 64 > figures["available"]["ram"]
    assert figures["products"] == {"DSP blocks": 1}
    netlist = (tmp_path / f"{figures['name']}.fpga.v").read_text()
    assert netlist.count("SB_MAC16 ") == figures["used"]["dsp"] == 1


def test_what_nextpnr_cannot_pack_does_not_fit(tmp_path, monkeypatch):
    """A logic cell of an iCE40 holds a LUT and a flip-flop only where the one feeds the other."""
    program = tmp_path / "nextpnr"
    lines = ("Info: \t ICESTORM_LC:    5923/   5280   112%", "Info: \t ICESTORM_DSP:      8/      8   100%")
    said = "".join(f"echo '{line}'\n" for line in lines)
    program.write_text(f"#!/bin/sh\n{said}echo 'ERROR: Failed to expand region'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ICE40", str(program))
    sets = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    done = run("stream-8x8-int8", *sets, "--fpga", "icebreaker", "--json")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert not figures["fits"] and figures["timing"] is None
    assert figures["packed"] == {"ICESTORM_LC": {"used": 5923, "available": 5280}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fpga", "ulx3s"], "--fpga ulx3s: no such board; did you mean ulx3s-85f?"),
        (["--fpga", "arty-a7-35", "--clock", "10ns"], "--clock: nothing places and routes for arty-a7-35"),
        (["--fpga", "icebreaker", "--pdk", "sky130A"], "--pdk: is for a library of cells"),
        (["--fpga", "icebreaker", "--flat"], "--flat: is for a library of cells"),
        (["--fpga", "icebreaker", "--seed", "3"], "--seed: is of --check"),
    ],
)
def test_mistakes_are_told(arguments, message):
    done = run("stream-8x8-int8", *arguments)
    assert done.exit_code == 2 and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["xfu-cv32e40p"], "--fpga: is for what stands alone"),
        (["xfu-unit", "--check"], "--check: with --fpga there is none of an xDecimate"),
    ],
)
def test_a_unit_is_mapped_without_its_core(arguments, message):
    done = run(*arguments, "--fpga", "ulx3s-85f")
    assert done.exit_code == 2 and message in done.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("board", "preset", "fields"),
    [
        pytest.param("icebreaker", "stream-8x8-int8", SMALL, marks=needs["ice40"]),
        pytest.param("ulx3s-85f", "stream-8x8-int8", SMALL, marks=needs["ecp5"]),
    ],
)
def test_a_design_is_placed_and_routed(board, preset, fields):
    sets = [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
    done = run(preset, *sets, "--fpga", board, "--json", "--check", "--seed", 1)
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    timing = figures["timing"]
    assert figures["fits"] and timing["met"] == (timing["fmax_mhz"] * timing["period_ps"] >= 1e6)
    # The longest path is the period of the highest frequency.
    assert timing["path"][-1]["arrival_ns"] == pytest.approx(1e3 / timing["fmax_mhz"], rel=0.02)
    assert figures["check"]["results_compared"] > 100


@pytest.mark.long
@pytest.mark.parametrize("board", ["ulx3s-85f", "icebreaker"])
def test_an_engines_memories_are_blocks_and_its_netlist_is_right(board):
    fields = {"m": 2, "k": 3, "n": 2, "a_words": 256, "acc_tiles": 16, "weight_beats": 4, "bus": 64}
    config, design, netlist = mapped(board, "engine-int8", **fields)
    assert netlist.used(find(board).family)["ram"] > 0
    assert not any("LATCH" in cell or "GATE" in cell for cell in netlist.cells)
    figures = check.regress(config, design, netlist, find(board).family, 1)
    assert figures["results_compared"] > 100
