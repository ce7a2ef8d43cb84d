"""Progress of Yosys: which pass it is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tileloom.cli.console import step

_PASS = re.compile(r"^[\d.]+ Executing ([A-Z]\w+)")


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show that ``text`` is under way while the block runs; what it gives takes each line of Yosys's log."""
    with step(text) as shown:

        def show(line: str) -> None:
            shown.log(line)
            if match := _PASS.match(line):
                shown.show(match[1].lower())

        yield show
