"""Liberty files: as much of the syntax as choosing and mapping cells needs.

A liberty file is nested groups, ``kind (arguments) { ... }``, of attributes, ``name : value;``. Most of its
bytes are tables of power and delay, so groups that nobody asks for are passed over without being read.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tileloom.errors import UserError

SKIPPED = frozenset({"timing", "internal_power", "leakage_power", "receiver_capacitance", "dynamic_current"})
"""Groups that are not read: their ``groups`` and ``attributes`` stay empty."""


class LibertyError(UserError):
    """A file that is not liberty, or not to be read; the message names the file and the line."""


@dataclass
class Group:
    """A group: its kind, its arguments, what is in it, and where its text is in the file.

    Attributes
    ----------
    start, end:
        The group's first character and the one after its last.
    """

    kind: str
    arguments: tuple[str, ...]
    start: int
    end: int = 0
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first argument, or nothing."""
        return self.arguments[0] if self.arguments else ""

    def all(self, *kinds: str) -> Iterator[Group]:
        """Yield the groups of these kinds just below, in order."""
        return (group for group in self.groups if group.kind in kinds)


def read(path: Path) -> str:
    """Return the text of a liberty file, gzip-compressed or not, without comments.

    Raises LibertyError that names the file.
    """
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except OSError as error:
        raise LibertyError(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error):
        raise LibertyError(f"{path}: damaged gzip file") from None
    text = content.decode("utf-8", errors="replace")
    # Of comments the line ends stay, so that line numbers in messages are right.
    return re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)


_STATEMENT = re.compile(
    r"""[\s;\\]*(?: (?P<end>\})
                | (?P<name>[\w.\[\]]+) \s* (?: : \s* (?P<value>"[^"]*"|[^;\n}]*)
                                 | \( (?P<arguments>(?:"[^"]*"|[^")])*) \) \s* (?P<open>\{)? ))""",
    re.VERBOSE,
)
_BRACE = re.compile(r"[{}]")


def parse(text: str, path: Path) -> Group:
    """Return the one group of the file, its ``library``. ``path`` is for messages.

    Raises LibertyError that names the file and the line.
    """

    def error(place: int, what: str) -> LibertyError:
        return LibertyError(f"{path}:{text.count(chr(10), 0, place) + 1}: {what}")

    root = Group("file", (), 0)
    parents = [root]
    place = 0
    while match := _STATEMENT.match(text, place):
        place = match.end()
        if match["end"]:
            if len(parents) == 1:
                raise error(match.start("end"), "'}' without its '{'")
            parents.pop().end = place
        elif match["open"]:
            group = Group(match["name"], _arguments(match["arguments"]), match.start("name"))
            parents[-1].groups.append(group)
            if group.kind in SKIPPED:
                place = group.end = _past_group(text, place)
            else:
                parents.append(group)
        else:
            value = match["value"] if match["value"] is not None else match["arguments"]
            parents[-1].attributes[match["name"]] = value.strip().strip('"').strip()
    rest = text[place:].strip(" \t\r\n;\x00")
    libraries = list(root.all("library"))
    if not libraries or rest:
        raise error(place, f"not liberty: {rest.splitlines()[0][:40]!r}" if rest else "no library in it")
    if len(parents) > 1:
        raise error(parents[-1].start, f"{parents[-1].kind} ({parents[-1].name}) has no end: '}}' is missing")
    return libraries[0]


def _arguments(text: str) -> tuple[str, ...]:
    return tuple(argument.strip().strip('"').strip() for argument in text.split(","))


def _past_group(text: str, place: int) -> int:
    """Return the place after the group whose opening brace is just before ``place``."""
    depth = 1
    for brace in _BRACE.finditer(text, place):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end()
    return len(text)
