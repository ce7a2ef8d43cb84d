"""Plain values of a TOML file, taken one by one; what is wrong is told with the path of the field.

Each function takes the value out of its table, so that what nobody asked for is left, and can be refused.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from tileloom.config import did_you_mean, shorten
from tileloom.errors import UserError

Table = dict[str, Any]
Record = TypeVar("Record")

_EXPECTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_FROM_ONE = ("word", "size", "buffers", "block", "ports", "fanout")
"""Fields of hardware that cannot be 0."""


def take_table(values: Table, key: str, where: str = "", *, optional: bool = False) -> Table:
    """Return a table; an optional one that is not there is empty."""
    found = values.pop(key, {} if optional else None)
    if not isinstance(found, dict):
        raise UserError(f"{_path(where, key)}: {'missing' if found is None else 'must be a table'}")
    return dict(found)


def take_list(values: Table, key: str, where: str = "", *, optional: bool = False) -> list[Table]:
    """Return a list of tables, which must not be empty unless it is optional."""
    found = values.pop(key, [] if optional else None)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        path = _path(where, key)
        raise UserError(f"{path}: {'missing' if found is None else f'must be tables: [[{path}]]'}")
    if not found and not optional:
        raise UserError(f"{_path(where, key)}: is empty")
    return [dict(entry) for entry in found]


def take_text(values: Table, key: str, where: str, *, default: str | None = None) -> str:
    """Return a text."""
    found = values.pop(key, default)
    if not isinstance(found, str):
        raise UserError(f"{_path(where, key)}: {'missing' if found is None else 'must be a text'}")
    return found


def take_choice(values: Table, key: str, where: str, known: Sequence[str]) -> str:
    """Return one of the texts that are known."""
    found = take_text(values, key, where)
    if found not in known:
        raise UserError(f"{_path(where, key)}: must be {' or '.join(known)}, not {found!r}")
    return found


def take_names(values: Table, key: str, where: str) -> tuple[str, ...] | None:
    """Return a list of names, or None where there is none."""
    found = values.pop(key, None)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise UserError(f"{_path(where, key)}: must be a list of names")
    return tuple(found)


def nothing_left(values: Table, where: str) -> None:
    """Raise UserError for a key that nobody took."""
    for key in values:
        raise UserError(f"{_path(where, key)}: no such field")


def known_name(name: str, known: Sequence[str], where: str, kind: str) -> str:
    """Return a name that is known. Raises UserError with the nearest one."""
    if name not in known:
        raise UserError(f"{where}: no {kind} {shorten(name)}{did_you_mean(name, known, f'{kind}s')}")
    return name


def record(kind: type[Record], values: Table, where: str, **given: object) -> Record:
    """Return a dataclass of a table's values, each of its field's type, no number below 0 (sizes: 1)."""
    hints = typing.get_type_hints(kind)
    taken: Table = {}
    for key, value in values.items():
        path = _path(where, key)
        if key not in hints or key in given:
            raise UserError(f"{path}: no such field{did_you_mean(key, hints, 'fields')}")
        union = typing.get_origin(hints[key]) is types.UnionType
        kinds = typing.get_args(hints[key]) if union else (hints[key],)
        if type(value) is int and float in kinds:
            value = float(value)
        if type(value) not in kinds:
            raise UserError(f"{path}: must be {_EXPECTED[kinds[0]]}, not {shorten(str(value))}")
        least = 1 if key in _FROM_ONE else 0
        if type(value) in (int, float) and not least <= value < float("inf"):
            raise UserError(f"{path}: must be {least} or more, not {value}")
        if key.endswith("bandwidth") and value == 0:
            raise UserError(f"{path}: must be above 0; leave it out where there is no limit")
        taken[key] = value
    for each in dataclasses.fields(kind):  # type: ignore[arg-type]
        needed = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        if needed and each.name not in taken:
            raise UserError(f"{_path(where, each.name)}: missing")
    return kind(**taken, **given)


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
