"""Liberty files as frozen data: groups, ``kind (arguments) { ... }``, of attributes and of further groups.

A parser by recursive descent. What is in a group is parsed when it is first asked for, so that tables of
delay and power, which are most of a file, cost nothing where nobody reads them; that all braces, strings and
comments end is known before (``lexer.read``). Syntax: *Liberty User Guide*, volume 1, and what files of many
makers have besides: attributes without ``;`` at a line's end, ``;`` after ``}``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from .lexer import LibertyError, Source, read, unquoted


class Simple(NamedTuple):
    """A simple attribute, ``name : value;``, its value without quotes."""

    name: str
    value: str


class Complex(NamedTuple):
    """A complex attribute, ``name (argument, ...);``, its arguments without quotes."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A group: its kind, its arguments, and what is in it, parsed when it is first asked for.

    Attributes
    ----------
    kind, arguments:
        As in ``kind (argument, ...) { ... }``, without quotes.
    source, place, body:
        Where it is: the file, and where in its text the group and what is in it begin.
    """

    kind: str
    arguments: tuple[str, ...]
    source: Source = field(repr=False, compare=False)
    place: int = field(repr=False, compare=False)
    body: int = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The first argument, or nothing."""
        return self.arguments[0] if self.arguments else ""

    @property
    def where(self) -> str:
        """``FILE:LINE`` of the group."""
        return self.source.where(self.place)

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """All that is in the group, in order, included files too. Raises LibertyError."""
        return tuple(_statements(self.source, self.body, top=False))

    @cached_property
    def attributes(self) -> dict[str, str]:
        """The simple attributes; of two with one name the first, as Yosys and ABC have it."""
        found: dict[str, str] = {}
        for each in self.statements:
            if isinstance(each, Simple):
                found.setdefault(each.name, each.value)
        return found

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups just below, in order."""
        return tuple(each for each in self.statements if isinstance(each, Group))

    def all(self, *kinds: str) -> Iterator[Group]:
        """Yield the groups of these kinds just below, in order."""
        return (group for group in self.groups if group.kind in kinds)

    def complex(self, name: str) -> tuple[str, ...] | None:
        """Return the arguments of the first complex attribute of this name, or None."""
        found = (each for each in self.statements if isinstance(each, Complex) and each.name == name)
        return next((each.arguments for each in found), None)

    def number(self, name: str, default: float = 0.0) -> float:
        """Return the number that a simple attribute is. Raises LibertyError where it is none."""
        text = self.attributes.get(name)
        return default if text is None else self._number(name, text)

    def numbers(self, name: str) -> list[float]:
        """Return the numbers in a complex attribute, none where there is none. Raises LibertyError."""
        texts = " ".join(self.complex(name) or ()).replace(",", " ").split()
        return [self._number(name, text) for text in texts]

    def _number(self, name: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise LibertyError(f"{self.where}: {self.kind} ({self.name}): {name}: {text} is no number")
        return value


Statement = Simple | Complex | Group


def parse(path: Path) -> Group:
    """Return the ``library`` of a file, gzip-compressed or not.

    Raises LibertyError that names the file and the line.
    """
    source = read(path)
    libraries = [each for each in _statements(source, 0, top=True) if isinstance(each, Group)]
    if not libraries:
        raise source.error(0, "no library (...) { } in it")
    if len(libraries) > 1:
        raise libraries[1].source.error(libraries[1].place, "a second library: a file has one")
    return libraries[0]


def _statements(source: Source, place: int, *, top: bool) -> Iterator[Statement]:
    """Yield what is in a group whose body begins at ``place``, or in the file."""
    while True:
        token = source.token(place)
        place = token.end()
        if token["mark"] == ";":
            continue
        if token["mark"] == "}" and not top:
            return
        if token.lastgroup == "end":
            return
        name, start = token["word"], token.start(token.lastgroup or 0)
        if token["mark"] == "}":
            raise source.error(start, "'}' without its '{'")
        if name is None:
            raise source.error(start, f"{token[token.lastgroup or 0][:40]!r} where a name should be")
        if name != "library" and top and not source.including:
            what = f"{name[:40]} is outside of library (...) {{ }}"
            raise source.error(start, what + (": is a '}' before it too many?" if name == "cell" else ""))
        following = source.token(place)
        place = following.end()
        if following["mark"] == ":":
            value, place = _value(source, name, place)
            yield Simple(name, value)
        elif following["mark"] == "(":
            arguments, place = _arguments(source, name, place)
            opening = source.token(place)
            if opening["mark"] == "{":
                body = opening.end()
                place = source.ends[body]
                yield Group(name, arguments, source, start, body)
            elif name == "include_file":
                yield from _included(source, start, arguments)
            else:
                yield Complex(name, arguments)
        else:
            raise source.error(start, f"not liberty: neither ':' nor '(' follows {name[:40]!r}")


def _value(source: Source, name: str, place: int) -> tuple[str, int]:
    """Return the value of a simple attribute, and the place after it."""
    match = source.value(place)
    end = match.end()
    following = source.token(end)
    ends = following.lastgroup == "end" or following["mark"] in (";", "}")
    if not ends and "\n" not in source.text[end : following.end()]:
        raise source.error(end, f"';' is missing after the value of {name}")
    if match["string"] is not None:
        return unquoted(match["string"]), end
    return " ".join(match["word"].replace("\\\n", " ").replace("\\\r\n", " ").split()), end


def _arguments(source: Source, name: str, place: int) -> tuple[tuple[str, ...], int]:
    """Return the arguments whose opening parenthesis is just before ``place``, and the place after them."""
    arguments: list[str] = []
    while True:
        token = source.token(place)
        if token["string"] is not None:
            arguments.append(unquoted(token["string"]))
        elif token["word"] is not None:
            arguments.append(token["word"])
        elif token["mark"] == ")":
            return tuple(arguments), token.end()
        elif token["mark"] != ",":
            raise source.error(place, f"')' is missing after the arguments of {name[:40]}")
        place = token.end()


def _included(source: Source, place: int, arguments: tuple[str, ...]) -> Iterator[Statement]:
    if len(arguments) != 1:
        raise source.error(place, "include_file takes the name of one file")
    path = source.path.parent / arguments[0]
    chain = (*source.including, source.path)
    if path.resolve() in {each.resolve() for each in chain}:
        raise source.error(place, f"include_file ({arguments[0]}): the file includes itself")
    try:
        included = read(path, chain)
    except LibertyError as error:
        raise source.error(place, f"include_file: {error}") from None
    yield from _statements(included, 0, top=True)
