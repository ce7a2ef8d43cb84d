"""Engines' configurations, and what is generated from them."""

import re

import pytest

from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.engine.design import generate
from tileloom.engine.presets import PRESETS, from_plain, load
from tileloom.errors import ConfigError
from tileloom.formats import BF16, FP32
from tileloom.systolic.config import to_plain

FLOAT = {"m": 1, "core": Core.SYSTOLIC, "requantise": False}
AXI4 = {"port": EnginePort.AXI4}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"m": 3}, "m: must be a power of two from 1 to 16, not 3"),
        ({"m": 32}, "m: must be a power of two"),
        ({"m": True}, "m: must be int, not True"),
        ({"k": 0}, "k: must be from 1 to 32, not 0"),
        ({"n": 33}, "n: must be from 1 to 32, not 33"),
        ({"bus": 96}, "bus: must be a multiple of 64"),
        ({"bus": 4096}, "bus: must be a multiple of 64 from 64 to 2048"),
        ({"a_words": 1000}, "a_words: must be a power of two"),
        ({"acc_tiles": 0}, "acc_tiles: must be from 1"),
        ({"weight_beats": 3}, "weight_beats: must be a power of two"),
        ({"drain_rows": 8}, "drain_rows: must be a power of two from 1 to 4, not 8"),
        ({"core": "systolic"}, "core: must be Core, not 'systolic'"),
        ({**FLOAT, "m": 2}, "m: must be 1 with a systolic core"),
        ({**FLOAT, "requantise": True}, "requantise: must be false with a systolic core"),
        ({**FLOAT, "n": 5}, "bus: with a systolic core a multiple of a row of a block, 40 bits, not 128"),
        ({**FLOAT, "weight": "int8"}, "weight: must be FloatFormat or SignMagnitude, not 'int8'"),
        ({**FLOAT, "add_stages": 9}, "add_stages: must be from 1 to 4, not 9"),
        ({**AXI4, "bus": 192}, "bus: an AXI4 master has 64, 128, 256 or 512 bits, not 192"),
        ({**AXI4, "bus": 1024}, "bus: an AXI4 master has"),
        ({**AXI4, "k": 3}, "k: an AXI4 master moves units"),
        ({**AXI4, "n": 32}, "n: an AXI4 master moves units of 8 to 128 bits"),
        ({**AXI4, "drain_rows": 2}, "drain_rows: must be 1 with an AXI4 master"),
        ({**AXI4, "address_bits": 12}, "address_bits: must be from 13 to 64"),
        ({**AXI4, "burst_beats": 24}, "burst_beats: must be a power of two"),
        ({**AXI4, "bus": 512, "burst_beats": 128}, "burst_beats: 128 beats of 512 bits exceed 4 KiB"),
    ],
)
def test_what_cannot_be_built_is_told(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        EngineConfig(**settings)


@pytest.mark.parametrize("preset", PRESETS)
def test_plain_values_and_back(preset: str) -> None:
    assert from_plain(to_plain(PRESETS[preset])) == load(preset) == PRESETS[preset]


def test_toml_and_overrides(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('core = "systolic"\nm = 1\nrequantise = false\nweight = "fp32"\nbus = 256\n')
    config = load(str(path), ["activation=bf16", "k=4"])
    assert (config.core, config.activation, config.weight, config.k) == (Core.SYSTOLIC, BF16, FP32, 4)
    with pytest.raises(
        ConfigError, match=r"mine.toml: activation: must be a floating-point format, not int8"
    ):
        load(str(path), ["activation=int8"])
    with pytest.raises(ConfigError, match="give field=value"):
        load(str(path), ["k"])


def test_derived_numbers() -> None:
    config = EngineConfig(k=5, n=3, bus=64)
    assert (config.block_beats, config.header_beats) == (2, 3)
    assert config.name == "engine_4x5x3_int8"
    assert EngineConfig(**FLOAT).block_beats == 4
    assert EngineConfig(**AXI4).name.endswith("_axi4")


@pytest.mark.parametrize("preset", ["engine-int8", "engine-int8-axi4"])
def test_the_same_bytes_and_a_module_for_all_elements(preset: str) -> None:
    first, second = (generate(load(preset)) for _ in range(2))
    assert first == second
    modules = re.findall(r"^module (\w+)\(", first.verilog, re.MULTILINE)
    assert sum(name.endswith("dot_element") for name in modules) == 1
    assert sum(name.endswith("requantise") for name in modules) == 1
    assert len(re.findall(r"^  \w+_dot_element ", first.verilog, re.MULTILINE)) == 32
    assert len(re.findall(r"^  \w+_activation_memory ", first.verilog, re.MULTILINE)) == 8
    assert set(modules) == set(first.manifest["modules"])
