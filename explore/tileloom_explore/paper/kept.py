"""Files of what was measured, which take minutes to make: JSON, a line for each measurement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tileloom.errors import UserError


def json_files(paths: Sequence[Path]) -> list[Path]:
    """Return files, and those of folders, which end in .json. Raises UserError where there are none."""
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not files:
        raise UserError(f"{paths[0]}: has no .json file")
    return files


@contextmanager
def plain_of(path: Path, written: str) -> Iterator[Any]:
    """Give what a file has, to be taken apart.

    Raises UserError that names the file where it cannot be read, or where that is not ``written``: what
    writes or prints such files.
    """
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise UserError(f"{path}: not what {written}") from None


def to_text(head: Mapping[str, Any], name: str, rows: Iterable[Any]) -> str:
    """Return ``head`` as JSON, with ``rows`` under this name behind it, a line each."""
    lines = ",\n  ".join(map(json.dumps, rows))
    return f'{json.dumps(head, indent=1)[:-2]},\n "{name}": [\n  {lines}\n ]\n}}\n'
