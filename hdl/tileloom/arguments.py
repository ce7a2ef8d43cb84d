"""Checks of what a program passes to a job; the command line has checked its options before."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping

from .config import did_you_mean
from .errors import UserError

_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raise UserError where ``value`` is neither None nor a whole number from ``low`` to ``high``."""
    if value is not None and not (type(value) is int and low <= value <= high):
        raise UserError(f"{name}: must be a whole number from {low} to {high}, not {value!r}")


def check_flags(values: Mapping[str, object]) -> None:
    """Raise UserError where a value is not True or False."""
    for name, value in values.items():
        if type(value) is not bool:
            raise UserError(f"{name}: must be True or False, not {value!r}")


def check_keywords(job: Callable[..., object], given: Mapping[str, object]) -> None:
    """Raise UserError where ``job`` has no option of a name in ``given``."""
    names = [name for name, option in inspect.signature(job).parameters.items() if option.kind is _KEYWORD]
    for hint in typing.get_type_hints(job).values():
        if typing.get_origin(hint) is typing.Unpack:  # of ``**options``: a TypedDict of more of them
            names += typing.get_args(hint)[0].__annotations__
    for name in given:
        if name not in names:
            raise UserError(f"{name}: no such option{did_you_mean(name, names, 'options')}")


def check_share(name: str, value: object) -> None:
    """Raise UserError where ``value`` is neither None nor a number above 0 and up to 1."""
    number = type(value) in (int, float) and 0 < value <= 1  # type: ignore[operator]
    if value is not None and not number:
        raise UserError(f"{name}: must be a number above 0 and up to 1, not {value!r}")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise UserError where ``value`` is neither None nor one of ``choices``."""
    if value is not None and value not in choices:
        raise UserError(f"{name}: must be {' or '.join(choices)}, not {value!r}")
