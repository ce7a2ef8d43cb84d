"""Generated engines: one module for all that is the same."""

import re

import pytest

import tileloom


@pytest.mark.parametrize("preset", ["engine-int8", "engine-int8-axi4"])
def test_a_module_for_all_elements(preset: str) -> None:
    design = tileloom.generate(tileloom.load(preset, m=2, k=4, n=4, bus=64))
    modules = re.findall(r"^module (\w+)\(", design.verilog, re.MULTILINE)
    assert sum(name.endswith("dot_element") for name in modules) == 1
    assert sum(name.endswith("requantise") for name in modules) == 1
    assert len(re.findall(r"^  \w+_dot_element ", design.verilog, re.MULTILINE)) == 8
    assert len(re.findall(r"^  \w+_activation_memory ", design.verilog, re.MULTILINE)) == 4
    assert set(modules) == set(design.manifest["modules"])
