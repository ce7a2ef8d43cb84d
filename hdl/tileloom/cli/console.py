"""What the commands of all packages share: the CONFIG argument, tables, JSON, progress.

Results go to standard output, progress and notes to standard error, and progress only to a terminal.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ..errors import ConfigError, UserError
from ..systolic.presets import PRESETS, load

output = Console(soft_wrap=True)
notes = Console(stderr=True, soft_wrap=True)


def config_arguments(
    command: Callable[..., Any],
    *,
    required: bool = True,
    load: Callable[[str, Sequence[str]], Any] = load,
    presets: Iterable[str] = PRESETS,
) -> Callable[..., Any]:
    """Give a click command the argument CONFIG and the option ``--set``; it is passed ``config``.

    Where CONFIG is not ``required`` and not given, ``config`` is None. ``load`` and ``presets`` are those of
    the family; the systolic array's by default.
    """

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        return [name for name in presets if name.startswith(incomplete)]

    @click.argument("source", metavar="CONFIG", required=required, shell_complete=complete)
    @click.option(
        "--set", "overrides", multiple=True, metavar="FIELD=VALUE", help="Override a field; may be repeated."
    )
    @functools.wraps(command)
    def with_config(source: str | None, overrides: Sequence[str], **options: Any) -> Any:
        try:
            config = load(source, overrides) if source is not None else None
        except ConfigError as error:
            raise UserError(str(error)) from None
        return command(config=config, **options)

    return with_config


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: the first column to the left, the others to the right. No headings: none are shown."""
    rows = list(rows)
    table = Table(title=title, box=SIMPLE, show_header=bool(headings), title_justify="left")
    for index in range(len(rows[0]) if rows else len(headings)):
        heading = headings[index] if headings else ""
        table.add_column(heading, justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    output.print(table)


def print_json(value: Any) -> None:
    """Print ``value`` as indented JSON."""
    click.echo(json.dumps(value, indent=2))


@contextmanager
def status(text: str) -> Iterator[None]:
    """Show that ``text`` is under way, with a spinner, while the block runs."""
    if not notes.is_terminal:
        yield
        return
    with notes.status(text):
        yield
