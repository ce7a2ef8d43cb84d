"""Generated engines: the same bytes, and one module for all that is the same."""

import re

import pytest

import tileloom


@pytest.mark.parametrize("preset", ["engine-int8", "engine-int8-axi4"])
def test_the_same_bytes_and_a_module_for_all_elements(preset: str) -> None:
    config = tileloom.load(preset, m=2, k=4, n=4, bus=64)
    first, second = (tileloom.generate(config) for _ in range(2))
    assert first == second
    modules = re.findall(r"^module (\w+)\(", first.verilog, re.MULTILINE)
    assert sum(name.endswith("dot_element") for name in modules) == 1
    assert sum(name.endswith("requantise") for name in modules) == 1
    assert len(re.findall(r"^  \w+_dot_element ", first.verilog, re.MULTILINE)) == 8
    assert len(re.findall(r"^  \w+_activation_memory ", first.verilog, re.MULTILINE)) == 4
    assert set(modules) == set(first.manifest["modules"])
