"""A table in Markdown, as the pages of ``docs`` have it that are held to what was measured."""

from __future__ import annotations

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table, without a line break at its end."""
    lines = [_row(headings), f"|{'|'.join(['---'] * len(headings))}|", *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
