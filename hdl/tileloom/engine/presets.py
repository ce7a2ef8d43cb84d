"""Where an engine's configuration comes from: a preset's name or a TOML file, and overrides of its fields."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigError
from ..formats import FP32, FloatFormat, parse_format
from ..systolic.config import to_plain
from ..systolic.presets import read_toml, split_override
from .config import Core, EngineConfig, EnginePort

_SYSTOLIC: dict[str, Any] = {
    "m": 1,
    "core": Core.SYSTOLIC,
    "requantise": False,
    "acc_tiles": 64,
    "bus": 256,
}

PRESETS: Mapping[str, EngineConfig] = {
    "engine-int8": EngineConfig(),
    "engine-int8-axi4": EngineConfig(port=EnginePort.AXI4),
    "engine-fp32": EngineConfig(**_SYSTOLIC, weight=FP32),
    "engine-fp32-int8": EngineConfig(**_SYSTOLIC),
}

FIELDS: Mapping[str, type[Any]] = {
    field.name: type(field.default) for field in dataclasses.fields(EngineConfig)
}


def load(source: str, overrides: Iterable[str] = ()) -> EngineConfig:
    """Return the configuration of a preset's name or a TOML file, with ``field=value`` overrides applied.

    Raises ConfigError that names the file and the field, and says what would be right.
    """
    if source in PRESETS:
        values: dict[str, Any] = dict(to_plain(PRESETS[source]))
    elif source.endswith(".toml"):
        values = read_toml(source)
    else:
        raise ConfigError(f"{source}: neither a preset nor a .toml file; presets: {', '.join(PRESETS)}")
    return from_plain({**values, **dict(split_override(text) for text in overrides)}, source)


def from_plain(values: Mapping[str, object], where: str = "configuration") -> EngineConfig:
    """Return the configuration that plain values describe, as ``tileloom.config.to_plain`` writes them.

    Raises ConfigError that starts with ``where`` and names the field.
    """
    try:
        unknown = sorted(values.keys() - FIELDS.keys())
        if unknown:
            raise ConfigError(f"{unknown[0]}: no such field; fields: {', '.join(FIELDS)}")
        parsed: dict[str, Any] = {name: _parse(name, value) for name, value in values.items()}
        return EngineConfig(**parsed)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _parse(name: str, value: object) -> object:
    """Turn a TOML value or the text of an override into the field's type; leave what has it already."""
    kind = FIELDS[name]
    if not isinstance(value, str):
        return value
    if kind is int:
        try:
            return int(value)
        except ValueError:
            raise ConfigError(f"{name}: must be a whole number, not {value!r}") from None
    if kind is bool:
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise ConfigError(f"{name}: must be true or false, not {value!r}")
    if issubclass(kind, enum.Enum):
        choices = [member.value for member in kind]
        if value not in choices:
            raise ConfigError(f"{name}: must be {' or '.join(choices)}, not {value!r}")
        return kind(value)
    try:
        parsed = parse_format(value)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
    if kind is FloatFormat and not isinstance(parsed, FloatFormat):
        raise ConfigError(f"{name}: must be a floating-point format, not {value}")
    return parsed
