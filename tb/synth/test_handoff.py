"""What ``tileloom synth -o`` writes is read back as it is by Yosys, OpenSTA, and Icarus, which runs it."""

import importlib.resources
import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.seed import SEED
from tileloom import generate, yosys
from tileloom.cli.main import main
from tileloom.errors import UserError
from tileloom.families import load
from tileloom.netlist.text import split_modules
from tileloom_synth.constraints import constrain
from tileloom_synth.handoff.flows import FLOWS, Block, check_flow, configuration
from tileloom_synth.handoff.result import file_names
from tileloom_synth.library.standard_cells import generic
from tileloom_synth.library.standard_cells import load as load_library
from tileloom_synth.timing import opensta

REAL = os.environ.get("TILELOOM_LIBERTY_DIR")
CYCLES, RESET, WARM = 500, 5, 60
MUTANTS = 8
ARRAY = "stream-8x8-int8 rows=1 columns=1 activation=e4m3 accumulator=fp16 axi4_stream_names=true"
ENGINE = "engine-int8 m=1 k=2 n=2 a_words=8 acc_tiles=2 bus=64"
NEEDS_ICARUS = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="Icarus Verilog is not installed: sudo apt install iverilog"
)
NEEDS_OPENSTA = pytest.mark.skipif(
    opensta() is None, reason="OpenSTA (sta) is not installed: sudo apt install opensta"
)


def synth(*arguments):
    return CliRunner().invoke(main, ["synth", *arguments])


def handed_on(configuration, folder, *arguments):
    """Synthesise ``preset field=value ...``; return the name of the design and the files by their endings."""
    preset, *fields = configuration.split()
    done = synth(preset, *(f"--set={field}" for field in fields), "-o", str(folder), *arguments)
    assert done.exit_code == 0, done.output
    design = generate(load(preset, **dict(field.split("=") for field in fields)))
    files = {path.name.removeprefix(f"{design.name}."): path for path in folder.iterdir()}
    assert all(path.name.startswith(f"{design.name}.") for path in files.values())
    return design, files


@pytest.fixture(scope="module")
def array(tmp_path_factory):
    return handed_on(ARRAY, tmp_path_factory.mktemp("array") / "made", "--clock", "6ns")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Return an engine in a library that is SKY130's by its name."""
    folder = tmp_path_factory.mktemp("engine")
    generic_library = importlib.resources.files("tileloom_synth.library") / "generic.lib"
    text = generic_library.read_text(encoding="utf-8")
    named = text.replace("library (tileloom_generic)", "library (sky130_fd_sc_hd__tt_025C_1v80)")
    (folder / "sky130.lib").write_text(named)
    options = ("--liberty", str(folder / "sky130.lib"), "--clock", "20ns", "--hand-off", "librelane")
    return handed_on(ENGINE, folder / "out", *options)


def test_the_files_are_those_that_are_documented(array, engine):
    assert set(array[1]) == {"netlist.v", "cells.v", "f", "sdc", "synth.json"}
    assert set(engine[1]) == {*array[1], "memories.v", "librelane.json"}
    for _, files in (array, engine):
        listed = [line.strip('"') for line in files["f"].read_text().splitlines()]
        assert sorted(listed) == sorted(str(files[end].resolve()) for end in files if end.endswith(".v"))


def area_by_yosys(files, cells):
    """Return the area that Yosys finds in a netlist, which has library cells alone and no loose ends."""
    log = yosys.run(
        f"""
        read_liberty -lib -ignore_miss_func {cells.functions}
        read_verilog "{files["netlist.v"]}"
        hierarchy -check -auto-top
        check -mapped -assert
        flatten
        stat -liberty {cells.functions}
        """
    )
    return float(re.findall(r"Chip area for module .*: ([\d.]+)", log)[-1])


def slacks_by_opensta(design, files, cells, folder):
    """Return the worst slacks of setup and hold that OpenSTA finds with the constraints, in ps."""
    (folder / "read.tcl").write_text(
        f"""
        read_liberty {cells.timing}
        read_verilog "{files["netlist.v"]}"
        link_design {design.name}
        read_sdc "{files["sdc"]}"
        report_checks -path_delay max -digits 4
        report_checks -path_delay min -digits 4
        """
    )
    done = subprocess.run(
        [opensta(), "-no_splash", "-exit", folder / "read.tcl"], capture_output=True, text=True, check=True
    )
    said = done.stdout + done.stderr
    assert "Error" not in said and "Warning" not in said, said
    slacks = [float(slack) for slack in re.findall(r"(-?[\d.]+)\s+slack", said)]
    return [slack * cells.time_unit_ps for slack in slacks]


def reported(files):
    """Return the area and the worst slacks of setup and hold of a report."""
    report = json.loads(files["synth.json"].read_text())
    return report["area"], [report["timing"][kind]["worst_slack_ps"] for kind in ("setup", "hold")]


def test_yosys_reads_the_netlist_and_finds_the_reported_area(array):
    files = array[1]
    assert area_by_yosys(files, generic()) == pytest.approx(reported(files)[0], rel=1e-4)


@NEEDS_OPENSTA
def test_opensta_reads_netlist_and_constraints_and_finds_the_reported_slacks(array, tmp_path):
    found = slacks_by_opensta(*array, generic(), tmp_path)
    assert found == pytest.approx(reported(array[1])[1], abs=0.06)


@pytest.mark.long
@NEEDS_OPENSTA
@NEEDS_ICARUS
@pytest.mark.skipif(not REAL, reason="TILELOOM_LIBERTY_DIR is not set: see docs/check.md")
@pytest.mark.parametrize(
    ("library", "flows"),
    [("nangate45", ["openroad"]), ("sky130hd", FLOWS), ("ihp", FLOWS), ("asap7", [])],
)
@pytest.mark.parametrize("configuration", [ARRAY, "xfu-unit"], ids=["array", "unit"])
def test_netlists_of_real_libraries_are_read_back_too(configuration, library, flows, tmp_path):
    liberty = sorted(Path(str(REAL)).glob(f"{library}*.lib.gz"))
    options = [*(word for path in liberty for word in ("--liberty", str(path))), "--clock", "20ns"]
    for flow in flows:
        handed_on(configuration, tmp_path / flow, *options, "--hand-off", flow)
    design, files = handed_on(configuration, tmp_path / "out", *options)
    cells = load_library(liberty)
    area, slacks = reported(files)
    assert area_by_yosys(files, cells) == pytest.approx(area, rel=1e-4)
    # OpenSTA prints four digits behind a library's unit, most often a nanosecond.
    assert slacks_by_opensta(design, files, cells, tmp_path) == pytest.approx(slacks, abs=0.2)
    bits, known, wrong = run_bench(design, files, tmp_path)
    assert wrong == 0 and known > bits / 2 > 10 * (CYCLES - WARM)


def bench(design, path):
    """Write a bench that gives RTL and netlist the same random inputs and compares their known outputs."""
    top = split_modules(design.verilog)[design.name]
    ports = re.findall(r"^  (input|output) (\[\d+:0\] )?(\w+);$", top, re.MULTILINE)
    clock, reset = design.manifest["clock"], design.manifest["reset"]
    inputs = [(width, name) for way, width, name in ports if way == "input" and name != clock]
    outputs = [(width, name) for way, width, name in ports if way == "output"]
    draws = "\n".join(
        f"      {name} = {{{', '.join(['$urandom(seed)'] * (int(width[1:-4] or 0) // 32 + 1))}}};"
        if width
        else f"      {name} = ($urandom(seed) & 3) != 0;"
        for width, name in inputs
        if name != reset["name"]
    )
    checks = "\n".join(
        f"      check({{1'b0, rtl_{name}}}, {{1'b0, net_{name}}}, $bits(rtl_{name}));" for _, name in outputs
    )
    declared = "\n".join(
        [f"  reg {width}{name};" for width, name in inputs]
        + [f"  wire {width}rtl_{name}, net_{name};" for width, name in outputs]
    )
    wired = {
        side: ", ".join(
            [f".{clock}({clock})", *(f".{name}({name})" for _, name in inputs)]
            + [f".{name}({side}_{name})" for _, name in outputs]
        )
        for side in ("rtl", "net")
    }
    active = "0" if reset["active_low"] else "1"
    path.write_text(
        f"""
`timescale 1ns/1ps
module bench;
  reg {clock} = 0; integer seed = {SEED}, cycle, bits = 0, known = 0, wrong = 0;
{declared}
  rtl_{design.name} rtl({wired["rtl"]});
  {design.name} net({wired["net"]});
  task check(input [4095:0] a, b, input integer width);
    integer i;
    for (i = 0; i < width; i = i + 1) begin
      bits = bits + 1;
      if ((a[i] ^ b[i]) !== 1'bx) begin known = known + 1; if (a[i] !== b[i]) wrong = wrong + 1; end
    end
  endtask
  initial begin
    for (cycle = 0; cycle < {CYCLES}; cycle = cycle + 1) begin
      {reset["name"]} = cycle < {RESET} ? {active} : !{active};
{draws}
      #5;
      if (cycle >= {WARM}) begin
{checks}
      end
      {clock} = 1; #5 {clock} = 0;
    end
    $display("bits %0d known %0d wrong %0d", bits, known, wrong);
    $finish;
  end
endmodule
""",
        encoding="utf-8",
    )


def run_bench(design, files, folder, netlist=None):
    """Return the bits compared, those that are known, and those that differ."""
    bench(design, folder / "bench.v")
    rtl = re.sub(rf"\b{design.name}", f"rtl_{design.name}", design.verilog)
    (folder / "rtl.v").write_text(rtl, encoding="utf-8")
    command = ["iverilog", "-g2012", "-s", "bench", "-o", str(folder / "simulation"), str(folder / "bench.v")]
    if netlist is None:
        command += ["-f", str(files["f"])]
    else:
        command += [str(netlist), *(str(files[end]) for end in ("cells.v", "memories.v") if end in files)]
    built = subprocess.run([*command, str(folder / "rtl.v")], capture_output=True, text=True, check=False)
    assert built.returncode == 0 and not built.stderr, built.stderr
    said = subprocess.run(
        ["vvp", "-n", folder / "simulation"], capture_output=True, text=True, check=True
    ).stdout
    return tuple(map(int, re.findall(r"\d+", said.splitlines()[-1])))


@NEEDS_ICARUS
@pytest.mark.parametrize(
    ("which", "least"), [("array", 0.9), pytest.param("engine", 0.3, marks=pytest.mark.long)]
)
def test_icarus_runs_the_netlist_as_the_rtl(which, least, request, tmp_path):
    design, files = request.getfixturevalue(which)
    bits, known, wrong = run_bench(design, files, tmp_path)
    print(f"seed {SEED}: {bits} bits of outputs, {known} of them known")
    assert wrong == 0
    assert bits > 20 * (CYCLES - WARM) and known > least * bits


@NEEDS_ICARUS
def test_a_broken_netlist_is_seen(array, tmp_path):
    design, files = array
    text = files["netlist.v"].read_text()
    places = [match.start() for match in re.finditer(r"\bXOR2_X\d", text)]
    found = 0
    for place in random.Random(SEED).sample(places, MUTANTS):
        broken = tmp_path / "broken.v"
        broken.write_text(text[:place] + "XNOR2" + text[place + len("XOR2") :])
        found += run_bench(design, files, tmp_path, broken)[2] > 0
    # Random words seldom need the lowest places of a sum.
    assert found > MUTANTS / 2


def test_librelane_is_configured_with_files_that_are_there(engine):
    design, files = engine
    config = json.loads(files["librelane.json"].read_text())
    assert config["PDK"] == "sky130A" and config["DESIGN_NAME"] == design.name
    assert config["CLOCK_PORT"] == "clk" and config["CLOCK_PERIOD"] == 20
    for name in (*config["VERILOG_FILES"], config["PNR_SDC_FILE"], config["SIGNOFF_SDC_FILE"]):
        assert (files["netlist.v"].parent / name.removeprefix("dir::")).is_file()
    memories = split_modules(files["memories.v"].read_text())
    netlist = files["netlist.v"].read_text()
    assert set(config["MACROS"]) == set(memories) and len(memories) == 2
    assert all(re.search(rf"^  {name} ", netlist, re.MULTILINE) for name in memories)


@pytest.mark.parametrize(
    ("library", "platform"),
    [
        ("NangateOpenCellLibrary", "nangate45"),
        ("sg13g2_stdcell_typ_1p20V_25C", "ihp-sg13g2"),
        ("sky130_fd_sc_hd__tt_025C_1v80", "sky130hd"),
    ],
)
def test_make_reads_the_configuration_of_openroad_flow_scripts(library, platform, tmp_path):
    block = Block("top", "clk", 2000.0, "top.netlist.v", "top.sdc", ("one", "two"), "top.memories.v")
    (tmp_path / "config.mk").write_text(configuration("openroad", block, check_flow("openroad", library)))
    (tmp_path / "Makefile").write_text(
        "DESIGN_CONFIG := here/config.mk\ninclude config.mk\nall:\n\t@env | sort\n", encoding="utf-8"
    )
    said = subprocess.run(["make", "-C", tmp_path, "-s"], capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    assert found["PLATFORM"] == platform and found["DESIGN_NAME"] == "top"
    assert found["VERILOG_FILES"] == found["SYNTH_NETLIST_FILES"] == "here/top.netlist.v"
    assert found["SDC_FILE"] == "here/top.sdc"
    assert found["ADDITIONAL_LEFS"] == "here/one.lef here/two.lef"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hand-off", "openroad"), "--hand-off: writes a file; it goes with -o"),
        (("-o", "out", "--hand-off", "openroad"), "--hand-off: goes with --clock"),
        (("-o", "out", "--clock", "9ns", "--hand-off", "openroad"), "tileloom_generic is of none of the"),
        (("--input-delay", "1FO4"), "--input-delay: goes with --clock"),
        (("--clock", "9ns", "--input-delay", "1"), "'1' is not a delay: give for example 120ps"),
        (("--clock", "9ns", "--load", "25"), "'25' is not a load"),
        (("--clock", "9ns", "--driving-cell", "FA_X1"), "--driving-cell FA_X1: must be a gate"),
        (("--clock", "0.1ns"), "must be above setup uncertainty and input or output delay together"),
        (("--clock", "9ns", "--output-delay", "9ns"), "must be above setup uncertainty"),
    ],
)
def test_mistakes_are_told_before_the_work(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = synth("xfu-unit", *arguments)
    assert done.exit_code == 2 and message in done.stderr.splitlines()[-1], done.output
    assert not list(tmp_path.iterdir())


def test_librelane_has_no_nangate45():
    with pytest.raises(UserError, match="LibreLane has no PDK nangate45; --hand-off openroad has"):
        check_flow("librelane", "NangateOpenCellLibrary")


def test_a_host_core_leaves_a_report_alone_and_configures_no_flow():
    assert file_names("core", netlist=False) == ["core.synth.json"]
    done = synth("xfu-cv32e40p", "-o", "out", "--hand-off", "openroad")
    assert done.exit_code == 2 and "leaves no netlist" in done.stderr


def test_constraints_are_the_users(tmp_path):
    """In the SDC, in the library's units, and in what is left of the period."""
    options = ("--input-delay=0.5ns", "--output-delay=2FO4", "--load=0.03pF", "--driving-cell=INV_X2")
    done = synth("xfu-unit", "-o", str(tmp_path), "--clock=9ns", "--setup-uncertainty=0ps", *options)
    assert done.exit_code == 0, done.output
    timing = json.loads((tmp_path / "xfu_unit.synth.json").read_text())["timing"]
    held = timing["constraints"]
    assert (held["input_delay_ps"], held["load_ff"], held["setup_uncertainty_ps"]) == (500, 30, 0)
    assert held["output_delay_ps"] == pytest.approx(2 * held["fo4_ps"], abs=0.01)
    sdc = (tmp_path / "xfu_unit.sdc").read_text()
    assert "set_input_delay 500 -clock clk [get_ports {" in sdc
    assert "set_driving_cell -lib_cell INV_X2 [" in sdc and "set_load 30 [" in sdc


def test_defaults_are_in_fan_out_of_four_delays():
    """The generic library's cells follow the method of logical effort: 6 (1 + 4) ps and a tenth of a slew."""
    cells = generic()
    assert cells.fo4.delay == pytest.approx(33, abs=1)
    held = constrain(cells, 9000)
    assert held.input_delay_ps == pytest.approx(5.5 * cells.fo4.delay)
    assert held.within_ps == 9000 - held.setup_uncertainty_ps
