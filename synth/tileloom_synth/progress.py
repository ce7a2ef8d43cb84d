"""Progress of a synthesis: which way of mapping it is at, and which pass of Yosys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tileloom.cli.console import Step, step

_PASS = re.compile(r"^[\d.]+ Executing ([A-Z]\w+)")


class Progress:
    """Where a synthesis is: the stage that it says, and the pass that Yosys's log says."""

    def __init__(self, shown: Step | None = None) -> None:
        self._shown = shown or Step("")
        self._stage = ""

    def stage(self, text: str) -> None:
        """Say what begins, such as a way of mapping that is tried."""
        self._stage = text
        self._shown.show(text)

    def line(self, line: str) -> None:
        """Take a line of Yosys's log."""
        self._shown.log(line)
        if match := _PASS.match(line):
            self._shown.show(", ".join(filter(None, (self._stage, match[1].lower()))))


@contextmanager
def progress(text: str) -> Iterator[Progress]:
    """Show that ``text`` is under way while the block runs; the block tells where it is."""
    with step(text) as shown:
        yield Progress(shown)
