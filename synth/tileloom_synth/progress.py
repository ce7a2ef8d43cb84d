"""Progress of Yosys on a terminal: which pass it is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tileloom.cli.console import notes

_PASS = re.compile(r"^[\d.]+ Executing ([A-Z]\w+)")


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show that ``text`` is under way while the block runs; call what it gives with each line of Yosys's log.

    Shown on standard error, and only if that is a terminal.
    """
    if not notes.is_terminal:
        yield lambda line: None
        return
    with notes.status(text) as shown:

        def show(line: str) -> None:
            if match := _PASS.match(line):
                shown.update(f"{text}: {match[1].lower()}")

        yield show
