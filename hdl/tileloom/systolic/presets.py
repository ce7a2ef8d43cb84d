"""Where a configuration comes from: a preset's name or a TOML file, and overrides of its fields."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..formats import BF16, FP16, FP32, INT8, Format
from .config import Port, SystolicConfig, from_plain, to_plain


def _sasp(size: int, weight: Format) -> SystolicConfig:
    """Return the paper's instance of this size: word port, truncation (SASP)."""
    return SystolicConfig(rows=size, columns=size, weight=weight, port=Port.WORD)


def _stream(**formats: Any) -> SystolicConfig:
    """Return an 8 x 8 array that takes a vector a cycle and never waits for weights."""
    return SystolicConfig(rows=8, columns=8, double_buffer=True, **formats)


PRESETS: Mapping[str, SystolicConfig] = {
    **{f"sasp-{n}x{n}-{w}": _sasp(n, w) for n in (4, 8, 16, 32) for w in (FP32, INT8)},
    "stream-8x8-fp32": _stream(weight=FP32),
    "stream-8x8-int8": _stream(weight=INT8),
    "stream-8x8-bf16-int8": _stream(activation=BF16, weight=INT8),
    "stream-8x8-fp16": _stream(activation=FP16, weight=FP16),
}


def load(source: str, overrides: Iterable[str] = ()) -> SystolicConfig:
    """Return the configuration of a preset's name or a TOML file, with ``field=value`` overrides applied.

    An override of the size or the port also resets ``step_interval`` to its default unless it is given too.

    Raises ConfigError that names the file and the field, and says what would be right.
    """
    if source in PRESETS:
        where, values = source, to_plain(PRESETS[source])
    elif source.endswith(".toml"):
        where, values = source, read_toml(source)
    else:
        raise ConfigError(f"{source}: neither a preset nor a .toml file; presets: {', '.join(PRESETS)}")
    given = dict(split_override(text) for text in overrides)
    if source in PRESETS and given.keys() & {"rows", "columns", "port"}:
        values.pop("step_interval")
    return from_plain({**values, **given}, where)


def read_toml(path: str) -> dict[str, Any]:
    """Return what a TOML file holds. Raises ConfigError that names the file."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def split_override(text: str) -> tuple[str, object]:
    """Return name and value of ``field=value``. Raises ConfigError where it is not that."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text}: give field=value, for example rows=5")
    return name.strip().replace("-", "_"), value.strip()
