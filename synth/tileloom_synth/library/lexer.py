"""The lexer of liberty: a file's text, where each group in it ends, and its tokens.

What a comment, a string or a blank is, is said here alone. Besides the *Liberty User Guide*'s syntax there is
what files of many makers have: ``//`` comments, strings over several lines, names with brackets.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tileloom.errors import UserError

DEEPEST = 32
"""Groups nested deeper than this are no liberty (a real file has six)."""


class LibertyError(UserError):
    """A file that is not liberty, or not to be read: ``FILE:LINE: what is wrong and what would be right``."""


@dataclass(frozen=True)
class Source:
    """A file's text, and the files that include it."""

    path: Path
    text: str = field(repr=False)
    including: tuple[Path, ...] = ()

    def token(self, place: int) -> re.Match[str]:
        """Return the token at ``place``, after blanks and comments: a word, string, mark, or the end."""
        token = _TOKEN.match(self.text, place)
        if token is None:
            raise _no_token(self, place)
        return token

    def value(self, place: int) -> re.Match[str]:
        """Return what follows the colon of a simple attribute: a string, or words up to the line's end."""
        value = _VALUE.match(self.text, place)
        if value is None:
            raise _no_token(self, place)
        return value

    def where(self, place: int) -> str:
        """Return ``FILE:LINE`` of a place in the text."""
        return f"{self.path}:{self.text.count(chr(10), 0, place) + 1}"

    @cached_property
    def ends(self) -> dict[int, int]:
        """Where each group ends, by where its body begins. Raises LibertyError where not all have an end."""
        ends: dict[int, int] = {}
        opened: list[int] = []
        place = 0
        while match := _BRACE.match(self.text, place):
            place = match.end()
            if match["brace"] == "{":
                opened.append(place)
                if len(opened) > DEEPEST:
                    raise self.error(place, f"groups nested more than {DEEPEST} deep: is a '}}' missing?")
            elif not opened:
                raise self.error(place - 1, "'}' without its '{'")
            else:
                ends[opened.pop()] = place
        rest = _NO_BRACE.match(self.text, place)
        if rest is None or rest.end() < len(self.text):
            raise _no_token(self, rest.end() if rest else place)
        if opened:
            raise self._unended(opened[-1])
        return ends

    def _unended(self, body: int) -> LibertyError:
        """Return the error that the group whose body begins here has no end."""
        # Where one is missing in the middle, the next cell is within another group than the library.
        depth = 0
        for match in _BRACE.finditer(self.text):
            depth += 1 if match["brace"] == "{" else -1
            cell = depth > 2 and _CELL.search(self.text, match.start(), match.end())
            if cell:
                return self.error(cell.start(), f"a '}}' is missing before {cell[0].rstrip('{ ')}")
        return self.error(body - 1, "no '}' ends this group")

    def error(self, place: int, what: str) -> LibertyError:
        """Return an error at ``place``, or at a string before it that does not end on its line.

        Where a quote is missing the next one ends the string, and what goes wrong does so later.
        """
        for match in _TEXTS.finditer(self.text, 0, place):
            if match["string"] and _LINE_IN_STRING.search(match["string"]):
                return LibertyError(f"{self.where(match.start())}: no '\"' ends this string on its line")
        return LibertyError(f"{self.where(place)}: {what}")


def read(path: Path, including: tuple[Path, ...] = ()) -> Source:
    """Return the text of a file, gzip-compressed or not, with its braces, strings and comments checked.

    Raises LibertyError that names the file and the line.
    """
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise LibertyError(f"{path}: damaged gzip file") from None
    except OSError as error:
        raise LibertyError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the path
        raise LibertyError(f"{str(path)!r}: {error}") from None
    if not content.strip():
        raise LibertyError(f"{path}: an empty file; give one with library (...) {{ }}")
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise LibertyError(f"{path}:{line}: a binary file; liberty is text")
    source = Source(path, content.decode("utf-8-sig", errors="replace"), including)
    _ = source.ends  # checked before anything else is
    return source


_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_COMMENT = r"//[^\n]*+|/\*.*?\*/"
_BLANK = rf"(?:\s++|\\[ \t]*\r?\n|{_COMMENT})*+"
_TOKEN = re.compile(
    rf"""{_BLANK}(?: (?P<word>(?:[^\s"\\/:;,(){{}}\[]|/(?![/*])|\\(?!\s)|\[[^\]\s"(){{}};/]*\]|\[)++)
    | (?P<string>{_STRING}) | (?P<mark>[:;,(){{}}]) | (?P<end>\Z) )""",
    re.DOTALL | re.VERBOSE,
)
_VALUE = re.compile(
    rf'{_BLANK}(?:(?P<string>{_STRING})|(?P<word>(?:[^;{{}}"\n\\/]|/(?![/*])|\\\r?\n|\\(?!\s))*+))', re.DOTALL
)
_NO_BRACE = re.compile(rf'[^{{}}"/]*+(?:(?:{_STRING}|{_COMMENT}|/(?![/*]))[^{{}}"/]*+)*+', re.DOTALL)
_BRACE = re.compile(rf"{_NO_BRACE.pattern}(?P<brace>[{{}}])", re.DOTALL)
_CELL = re.compile(r"\bcell\s*\([^(){}]*\)\s*\{$")
_TEXTS = re.compile(rf"(?P<string>{_STRING})|{_COMMENT}", re.DOTALL)
_SKIPPED = re.compile(_BLANK, re.DOTALL)
_LINE_IN_STRING = re.compile(r"(?<!\\)(?<!\\\r)\n")
_ESCAPE = re.compile(r'\\(?:\r?\n|(["\\]))|\r?\n')


def _no_token(source: Source, place: int) -> LibertyError:
    """Return the error that no token begins at ``place``."""
    skipped = _SKIPPED.match(source.text, place)
    place = skipped.end() if skipped else place
    rest = source.text[place : place + 2]
    if rest == "/*":
        return source.error(place, "no '*/' ends this comment")
    if rest.startswith('"'):
        return source.error(place, "no '\"' ends this string")
    return source.error(place, f"unexpected {rest[:1]!r}")


def unquoted(string: str) -> str:
    """Return what a string says: without quotes, escapes and line ends."""
    if "\\" in string or "\n" in string:
        string = _ESCAPE.sub(lambda match: match[1] or " ", string)
    return string[1:-1].strip()
