"""A package as a whole: a simulated example, a datasheet that says what is so, a test bench that checks."""

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tileloom
from tileloom.cli.main import main
from tileloom.errors import CheckError, UserError
from tileloom.families import design_name, load
from tileloom.package.pins import Channel, Interface, Kind, Pin, Ports, ports_of
from tileloom_sim.build.toolchain import verilator
from tileloom_sim.package.example import Example, Stream, check_transfers, digits
from tileloom_sim.package.package import Contents, package
from tileloom_sim.package.results import read_results
from tileloom_sim.package.timing_diagram import Diagram, numbered, timing_svg, wave_json
from tileloom_sim.package.trace import Trace, read_trace

from .test_files import CONFIGURATIONS, fusesoc

SMALL = {"rows": 3, "columns": 5, "activation": "e4m3", "weight": "int4", "accumulator": "bf16"}

pytestmark = pytest.mark.xdist_group("package")


@cache
def small() -> Contents:
    """Return a package of an array with few gates, which Verilator builds fast."""
    config = load("stream-8x8-int8", **SMALL)
    return package(config, tileloom.generate(config, "tiny"), Path("p"), [])


def text(contents: Contents, ending: str) -> str:
    return str(next(content for path, content in contents.items() if path.name.endswith(ending)))


def test_a_package_says_what_it_is_of() -> None:
    sheet = text(small(), ".md")
    for title in ("Blocks", "Ports", "Timing", "How to use it", "Latency and throughput", "Verification"):
        assert f"\n## {title}\n" in sheet
    # Of this configuration: 5 x 4 bits, 3 x 8 bits, 5 x 16 bits.
    for port, bits in (("weights_data", 20), ("activations_data", 24), ("results_data", 80)):
        assert re.search(rf"\| `{port}` \| (in|out) \| {bits} \|", sheet)
    assert "## Registers" not in sheet
    assert "Nothing was measured for this datasheet" in sheet
    # Each file that it names is there, and each picture.
    named = set(re.findall(r"^\| `(tiny\S*)` \|", sheet, re.M)) | set(re.findall(r"!\[.*?\]\((.*?)\)", sheet))
    there = {str(path.relative_to("p")) for path in small()}
    assert named - {"tiny"} <= there and len(named) >= 12
    page = text(small(), ".html")
    assert page.count("data:image/svg+xml;base64,") == sheet.count("![") == 2
    assert "<table>" in page and "http" not in re.sub(r"data:[^\"]*", "", page)


def test_the_example_is_right_by_hand() -> None:
    """X and W are small whole numbers, exact in these formats; the words are decoded here anew."""
    sheet = text(small(), ".md")
    words = re.findall(r"^\| #\d+ \| `(\w+)` \| vector \d: Y", sheet, re.M)
    got = [[bf16(int(word, 16) >> 16 * column & 0xFFFF) for column in range(5)] for word in words]
    x = [[(3 * m + k) % 7 - 3 for k in range(3)] for m in range(2)]
    w = [[(5 * k + n) * 5 % 7 - 3 for n in range(5)] for k in range(3)]
    assert got == [[sum(x[m][k] * w[k][n] for k in range(3)) for n in range(5)] for m in range(2)]


def bf16(word: int) -> float:
    sign, exponent, fraction = word >> 15, word >> 7 & 255, word & 127
    return (-1) ** sign * (128 + fraction) / 128 * 2.0 ** (exponent - 127) if exponent else 0.0


def test_the_waveform_has_the_latency_of_the_manifest() -> None:
    waves = json.loads(text(small(), "timing_one_tile.json"))["signal"]
    lanes = {lane["name"]: lane for lane in waves if lane}
    cycles = [int(number) for number in lanes["cycle"]["data"]]

    def first(name: str) -> int:
        level, shown = "", -1
        for letter in lanes[name]["wave"]:
            if letter == "|":
                continue
            shown += 1
            level = level if letter == "." else letter
            if level == "1":
                return cycles[shown]
        raise AssertionError(name)

    latency = json.loads(text(small(), "tiny.json"))["timing"]["latency_cycles"]
    assert first("results_valid") - first("activations_ready") == latency


def test_a_package_has_the_same_bytes_every_time(tmp_path: Path) -> None:
    config = load("stream-8x8-int8", **SMALL)
    again = package(config, tileloom.generate(config, "tiny"), Path("p"), [])
    assert again == small()
    for path, content in small().items():
        raw = content if isinstance(content, bytes) else content.encode()
        assert str(tmp_path.anchor + "tmp").encode() not in raw and b"/work" not in raw, path
        assert not re.search(rb"20[2-9]\d-\d\d-\d\d", raw), path


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_the_test_bench_passes_and_notices_a_fault(tmp_path: Path) -> None:
    bench, verilog = text(small(), "_tb.v"), text(small(), "tiny.v")
    assert icarus(tmp_path, bench, verilog) == (0, "PASS: 14 cycles")
    # A weight's lowest bit is inverted, vectors never come, the last one is not told.
    for connection, broken in (
        ("weights__payload(weights_data)", "weights__payload(weights_data ^ 20'h1)"),
        ("activations__valid(activations_valid)", "activations__valid(1'h0)"),
        ("activations__payload({ activations_last,", "activations__payload({ 1'h0,"),
    ):
        assert verilog.count(connection) == 1
        status, said = icarus(tmp_path, bench, verilog.replace(connection, broken))
        assert status != 0 and said.startswith("FAIL: "), connection


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_fusesoc_runs_the_test_bench(tmp_path: Path) -> None:
    for path, content in small().items():
        if path.suffix in (".core", ".v"):
            (tmp_path / path.name).write_text(str(content))
    done = fusesoc(tmp_path, "sim", "tiny", "--tool", "icarus")
    assert done.returncode == 0 and "PASS: 14 cycles" in done.stdout + done.stderr, done.stdout + done.stderr


def icarus(folder: Path, bench: str, verilog: str) -> tuple[int, str]:
    (folder / "design.v").write_text(verilog)
    (folder / "bench.v").write_text(bench)
    command = ["iverilog", "-g2005-sv", "-Wall", "-o", "sim", "design.v", "bench.v"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (built.returncode, built.stderr) == (0, "")
    done = subprocess.run(["vvp", "sim"], cwd=folder, capture_output=True, text=True)
    last = [line for line in done.stdout.splitlines() if line.startswith(("PASS", "FAIL"))]
    return done.returncode, last[0]


CLOCK = Pin("clk", True, 1)
VALID, READY, DATA = Pin("a_valid", True, 1), Pin("a_ready", False, 1), Pin("a_data", True, 32)
CHANNEL = Channel("a", VALID, READY, (DATA,))
PORTS = Ports("clk", "rst", False, (CLOCK, VALID, READY, DATA), ())


def trace(*cycles: tuple[int, int, int]) -> Trace:
    return Trace([dict(zip(("a_valid", "a_ready", "a_data"), cycle, strict=True)) for cycle in cycles])


def test_a_diagram_shows_first_and_last_transfers_and_leaves_out_what_is_between() -> None:
    idle = (0, 1, 7)
    seen = trace(idle, (1, 0, 0x12345678), (1, 1, 0x12345678), *[idle] * 5, (1, 1, 5), idle, idle)
    diagram = Diagram("A", [CHANNEL])
    lanes = [lane for lane in json.loads(wave_json(diagram, seen, PORTS))["signal"] if lane]
    assert lanes == [
        {"name": "cycle", "wave": "===|===", "data": ["1", "2", "3", "7", "8", "9"]},
        {"name": "clk", "wave": "p..|..."},
        {"name": "a_valid", "wave": "1.0|.10"},
        {"name": "a_ready", "wave": "01.|..."},
        {"name": "a_data", "wave": "=.x|.=x", "data": ["#0", "#1"]},
    ]
    assert numbered(diagram, seen) == {DATA: {0: 0x12345678, 1: 5}}
    # Short values stand there themselves.
    seen = trace((1, 1, 0xABCDE), (1, 1, 3), (0, 1, 0))
    lanes = [lane for lane in json.loads(wave_json(diagram, seen, PORTS))["signal"] if lane]
    assert lanes[-1] == {"name": "a_data", "wave": "==x", "data": ["abcde", "3"]}
    assert not numbered(diagram, seen)


def test_pictures_are_the_same_every_time() -> None:
    waves = wave_json(Diagram("A", [CHANNEL]), trace((1, 1, 1), (0, 0, 0)), PORTS)
    assert timing_svg(waves) == timing_svg(waves)
    assert ">a_valid<" in timing_svg(waves).replace("tspan", "text") or "a_valid" in timing_svg(waves)


def test_a_trace_has_the_levels_before_each_edge_from_the_last_reset_on(tmp_path: Path) -> None:
    pins = (CLOCK, Pin("rst", True, 1), VALID, READY, DATA)
    (tmp_path / "a.vcd").write_text(
        "$timescale 1ps $end\n$scope module $rootio $end\n$var wire 1 c clk $end\n$var wire 1 r rst $end\n"
        "$var wire 1 v a_valid $end\n$var wire 1 y a_ready $end\n$var wire 32 d a_data [31:0] $end\n"
        "$scope module top $end\n$var wire 1 z a_valid $end\n$upscope $end\n$upscope $end\n$enddefinitions "
        "$end\n"
        "#0\n0c\n0r\n1v\n0y\nb0 d\n1z\n#5\n1c\n#10\n0c\n1r\n#15\n1c\n#20\n0c\n0r\n0z\nb11 "
        "d\n#25\n1c\n1y\nb100 d\n"
        "#30\n0c\n0v\n#35\n1c\n0y\n"
    )
    found = read_trace(tmp_path / "a.vcd", Ports("clk", "rst", False, pins, ()))
    levels = [tuple(cycle[name] for name in ("a_valid", "a_ready", "a_data")) for cycle in found.cycles]
    assert levels == [(1, 0, 3), (0, 1, 4)]


def test_transfers_that_are_not_the_golden_models_are_told() -> None:
    seen = trace((1, 1, 1), (0, 1, 2), (1, 1, 3))
    ports = ports_of_channel()
    check_transfers(ports, Example("", seen, [], [Stream("a", "a_data", 32, [1, 3], ["", ""])]))
    with pytest.raises(CheckError, match="a: transfer 1 is not the golden model's; 2 transfers, 2 expected"):
        check_transfers(ports, Example("", seen, [], [Stream("a", "a_data", 32, [1, 4], ["", ""])]))
    with pytest.raises(CheckError, match="a: transfer 2 is not the golden model's; 2 transfers, 3 expected"):
        check_transfers(ports, Example("", seen, [], [Stream("a", "a_data", 32, [1, 3, 3], ["", "", ""])]))


def ports_of_channel() -> Ports:
    return Ports("clk", "rst", False, PORTS.pins, (Interface("a", Kind.STREAM, True, (CHANNEL,)),))


def test_long_words_keep_both_ends() -> None:
    assert digits(0xA, 9) == "00a"
    assert digits(1 << 255, 256) == "8" + "0" * 23 + "..." + "0" * 24


SYNTHESIS = {"name": "d", "library": "cells", "unit": "um2", "area": 10.0, "gate_equivalents": 8, "flops": 2}
SYNTHESIS |= {"origins": {"adder": {"area": 10.0, "cells": 3, "flops": 2}}, "timing": None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON; give what --json of a command printed"),
        ("[]", "is not what --json of one of these prints: tileloom synth, tileloom power, tileloom verify"),
        (json.dumps({**SYNTHESIS, "name": "other"}), "is of other, not of d"),
    ],
)
def test_results_of_nothing_or_of_another_design_are_refused(content: str, message: str, tmp_path) -> None:
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(UserError, match=re.escape(message)):
        read_results([path], "d")


def test_results_are_taken_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(json.dumps(SYNTHESIS))
    assert read_results([tmp_path / "a"], "d")["synth"]["area"] == 10
    with pytest.raises(UserError, match="b: a second result of tileloom synth; give one of each"):
        read_results([tmp_path / "a", tmp_path / "b"], "d")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_command_overwrites_nothing_unasked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    fields = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    command = ("package", "stream-8x8-int8", *fields, "--name", "tiny", "-q")
    assert run(*command).exit_code == 0
    assert {
        Path("p") / path.relative_to("tiny") for path in Path("tiny").rglob("*") if path.is_file()
    } == set(small())
    assert (tmp_path / "tiny" / "DATASHEET.md").read_text() == text(small(), ".md")
    assert run(*command).exit_code == 0  # the same bytes
    mine = tmp_path / "tiny" / "tiny.rtl.sdc"
    mine.write_text("# mine\n")
    result = run(*command)
    assert result.exit_code == 2 and mine.read_text() == "# mine\n"
    assert "tiny.rtl.sdc: there already, with other content; --force overwrites it" in result.stderr
    # Figures that lie in the folder get in, under the name that the commands have for the configuration.
    own = design_name(load("stream-8x8-int8", **SMALL))
    (tmp_path / "tiny" / f"{own}.synth.json").write_text(json.dumps({**SYNTHESIS, "name": own}))
    assert run(*command, "--force").exit_code == 0
    assert "Cells of `cells`, without wires (8 GE)" in (tmp_path / "tiny" / "DATASHEET.md").read_text()


@pytest.mark.long
@pytest.mark.parametrize("name", [*CONFIGURATIONS, "wide", "zero point", "host adds"])
def test_every_family_in_any_size_and_every_target_of_fusesoc(name: str, tmp_path: Path) -> None:
    more = {
        "wide": ("engine-fp32-int8", {"k": 3, "n": 2, "bus": 64}),
        "zero point": (
            "engine-int8-axi4",
            {"m": 4, "k": 8, "n": 2, "result_zero_point": True, "wrapper": "axi4"},
        ),
        "host adds": ("stream-8x8-fp16", {"rows": 1, "columns": 7, "step_interval": 3, "add_stages": 2}),
    }
    preset, fields = {**CONFIGURATIONS, **more}[name]
    config = load(preset, **fields)
    design = tileloom.generate(config)
    for path, content in package(config, design, tmp_path, []).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert ports_of(design).pins
    done = fusesoc(tmp_path, "sim", design.name)
    assert done.returncode == 0 and "PASS: " in done.stdout + done.stderr, done.stdout + done.stderr
    if shutil.which("iverilog"):
        done = fusesoc(tmp_path, "sim", design.name, "--tool", "icarus")
        assert done.returncode == 0 and "PASS: " in done.stdout + done.stderr, done.stdout + done.stderr
    assert fusesoc(tmp_path, "lint", design.name).returncode == 0
    if name in ("unit", "word"):
        assert fusesoc(tmp_path, "synth", design.name).returncode == 0
        netlist = next(tmp_path.rglob("synth/*.json"))
        assert design.name in json.loads(netlist.read_text())["modules"]
    assert verilator().version
