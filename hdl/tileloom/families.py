"""The registry of hardware families, and where a configuration comes from: a preset or a TOML file.

Every family has the same rooms, found here by its name: in this package ``config``, ``presets`` and
``design``, in the packages above it what they need of it. So nothing that families share knows one of them,
and adding one means adding its name here.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .config import Config, check_toml, did_you_mean, from_plain, identifier, shorten
from .errors import ConfigError, UserError

NAMES = ("systolic", "xfu", "engine", "cluster")
"""Every family: the name of its rooms, and of ``family`` in a TOML file."""


@dataclass(frozen=True)
class Preset:
    """A ready-made configuration: what it is, in a line, and the fields that are not as by default."""

    summary: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """One hardware family.

    Attributes
    ----------
    name, title:
        Of its rooms, and for people.
    config:
        The class of its configurations.
    presets:
        By name.
    """

    name: str
    title: str
    config: type[Config]
    presets: Mapping[str, Preset]

    def room(self, package: str, module: str) -> ModuleType:
        """Return the family's module of that name in a package. Raises UserError where it has none."""
        if not self.has_room(package, module):
            raise UserError(f"{module}: is not for a design of the family {self.name}")
        return importlib.import_module(f"{package}.{self.name}.{module}")

    def has_room(self, package: str, module: str) -> bool:
        """Return whether the family has a module of that name in a package."""
        return importlib.util.find_spec(f"{package}.{self.name}.{module}") is not None

    def load(self, values: Mapping[str, object], where: str) -> Config:
        """Return the configuration of plain values. Raises ConfigError that starts with ``where``."""
        return from_plain(self.config, values, where)


@functools.cache
def families() -> Mapping[str, Family]:
    """Return every family by its name."""
    return {name: importlib.import_module(f"{__package__}.{name}.presets").FAMILY for name in NAMES}


def rooms(package: str, module: str) -> Mapping[str, ModuleType]:
    """Return the modules of that name in a package, by family; of families that have one."""
    return {
        family.name: family.room(package, module)
        for family in families().values()
        if family.has_room(package, module)
    }


def family_of(config: Config) -> Family:
    """Return the family that a configuration is of."""
    return next(family for family in families().values() if type(config) is family.config)


def presets() -> Mapping[str, Family]:
    """Return the family of each preset, by the preset's name."""
    return {name: family for family in families().values() for name in family.presets}


def load(source: str | Path, **fields: object) -> Config:
    """Return the configuration of a preset's name or of a TOML file.

    Parameters
    ----------
    source:
        A preset's name, or the path of a file that ends in ``.toml``. The file holds fields, and the name of
        the family as ``family``.
    fields:
        Fields that take the place of those of the preset or the file, as values or as text.

    Raises
    ------
    ConfigError
        Names the file and the field, and says what would be right.
    """
    if "family" in fields:
        raise ConfigError("family: follows from the preset, or stands in the TOML file; it cannot be set")
    family, values = _read(str(source))
    return family.load({**values, **fields}, str(source))


def named_family(source: str | Path) -> Family:
    """Return the family of a preset's name or of a TOML file. Raises ConfigError as ``load`` does."""
    return _read(str(source))[0]


def _read(source: str) -> tuple[Family, dict[str, Any]]:
    """Return family and fields of a preset or a file."""
    known = presets()
    if source in known:
        return known[source], dict(known[source].presets[source].fields)
    if source.endswith(".toml"):
        values = read_toml(source)
        family = _family_called(values.pop("family", None), source)
        try:
            check_toml(family.config, values)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None
        return family, values
    near = did_you_mean(source, known, "presets")
    raise ConfigError(f"{shorten(source) or 'CONFIG'}: neither a preset nor a .toml file{near}")


def _family_called(name: object, where: str) -> Family:
    if name is None:
        raise ConfigError(f'{where}: family: missing; give family = "{NAMES[0]}" (or {", ".join(NAMES[1:])})')
    if name not in NAMES:
        raise ConfigError(f"{where}: family: must be {' or '.join(NAMES)}, not {name!r}")
    return families()[str(name)]


def design_name(config: Config) -> str:
    """Return the name of a configuration's design: its preset's, or what tells it from all others."""
    family = family_of(config)
    for name in family.presets:
        if preset(name) == config:
            return name.replace("-", "_")
    return identifier(config)


@functools.cache
def preset(name: str) -> Config:
    """Return the configuration of a preset."""
    return load(name)


def read_toml(path: str) -> dict[str, Any]:
    """Return what a TOML file holds. Raises ConfigError that names the file, and the key given twice."""
    try:
        # What is no regular file, such as /dev/zero, may have no end.
        if Path(path).exists() and not Path(path).is_file():
            raise ConfigError(f"{path}: is no regular file; give a TOML file or a preset")
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ConfigError:
        raise
    except ValueError:
        raise ConfigError(f"{path!r}: is no name of a file") from None
    if content.startswith(b"\xef\xbb\xbf"):
        raise ConfigError(f"{path}: begins with a byte order mark (BOM); save it as UTF-8 without one")
    try:
        text = content.decode("utf-8")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: not UTF-8 text: byte {error.start} is {content[error.start]:#04x}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {_explained(str(error), text)}") from None
    except (ValueError, RecursionError):
        # Python's own limits: of the digits of a number, of nested brackets.
        raise ConfigError(f"{path}: a number has too many digits, or brackets are nested too deep") from None


def _explained(message: str, text: str) -> str:
    """Return tomllib's complaint; one about a key given twice names the key and its second line."""
    if "overwrite" not in message:
        return message
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        key = line.partition("=")[0].strip()
        if "=" in line and key in seen:
            return f"{key} is given twice (line {number})"
        seen.add(key)
    return message


def split_override(text: str) -> tuple[str, str]:
    """Return name and value of ``field=value``. Raises ConfigError where it is not that."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set {text}: give field=value, for example rows=5")
    return name.strip().replace("-", "_"), value.strip()
