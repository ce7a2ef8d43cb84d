"""Configurations: presets, TOML files, overrides, and what a wrong one says."""

import dataclasses
from pathlib import Path

import pytest

from tileloom.errors import ConfigError
from tileloom.formats import FP32, INT8, FloatFormat, Rounding, SignMagnitude, parse_format
from tileloom.systolic.config import Port, SystolicConfig, from_plain, to_plain
from tileloom.systolic.presets import PRESETS, load


def test_paper_presets() -> None:
    for size in (4, 8, 16, 32):
        for name, weight in (("fp32", FP32), ("int8", INT8)):
            config = PRESETS[f"sasp-{size}x{size}-{name}"]
            assert (config.rows, config.columns, config.weight) == (size, size, weight)
            assert (config.port, config.rounding) == (Port.WORD, Rounding.TRUNCATE)


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS)
def test_plain_round_trip(config: SystolicConfig) -> None:
    assert from_plain(to_plain(config)) == config


def test_overrides() -> None:
    config = load("sasp-8x8-int8", ["rows=5", "rounding=nearest-even", "weight=e4m3"])
    assert (config.rows, config.columns, config.step_interval) == (5, 8, 8)
    assert config.rounding is Rounding.NEAREST_EVEN
    assert config.weight == FloatFormat(4, 3)


def test_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "array.toml"
    path.write_text('rows = 3\ncolumns = 7\nweight = "int8"\ndouble_buffer = true\n', encoding="utf-8")
    assert load(str(path)) == SystolicConfig(rows=3, columns=7, weight=INT8, double_buffer=True)
    assert load(str(path), ["double-buffer=false"]).double_buffer is False


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rows=0", "sasp-4x4-int8: rows: must be from 1 to 64, not 0"),
        ("columns=65", "columns: must be from 1 to 64, not 65"),
        ("rows=four", "rows: must be a whole number, not 'four'"),
        ("weight=int1", "weight: bits must be from 2 to 16, not 1"),
        ("weight=float", "weight: 'float' is not a format: give fp32, tf32, "),
        ("activation=int8", "activation: must be FloatFormat, not SignMagnitude"),
        ("accumulator=e11m52", "accumulator: 64 bits do not fit the 32-bit word port"),
        ("rounding=up", "rounding: must be truncate or nearest-even, not 'up'"),
        ("double_buffer=yes", "double_buffer: must be true or false, not 'yes'"),
        ("step_interval=2", "step_interval: a word port passes a vector in max(rows, columns) = 4 cycles"),
        ("carry_save=true", "carry_save: is for multiply_stages of 2, not 1"),
        ("add_stages=5", "add_stages: must be from 1 to 4, not 5"),
        ("depth=2", "depth: no such field; fields: rows, columns, "),
        ("rows", "--set rows: give field=value"),
    ],
)
def test_wrong_override(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load("sasp-4x4-int8", [override])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows = 3", "array.toml: columns: missing"),
        ("rows = 3\ncolumns = true", "array.toml: columns: must be int, not True"),
        ("rows = 3\ncolumns = 2.5", "array.toml: columns: must be int, not 2.5"),
        ("rows = ", "array.toml: not TOML"),
    ],
)
def test_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "array.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(str(path))
    assert message in str(error.value)


def test_missing_file() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file or directory"):
        load("nowhere.toml")
    with pytest.raises(ConfigError, match="nothing: neither a preset nor"):
        load("nothing")


def test_formats() -> None:
    assert parse_format("BF16") == FloatFormat(8, 7)
    assert parse_format("int4") == SignMagnitude(4)
    assert str(FloatFormat(3, 2)) == "e3m2"
    assert (FP32.bias, FP32.infinity_exponent, FP32.significand_bits) == (127, 255, 24)


def test_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["sasp-4x4-int8"].rows = 5  # type: ignore[misc]
