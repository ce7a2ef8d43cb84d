"""What commands say: tables and JSON on standard output; progress and notes on standard error.

A step that takes long shows what it is doing: on a terminal all the time, elsewhere in a line every ten
seconds. ``--quiet`` leaves out progress and notes, ``--verbose`` adds what the tools say.
"""

from __future__ import annotations

import enum
import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

output = Console(soft_wrap=True)
_notes = Console(stderr=True, soft_wrap=True)

HEARTBEAT = 10.0
"""Seconds from one line of progress to the next where there is no terminal."""


class Verbosity(enum.Enum):
    """How much is said on standard error."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


_verbosity = Verbosity.QUIET  # of a program that uses the packages; the command line says more


def set_verbosity(verbosity: Verbosity) -> None:
    """Say how much is to be said from here on."""
    global _verbosity
    _verbosity = verbosity


def note(text: str) -> None:
    """Tell something beside the results, on standard error."""
    if _verbosity is not Verbosity.QUIET:
        _notes.print(escape(text), highlight=False)


@dataclass(frozen=True)
class Sheet:
    """A table for people: its title, headings (none: none are shown) and rows of text."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def show(self) -> None:
        """Print it."""
        print_table(self.title, self.headings, self.rows)


def print_table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, text: bool = False
) -> None:
    """Print a table: the first column to the left, the others too if they are ``text``, else to the right.

    No headings: none are shown.
    """
    rows = list(rows)
    table = Table(title=escape(title), box=SIMPLE, show_header=bool(headings), title_justify="left")
    for index in range(len(rows[0]) if rows else len(headings)):
        heading = headings[index] if headings else ""
        table.add_column(heading, justify="right" if index and not text else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    output.print(table)


def print_json(value: Any) -> None:
    """Print ``value`` as indented JSON."""
    click.echo(json.dumps(value, indent=2))


class Step:
    """Something under way: its total where it is known, how much of it is done, and a detail that changes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.detail = ""
        self.total: int | None = None
        self.completed = 0
        self._began = time.monotonic()

    def show(self, detail: str = "", *, completed: int | None = None, total: int | None = None) -> None:
        """Say where the step is: a detail, how much is done, of how much."""
        self.detail = detail
        self.completed = self.completed if completed is None else completed
        self.total = self.total if total is None else total

    def log(self, line: str) -> None:
        """Pass on a line that a tool printed; it is shown with ``--verbose``."""
        if _verbosity is Verbosity.VERBOSE and line.strip():
            _notes.print(escape(line.rstrip()), highlight=False)

    def line(self) -> str:
        """Return the step as a line of text."""
        share = f"{self.completed / self.total:.0%}" if self.total else ""
        said = ", ".join(filter(None, (share, self.detail)))
        return f"{self.text}{': ' if said else ''}{said} ({time.monotonic() - self._began:.0f} s)"


@contextmanager
def step(text: str) -> Iterator[Step]:
    """Show that ``text`` is under way while the block runs; the block tells the step how it goes."""
    shown = Step(text)
    if _verbosity is Verbosity.QUIET:
        yield shown
    elif _notes.is_terminal:
        with _on_terminal(shown):
            yield shown
    else:
        with _in_lines(shown):
            yield shown


@contextmanager
def _on_terminal(shown: Step) -> Iterator[None]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[detail]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_notes, transient=True) as bar:
        task = bar.add_task(shown.text, total=None, detail="")

        def refresh() -> None:
            bar.update(task, completed=shown.completed, total=shown.total, detail=shown.detail)

        with _every(0.2, refresh):
            yield


@contextmanager
def _in_lines(shown: Step) -> Iterator[None]:
    with _every(HEARTBEAT, lambda: _notes.print(escape(shown.line()), highlight=False)):
        yield


@contextmanager
def _every(seconds: float, act: Any) -> Iterator[None]:
    """Call ``act`` every so many seconds, in a thread, while the block runs."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(seconds):
            act()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
