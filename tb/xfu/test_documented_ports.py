"""The pages have every port of what is generated, and an instantiation is accepted as it stands."""

import re
import subprocess
from pathlib import Path

import pytest

from tileloom.cores import CV32E40X
from tileloom.xfu.config import Host, Version, XfuConfig
from tileloom.xfu.design import generate
from tileloom_sim.build import toolchain

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "xdecimate.md").read_text()
PAGES = {Host.UNIT: PAGE, Host.CV_X_IF: PAGE, Host.PCPI: (DOCS / "hosts.md").read_text()}


@pytest.mark.parametrize("host", PAGES, ids=lambda host: host.value)
def test_every_port_is_documented(host: Host) -> None:
    check_ports(XfuConfig(host=host), PAGES[host])


def test_every_port_of_version_1_is_documented() -> None:
    check_ports(XfuConfig(version=Version.V1_0), PAGES[Host.PCPI])


def check_ports(config: XfuConfig, page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (in|out) \| (\d+) \|", page, re.MULTILINE)
    documented = {(name, direction, int(bits)) for name, direction, bits in rows}
    ports = generate(config).manifest["ports"]
    assert {(port["name"], port["direction"], port["width"]) for port in ports} <= documented


def test_the_instantiation_is_complete(tmp_path: Path) -> None:
    """Every port is connected, each in its width."""
    (example,) = re.findall(r"```systemverilog\n(.*?)```", PAGE, re.DOTALL)
    (module,) = re.findall(r"^  (\w+) coprocessor \(", example, re.MULTILINE)
    core = CV32E40X.sources()
    sources = {name: core[name] for name in ("cv32e40x_pkg.sv", "if_xif.sv")}
    sources |= {"coprocessor.v": generate(XfuConfig(), name=module).verilog, "example.sv": example}
    # An interface cannot be a port of the top module.
    sources["top.sv"] = """\
module top(input logic clk_i, input logic rst_ni, output logic load_error_o);
  if_xif #(.X_NUM_RS(3), .X_ID_WIDTH(4)) xif ();
  xdecimate_coprocessor coprocessor (.clk_i, .rst_ni, .load_error_o, .xif);
endmodule
"""
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    verilator = toolchain.verilator()
    command = [str(verilator.executable), "--lint-only", "-Wall", "-Wno-fatal", "--top-module", "top"]
    done = subprocess.run(
        [*command, *sources],
        cwd=tmp_path,
        env=verilator.environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert not [line for line in done.stderr.splitlines() if "PIN" in line or "port connection" in line]
