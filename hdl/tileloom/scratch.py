"""Temporary folders whose paths every tool takes.

Make, ABC and Tcl break on blanks and quotes in a path, and TMPDIR, HOME or the cache may have some. There, a
folder is reached by a symbolic link in a place without.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import ToolError
from .processes import signals_held

_PLAIN = re.compile(r"[\w.+/-]*", re.ASCII)
_PLACES = ("/tmp", "/var/tmp", "/dev/shm")
"""Where the links are; they take no room, so that TMPDIR can still be where there is some."""


@contextlib.contextmanager
def folder(prefix: str = "tileloom-", where: Path | None = None) -> Iterator[Path]:
    """Make an empty folder in TMPDIR or in ``where``, and remove it at the end of the block.

    Yields a path to it that needs no quotes. Raises ToolError where it cannot be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(_temporary(prefix, where))
        except OSError as error:
            place = where or os.environ.get("TMPDIR", "TMPDIR")
            raise ToolError(f"{place}: no temporary folder can be made: {error.strerror}") from None
        yield stack.enter_context(plain(Path(made).absolute()))


@contextlib.contextmanager
def plain(path: Path) -> Iterator[Path]:
    """Give the block a path to the same folder that needs no quotes: often ``path`` itself."""
    if _PLAIN.fullmatch(str(path)):
        yield path
        return
    for place in _PLACES:
        with contextlib.ExitStack() as stack:
            try:
                name = stack.enter_context(_temporary("tileloom-link-", place))
            except OSError:
                continue
            link = Path(name, "folder")
            link.symlink_to(path, target_is_directory=True)
            yield link
            return
    raise ToolError(f"{path}: has blanks or quotes, and {_PLACES[0]} cannot be written; set TMPDIR without")


@contextlib.contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """Give the block an empty folder to build in: ``path``, or another where make does not take that.

    For tools that ask the system where they are, and are not content with a link. The other folder is
    removed at the end of the block.
    """
    if _PLAIN.fullmatch(str(path.resolve())):
        yield path
        return
    for place in (tempfile.gettempdir(), *_PLACES):
        if _PLAIN.fullmatch(os.path.realpath(place)):
            with contextlib.ExitStack() as stack:
                try:
                    name = stack.enter_context(_temporary("tileloom-build-", place))
                except OSError:
                    continue
                yield Path(name)
                return
    raise ToolError(f"{path}: has blanks or quotes, and {_PLACES[0]} cannot be written; set TMPDIR without")


@functools.cache
def lasting(prefix: str) -> Path:
    """Return a folder of this name's own that is removed when the process ends."""
    stack = contextlib.ExitStack()
    with signals_held():  # until it is known what to remove
        made = stack.enter_context(folder(prefix))
        # After tempfile's own, which would warn: of exit handlers the last registered runs first.
        atexit.register(stack.close)
    return made


@contextlib.contextmanager
def _temporary(prefix: str, where: str | Path | None) -> Iterator[str]:
    """Make a folder for the block; no signal comes between making and knowing it, nor while it goes."""
    made: tempfile.TemporaryDirectory[str] | None = None
    try:
        with signals_held():
            made = tempfile.TemporaryDirectory(prefix=prefix, dir=where)
        yield made.name
    finally:
        if made is not None:
            with signals_held():
                made.cleanup()
