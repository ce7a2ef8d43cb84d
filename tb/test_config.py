"""Configurations of all families: presets, TOML files, overrides, names, and what a wrong one is told."""

import dataclasses
import os
import re
from pathlib import Path

import pytest

from tileloom.config import from_plain, to_plain
from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.errors import ConfigError
from tileloom.families import design_name, families, load, preset, presets
from tileloom.formats import BF16, FP32, INT8, FloatFormat, Rounding, SignMagnitude, parse_format
from tileloom.systolic.config import Port, SystolicConfig
from tileloom.xfu.config import Host, XfuConfig

FLOAT = {"m": 1, "core": Core.SYSTOLIC}
AXI4 = {"port": EnginePort.AXI4}


def test_paper_presets() -> None:
    for size in (4, 8, 16, 32):
        for name, weight in (("fp32", FP32), ("int8", INT8)):
            config = load(f"sasp-{size}x{size}-{name}")
            assert isinstance(config, SystolicConfig)
            assert (config.rows, config.columns, config.weight) == (size, size, weight)
            assert (config.port, config.rounding) == (Port.WORD, Rounding.TRUNCATE)


@pytest.mark.parametrize("name", presets())
def test_plain_values_and_back(name: str) -> None:
    config = preset(name)
    assert from_plain(type(config), to_plain(config)) == config
    assert design_name(config) == name.replace("-", "_")


@pytest.mark.parametrize("name", presets())
def test_a_preset_as_a_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    values = {"family": presets()[name].name, **to_plain(preset(name))}
    lines = [
        f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
        for key, value in values.items()
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert load(path) == preset(name)


def test_overrides() -> None:
    config = load("sasp-8x8-int8", rows="5", rounding="nearest-even", weight="e4m3")
    assert isinstance(config, SystolicConfig)
    assert (config.rows, config.columns, config.step_interval) == (5, 8, 8)
    assert config.rounding is Rounding.NEAREST_EVEN
    assert config.weight == FloatFormat(4, 3)
    assert load("sasp-8x8-int8", rows=5) == load("sasp-8x8-int8", rows="5")
    assert load("xfu-unit", group_sizes="8,4") == XfuConfig(host=Host.UNIT, group_sizes=(4, 8))
    assert load("xfu-unit", group_sizes=[8]) == load("xfu-unit", group_sizes="8")


def test_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    path.write_text('family = "systolic"\nrows = 3\ncolumns = 7\nweight = "int8"\ndouble_buffer = true\n')
    assert load(path) == SystolicConfig(rows=3, columns=7, weight=INT8, double_buffer=True)
    assert load(path, double_buffer="false") == SystolicConfig(rows=3, columns=7, weight=INT8)
    path.write_text('family = "engine"\ncore = "systolic"\nm = 1\nweight = "fp32"\nbus = 256\n')
    config = load(path, activation="bf16", k="4")
    assert isinstance(config, EngineConfig)
    assert (config.core, config.activation, config.weight, config.k) == (Core.SYSTOLIC, BF16, FP32, 4)


@pytest.mark.parametrize(
    ("source", "fields", "message"),
    [
        ("sasp-4x4-int8", {"rows": 0}, "sasp-4x4-int8: rows: must be from 1 to 64, not 0"),
        ("sasp-4x4-int8", {"columns": "65"}, "columns: must be from 1 to 64, not 65"),
        ("sasp-4x4-int8", {"rows": "four"}, 'rows: must be a whole number, not "four"'),
        ("sasp-4x4-int8", {"rows": 2.5}, "rows: must be a whole number, not 2.5"),
        ("sasp-4x4-int8", {"rows": True}, "rows: must be a whole number, not true"),
        ("sasp-4x4-int8", {"weight": "int1"}, "weight: must be fp32, tf32, "),
        ("sasp-4x4-int8", {"weight": "int1"}, "bits must be from 2 to 16, not 1"),
        ("sasp-4x4-int8", {"weight": "float"}, 'or int2 to int16, not "float"'),
        ("sasp-4x4-int8", {"weight": 8}, "or int2 to int16, not 8"),
        ("sasp-4x4-int8", {"activation": "int8"}, 'or e<bits>m<bits>, not "int8"'),
        ("sasp-4x4-int8", {"accumulator": "e11m52"}, "accumulator: 64 bits do not fit the 32-bit word port"),
        ("sasp-4x4-int8", {"rounding": "up"}, 'rounding: must be truncate or nearest-even, not "up"'),
        ("sasp-4x4-int8", {"double_buffer": "yes"}, 'double_buffer: must be true or false, not "yes"'),
        ("sasp-4x4-int8", {"step_interval": 2}, "step_interval: a word port passes a vector in max(rows, "),
        ("sasp-4x4-int8", {"carry_save": "true"}, "carry_save: is for multiply_stages of 2; leave it out"),
        ("sasp-4x4-int8", {"carry_save": "false"}, "carry_save: is for multiply_stages of 2; leave it out"),
        ("sasp-4x4-int8", {"add_stages": 6}, "add_stages: must be from 1 to 5, not 6"),
        ("sasp-4x4-int8", {"colums": 2}, "colums: no such field; did you mean columns?"),
        ("sasp-4x4-int8", {"quux": 2}, "quux: no such field; fields: rows, columns, "),
        (
            "stream-8x8-fp32",
            {"activation": "e8m40", "weight": "e8m40"},
            "product of e8m40 and e8m40 has 82 bits",
        ),
        ("engine-int8", {"weight": "int4"}, "weight: is for a systolic core; the dot product is INT8"),
        ("engine-int8", {"activation": "fp32"}, "activation: is for a systolic core"),
        ("engine-int8", {"accumulator": "fp32"}, "accumulator: is for a systolic core"),
        ("engine-int8", {"rounding": "truncate"}, "rounding: is for a systolic core"),
        ("engine-int8", {"multiply_stages": 1}, "multiply_stages: is for a systolic core"),
        ("engine-int8", {"add_stages": 1}, "add_stages: is for a systolic core"),
        ("engine-int8", {"burst_beats": 16}, "burst_beats: is for an AXI4 master; leave it out"),
        ("engine-int8", {"address_bits": 32}, "address_bits: is for an AXI4 master"),
        ("engine-fp32", {"product_register": "true"}, "product_register: is for the dot-product core"),
        ("engine-fp32", {"requantise": "false"}, "requantise: is for the dot-product core"),
        (
            "engine-int8",
            {"requantise": "false", "requantise_rounding": "half-even"},
            "requantise_rounding: is for a dot-product core with requantise",
        ),
        ("engine-fp32", {"activation_mask": "false"}, "activation_mask: is for the dot-product core"),
        ("engine-int8-axi4", {"axi4_stream_names": "true"}, "axi4_stream_names: is for streams"),
        ("sasp-8x8-int8", {"wrapper": "axi4"}, "wrapper: is for a stream port; leave it out, or set port to"),
        (
            "stream-8x8-int8",
            {"wrapper": "axi4", "axi4_stream_names": "false"},
            "axi4_stream_names: is for an array without a wrapper",
        ),
        ("engine-int8", {"core": "vector"}, 'core: must be dot-product or systolic, not "vector"'),
        ("xfu-cv32e40p", {"id_width": 5}, "id_width: is for CV-X-IF and the unit; CV32E40P and PCPI"),
        ("xfu-cv32e40p", {"precise_errors": "false"}, "precise_errors: is for CV-X-IF"),
        ("xfu-unit", {"precise_errors": "false"}, "precise_errors: is for CV-X-IF"),
        ("xfu-unit", {"group_sizes": "4,5"}, "group_sizes: must be some of 4, 8 and 16, not 5"),
        ("xfu-unit", {"group_sizes": []}, "group_sizes: must be some of 4, 8 and 16, not none"),
        ("xfu-unit", {"group_sizes": "8,8"}, "group_sizes: names one twice: 8, 8"),
        ("xfu-unit", {"group_sizes": 8}, "group_sizes: must be a list of whole numbers, not 8"),
        ("xfu-unit", {"id_width": 1}, "id_width: must be from 2 to 8, not 1"),
        ("engine-int8", {"family": "xfu"}, "family: follows from the preset"),
        ("stream-8x8-in8", {}, "neither a preset nor a .toml file; did you mean stream-8x8-int8?"),
        ("", {}, "CONFIG: neither a preset nor a .toml file"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(source: str, fields: dict, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(source, **fields)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"rows = 3\ncolumns = 3", 'mine.toml: family: missing; give family = "systolic"'),
        (
            b'family = "array"\nrows = 3',
            "mine.toml: family: must be systolic or xfu or engine or cluster, not 'array'",
        ),
        (b'family = "systolic"\nrows = 3', "mine.toml: columns: missing"),
        (b'family = "systolic"\nrows = 3\ncolumns = true', "columns: must be a whole number, not true"),
        (b"rows = ", "mine.toml: not TOML"),
        (b'family = "systolic"\nrows = "1"', 'rows: must be a whole number, not "1"'),
        (b'family = "engine"\nrequantise = "true"', 'requantise: must be true or false, not "true"'),
        (b'family = "xfu"\ngroup_sizes = [4, "8"]', "group_sizes: must be a list of whole numbers, not"),
        (b'family = "xfu"\ngroup_sizes = "4,8"', 'group_sizes: must be a list of whole numbers, not "4,8"'),
        (b'family = "xfu"\ngroup_sizes = {4 = 1}', "group_sizes: must be a list of whole numbers, not"),
        (b'family = "systolic"\nrows = ' + b"9" * 5000, "mine.toml: a number has too many digits"),
        (b"family = " + b"[" * 3000, "mine.toml: a number has too many digits, or brackets are nested too"),
        (b'family = "systolic"\nrows = 3\nrows = 4', "mine.toml: not TOML: rows is given twice (line 3)"),
        (b'\xef\xbb\xbffamily = "systolic"', "mine.toml: begins with a byte order mark (BOM)"),
        (b'family = "syst\xffolic"', "mine.toml: not UTF-8 text: byte 14 is 0xff"),
        (b'family = "systolic"\ncolumns = 2\n[rows]\na = 3', "mine.toml: rows: must be a whole number, not"),
    ],
)
def test_wrong_file(tmp_path: Path, monkeypatch, content: bytes, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load("mine.toml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_what_may_have_no_end_is_not_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "endless.toml"
    if kind == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    with pytest.raises(ConfigError, match=r"endless\.toml: is no regular file"):
        load(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no name of a file"):
        load("a\0.toml")
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file or directory"):
        load("nowhere.toml")
    with pytest.raises(ConfigError, match="is no regular file"):
        (tmp_path / "folder.toml").mkdir()
        load(tmp_path / "folder.toml")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"m": 3}, "m: must be a power of two from 1 to 16, not 3"),
        ({"m": 32}, "m: must be a power of two"),
        ({"m": True}, "m: must be a whole number, not true"),
        ({"k": 0}, "k: must be from 1 to 32, not 0"),
        ({"n": 33}, "n: must be from 1 to 32, not 33"),
        ({"bus": 96}, "bus: must be a multiple of 64"),
        ({"bus": 4096}, "bus: must be a multiple of 64 from 64 to 2048"),
        ({"a_words": 1000}, "a_words: must be a power of two"),
        ({"acc_tiles": 0}, "acc_tiles: must be from 1"),
        ({"acc_tiles": 65, "activation_mask": True}, "acc_tiles: at most 64 with activation_mask, not 65"),
        ({"weight_beats": 3}, "weight_beats: must be a power of two"),
        ({"drain_rows": 8}, "drain_rows: must be a power of two from 1 to 4, not 8"),
        ({"core": "systolic"}, "core: must be dot-product or systolic"),
        ({**FLOAT, "m": 2}, "m: must be 1 with a systolic core"),
        ({**FLOAT, "requantise": False}, "requantise: is for the dot-product core"),
        ({**FLOAT, "n": 5}, "bus: with a systolic core a multiple of a row of a block, 40 bits, not 128"),
        ({**FLOAT, "weight": "int8"}, "weight: must be fp32, tf32, "),
        ({**FLOAT, "add_stages": 9}, "add_stages: must be from 1 to 5, not 9"),
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
def test_engines_that_cannot_be_built_are_told(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        EngineConfig(**settings)


def test_a_field_that_does_not_apply_is_in_no_manifest() -> None:
    assert "weight" not in to_plain(load("engine-int8"))
    assert "burst_beats" not in to_plain(load("engine-int8"))
    assert "carry_save" not in to_plain(load("stream-8x8-int8"))
    assert to_plain(load("stream-8x8-int8", multiply_stages=2))["carry_save"] is False
    assert "id_width" not in to_plain(load("xfu-cv32e40p"))


OTHER_VALUES = {
    "systolic": {
        "rows": 7,
        "columns": 5,
        "activation": "bf16",
        "weight": "int4",
        "accumulator": "tf32",
        "rounding": "nearest-even",
        "port": "word",
        "step_interval": 3,
        "double_buffer": False,
        "multiply_stages": 2,
        "add_stages": 2,
        "broadcast": 2,
        "gate_zeros": True,
        "axi4_stream_names": True,
    },
    "engine": {
        "m": 2,
        "k": 4,
        "n": 4,
        "bus": 64,
        "a_words": 512,
        "acc_tiles": 8,
        "weight_beats": 8,
        "drain_rows": 2,
        "requantise": False,
        "requantise_rounding": "half-even",
        "result_zero_point": True,
        "product_register": True,
        "activation_mask": True,
        "port": "axi4",
        "axi4_stream_names": True,
        "grid_rows": 2,
        "grid_columns": 3,
    },
    "xfu": {
        "host": "unit",
        "group_sizes": [4],
        "id_width": 5,
        "version": "1.0",
        "guard": False,
        "operands": 2,
        "hartid_width": 3,
        "precise_errors": False,
    },
    "cluster": {"cores": 2, "banks": 4, "l1_bytes": 4096, "dma_lanes": 1, "l2_latency": 5},
}


@pytest.mark.parametrize(
    ("base", "family"),
    [
        ("stream-8x8-int8", "systolic"),
        ("engine-int8", "engine"),
        ("xfu-cv-x-if", "xfu"),
        ("cluster-8", "cluster"),
    ],
)
def test_what_changes_the_hardware_shows_in_the_name(base: str, family: str) -> None:
    """Every field that applies is changed once, and so are pairs of them: all names differ."""
    others = OTHER_VALUES[family]
    assert set(others) >= set(to_plain(preset(base))) - {"core"}
    chosen = [{}, *({name: value} for name, value in others.items())]
    chosen += [{a: others[a], b: others[b]} for a in others for b in others if a < b]
    names: dict[str, dict] = {}
    built = 0
    for fields in chosen:
        try:
            config = load(base, **fields)
        except ConfigError:
            continue
        built += 1
        name = design_name(config)
        assert name.isidentifier()
        other = names.setdefault(name, to_plain(config))
        assert other == to_plain(config), name
    assert built > len(others)


def test_formats() -> None:
    assert parse_format("BF16") == FloatFormat(8, 7)
    assert parse_format("int4") == SignMagnitude(4)
    assert str(FloatFormat(3, 2)) == "e3m2"
    assert (FP32.bias, FP32.infinity_exponent, FP32.significand_bits) == (127, 255, 24)


def test_derived_numbers_of_an_engine() -> None:
    config = EngineConfig(k=5, n=3, bus=64)
    assert (config.block_beats, config.header_beats) == (2, 3)
    assert config.label == "engine_4x5x3_int8"
    assert EngineConfig(**FLOAT).block_beats == 4
    assert EngineConfig(**AXI4).label.endswith("_axi4")


@pytest.mark.parametrize("family", families())
def test_frozen(family: str) -> None:
    config = preset(next(iter(families()[family].presets)))
    for field in dataclasses.fields(config):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, field.name, 5)
