"""Generated Verilog of the unit and of the adapter, and its manifest."""

import re

import pytest

from tileloom.xfu.config import GROUP_SIZES, Host, Version, XfuConfig
from tileloom.xfu.design import generate
from tileloom_synth.library import standard_cells
from tileloom_synth.synthesis import synthesise

HOSTS = {
    "unit": {"host": Host.UNIT},
    "cv-x-if": {"host": Host.CV_X_IF},
    "no guard": {"host": Host.CV_X_IF, "guard": False},
    "1.0": {"host": Host.CV_X_IF, "version": Version.V1_0},
    "1.0, two operands": {"host": Host.CV_X_IF, "version": Version.V1_0, "operands": 2},
    "pcpi": {"host": Host.PCPI},
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
@pytest.mark.parametrize("sizes", [GROUP_SIZES, (16,)], ids=["all", "one size"])
def test_manifest_tells_of_every_port(host: dict, sizes: tuple[int, ...]) -> None:
    design = generate(XfuConfig(**host, group_sizes=sizes))
    assert design == generate(XfuConfig(**host, group_sizes=sizes))
    module = design.verilog.split(f"module {design.name}(")[1].split("endmodule")[0]
    declared = re.findall(r"^ +(input|output) (?:\[(\d+):0\] )?(\w+);", module, re.MULTILINE)
    ports = {
        port["name"]: ({"in": "input", "out": "output"}[port["direction"]], port["width"])
        for port in design.manifest["ports"]
    }
    ports |= {"clk": ("input", 1), "rst": ("input", 1)}
    assert {name: (direction, int(high or 0) + 1) for direction, high, name in declared} == ports
    for port in design.manifest["ports"]:
        bits = [bit for low, high in port.get("fields", {}).values() for bit in range(low, high + 1)]
        assert not bits or sorted(bits) == list(range(port["width"])), port
    assert set(design.manifest["modules"]) == set(
        re.findall(r"^module (\w+)\(", design.verilog, re.MULTILINE)
    )
    assert all(name.startswith(design.name) for name in design.manifest["modules"])


def test_other_name() -> None:
    assert generate(XfuConfig(), name="decimator").verilog.count("module decimator(") == 1


def test_a_unit_for_one_size_is_smaller() -> None:
    areas = {}
    for sizes in (GROUP_SIZES, *((size,) for size in GROUP_SIZES)):
        design = generate(XfuConfig(host=Host.UNIT, group_sizes=sizes))
        areas[sizes] = synthesise(design.verilog, design.name, standard_cells.generic()).gate_equivalents
    print(areas)
    assert max(area for sizes, area in areas.items() if len(sizes) == 1) < areas[GROUP_SIZES]
