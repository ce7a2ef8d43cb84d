"""Simulator builds, kept by content: what is built from the same text with the same tools is built once.

An entry is a folder under ``$XDG_CACHE_HOME/tileloom/builds`` (``~/.cache`` by default), named after the hash
of everything that it depends on. It is built elsewhere and moved into place, so that an entry that is there
is complete; a lock makes processes that want the same build wait for one of them. The oldest entries go when
all together exceed TILELOOM_CACHE_MB (2000 by default).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

DEFAULT_LIMIT_MB = 2000


def folder() -> Path:
    """Return where builds are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "tileloom", "builds")


def built(kind: str, content: Iterable[str], build: Callable[[Path], Iterable[str]]) -> Path:
    """Return the folder of the build that ``content`` determines, making it if it is not there.

    Parameters
    ----------
    kind:
        Start of the folder's name, for people.
    content:
        Everything that the result depends on: sources, options, versions.
    build:
        Called with an empty folder to build in; returns the names of the files to keep.
    """
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:24]
    entry = folder() / f"{kind}-{digest}"
    if not entry.is_dir():
        _make_folder()
        with _locked(entry.with_suffix(".lock")):
            if not entry.is_dir():
                _build(entry, build)
                _remove_oldest(keep=entry)
    os.utime(entry)
    return entry


def clear() -> int:
    """Remove all builds; return how many bytes they took."""
    size = sum(_size(entry) for entry in _entries())
    shutil.rmtree(folder(), ignore_errors=True)
    return size


def _build(entry: Path, build: Callable[[Path], Iterable[str]]) -> None:
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".building-") as scratch:
        work, result = Path(scratch, "work"), Path(scratch, "result")
        work.mkdir()
        result.mkdir()
        for name in build(work):
            (work / name).replace(result / name)
        result.replace(entry)


def _make_folder() -> None:
    try:
        folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(
            f"{folder()}: {error.strerror}; set XDG_CACHE_HOME to a folder that can be written"
        ) from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_oldest(keep: Path) -> None:
    limit = _limit()
    entries = sorted(_entries(), key=lambda entry: entry.stat().st_mtime)
    total = sum(map(_size, entries))
    for entry in entries:
        if total <= limit or entry == keep:
            continue
        total -= _size(entry)
        shutil.rmtree(entry, ignore_errors=True)


def _limit() -> float:
    """Return how many bytes all builds together may take."""
    text = os.environ.get("TILELOOM_CACHE_MB", str(DEFAULT_LIMIT_MB))
    try:
        return float(text) * 1e6
    except ValueError:
        raise click.ClickException(
            f"TILELOOM_CACHE_MB: must be a number of megabytes, not {text!r}"
        ) from None


def _entries() -> list[Path]:
    if not folder().is_dir():
        return []
    return [entry for entry in folder().iterdir() if entry.is_dir() and not entry.name.startswith(".")]


def _size(entry: Path) -> int:
    return sum(path.stat().st_size for path in entry.rglob("*") if path.is_file())
