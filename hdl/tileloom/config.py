"""Configurations of all families, to and from plain values, and the checks that they share.

A configuration is frozen data that validates itself as it is made; generators read it and check nothing
again. Plain values are what a TOML file, an override or a manifest holds. A field that does not apply to a
configuration is None in it: it is refused where it is given, and it is in no manifest. No Amaranth here.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import functools
import hashlib
import json
import operator
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from .errors import ConfigError
from .formats import FloatFormat, SignMagnitude, parse_format


class Config(Protocol):
    """What all configurations have: dataclass fields, and a name made of some of them."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    IN_LABEL: ClassVar[frozenset[str]]

    @property
    def label(self) -> str:
        """What the design is, as an identifier: kind, size, formats."""


ConfigType = TypeVar("ConfigType", bound=Config)


class Wrapper(enum.Enum):
    """What stands around a block: registers behind AXI4-Lite, and an interrupt (``docs/registers.md``)."""

    AXI4 = "axi4"


SETTLED: Any = None
"""Default of a field that is settled as the configuration is made: where it applies it gets its value."""

FLOATS = "fp32, tf32, bf16, fp16, fp8_e4m3, fp8_e5m2 or e<bits>m<bits>"


@functools.cache
def kinds_of(config: type[Config]) -> Mapping[str, tuple[Any, ...]]:
    """Return the types that each field may have; the one that stands for "does not apply" left out."""
    hints = typing.get_type_hints(config)
    return {
        field.name: tuple(kind for kind in _members(hints[field.name]) if kind is not type(None))
        for field in dataclasses.fields(config)
    }


def _members(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def check_types(config: Config) -> None:
    """Raise ConfigError where the value of a field is of a type that it cannot have."""
    for name, kinds in kinds_of(type(config)).items():
        value = getattr(config, name)
        if value is None and config.__dataclass_fields__[name].default is None:
            continue
        listed = any(typing.get_origin(kind) is tuple for kind in kinds)
        if not (_whole(value) if listed else type(value) in kinds):
            raise ConfigError(f"{name}: must be {_expected(kinds)}, not {_shown(value)}")


def _whole(value: object) -> bool:
    return isinstance(value, tuple) and all(type(item) is int for item in value)


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Raise ConfigError where the value of a field is not from ``low`` to ``high``."""
    if not low <= value <= high:
        raise ConfigError(f"{name}: must be from {low} to {high}, not {value}")


def check_power(name: str, value: int, high: int) -> None:
    """Raise ConfigError where the value of a field is no power of two from 1 to ``high``."""
    if not 1 <= value <= high or value & (value - 1):
        raise ConfigError(f"{name}: must be a power of two from 1 to {high}, not {value}")


def settle(config: Config, defaults: Mapping[str, object], *, applies: bool, where: str) -> None:
    """Give fields that apply and were not given their default; refuse those given that do not apply.

    ``where`` says in which configurations they do, as a sentence that begins with "is for".
    """
    for name, default in defaults.items():
        given = getattr(config, name) is not None
        if given and not applies:
            raise ConfigError(f"{name}: {where}; leave it out")
        if applies and not given:
            object.__setattr__(config, name, default)


def to_plain(config: Config) -> dict[str, Any]:
    """Return a configuration as the plain values that a TOML file holds, without fields that do not apply."""
    values = ((field.name, getattr(config, field.name)) for field in dataclasses.fields(config))
    return {name: plain(value) for name, value in values if value is not None}


def plain(value: object) -> Any:
    """Return the value of a field as TOML has it: a number, true or false, text, or a list of numbers."""
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, int) else str(value)


def from_plain(
    config: type[ConfigType], values: Mapping[str, object], where: str = "configuration"
) -> ConfigType:
    """Return the configuration that plain values describe, as ``to_plain`` writes them.

    Texts stand for any value, as overrides have them. Raises ConfigError that starts with ``where`` and names
    the field.
    """
    kinds = kinds_of(config)
    for name in values:
        if name not in kinds:
            raise ConfigError(f"{where}: {name}: no such field{did_you_mean(name, kinds, 'fields')}")
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING and field.name not in values:
            raise ConfigError(f"{where}: {field.name}: missing, and there is no default")
    try:
        return config(**{name: _parse(name, kinds[name], value) for name, value in values.items()})
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def check_toml(config: type[Config], values: Mapping[str, object]) -> None:
    """Raise ConfigError for a text where TOML has numbers, lists or true and false of their own.

    Texts stand for any value only where there are no others, in ``--set``.
    """
    for name, value in values.items():
        kinds = kinds_of(config).get(name, (str,))
        listed = typing.get_origin(kinds[0]) is tuple
        items = value if listed and isinstance(value, list) else [value]
        if (kinds[0] in (int, bool) or listed) and any(isinstance(item, str) for item in items):
            raise ConfigError(f"{name}: must be {_expected(kinds)}, not {_shown(value)}")


def _parse(name: str, kinds: tuple[Any, ...], value: object) -> object:
    """Turn a value of TOML, or the text of an override, into one of a field's types."""
    kind = kinds[0]
    if typing.get_origin(kind) is tuple:
        items = value
        if isinstance(value, str):
            items = value.strip().removeprefix("[").removesuffix("]").split(",")
        if not isinstance(items, list | tuple):
            raise ConfigError(f"{name}: must be {_expected(kinds)}, not {_shown(value)}")
        return tuple(_parse(name, (int,), item) for item in items)
    if hasattr(value, "__index__") and not isinstance(value, bool):
        value = operator.index(value)  # a program may have its sizes from NumPy
    if not isinstance(value, str):
        if type(value) not in kinds:
            raise ConfigError(f"{name}: must be {_expected(kinds)}, not {_shown(value)}")
        return value
    try:
        if kind is int:
            return int(value)
        if kind is bool:
            return {"true": True, "false": False}[value.strip().lower()]
        if issubclass(kind, enum.Enum):
            return kind(value)
        found = parse_format(value)
    except (ValueError, KeyError) as error:
        reason = f" ({error})" if kind in (FloatFormat, SignMagnitude) and "bits must" in str(error) else ""
        raise ConfigError(f"{name}: must be {_expected(kinds)}, not {_shown(value)}{reason}") from None
    if type(found) not in kinds:
        raise ConfigError(f"{name}: must be {_expected(kinds)}, not {_shown(value)}")
    return found


def _expected(kinds: tuple[Any, ...]) -> str:
    """Return what a field takes, in values and not in names of types."""
    kind = kinds[0]
    if kind is int:
        return "a whole number"
    if kind is bool:
        return "true or false"
    if typing.get_origin(kind) is tuple:
        return "a list of whole numbers"
    if issubclass(kind, enum.Enum):
        return " or ".join(member.value for member in kind)
    return f"{FLOATS}, or int2 to int16" if SignMagnitude in kinds else FLOATS


def _shown(value: object) -> str:
    """Return a value as TOML has it, cut where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    return shorten(json.dumps(value) if isinstance(value, str) else str(value))


def shorten(text: str) -> str:
    """Return a text as messages quote it: cut where it is long."""
    return text if len(text) <= 40 else f"{text[:36]} ..."


def did_you_mean(name: str, known: Iterable[str], kind: str) -> str:
    """Return what to say after an unknown name: the nearest known one, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(name.replace("-", "_"), known, 1) or difflib.get_close_matches(
        name, known, 1
    )
    return f"; did you mean {near[0]}?" if near else f"; {kind}: {', '.join(known)}"


def identifier(config: Config) -> str:
    """Return an identifier that tells a configuration from all others.

    It is the label, and where a field that the label leaves out is not as by default, a hash of all of them.
    """
    values = to_plain(config)
    shown = {name: value for name, value in values.items() if name in config.IN_LABEL}
    try:
        if to_plain(from_plain(type(config), shown)) == values:
            return config.label
    except ConfigError:
        pass  # the shown fields alone cannot be built: the hash tells
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return f"{config.label}_{digest[:8]}"
