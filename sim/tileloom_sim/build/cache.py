"""Simulator builds, kept by content: what is built from the same text with the same tools is built once.

An entry is a folder under ``$XDG_CACHE_HOME/tileloom/builds`` (``~/.cache`` by default), named after the hash
of everything that it depends on. It is built elsewhere and moved into place with a manifest of what is in it;
an entry that does not agree with its manifest is built again. A lock makes processes that want the same build
wait for one of them. The oldest entries go when all together exceed TILELOOM_CACHE_MB (2000 by default).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tileloom import scratch
from tileloom.errors import ToolError, UserError

DEFAULT_LIMIT_MB = 2000
MANIFEST = "manifest.json"
IN_USE = 60.0
"""Seconds after its last use in which an entry is not removed to make room: somebody may be starting it."""


@dataclass(frozen=True)
class Entry:
    """One build: its ``kind``, its folder, its bytes, and the seconds since it was last used."""

    kind: str
    path: Path
    size: int
    age: float


def folder() -> Path:
    """Return where builds are kept."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path is to be ignored (XDG Base Directory Specification).
    return Path(home if os.path.isabs(home) else Path.home() / ".cache", "tileloom", "builds")


def built(kind: str, content: Iterable[str], build: Callable[[Path], Iterable[str]]) -> Path:
    """Return the folder of the build that ``content`` determines, making it if it is not there or damaged.

    Parameters
    ----------
    kind:
        Start of the folder's name, for people.
    content:
        Everything that the result depends on: sources, options, versions.
    build:
        Called with an empty folder to build in, whose path needs no quotes; returns the names of the files
        to keep.

    Raises ToolError where the cache cannot be written, and what ``build`` raises; nothing is left then.
    """
    _limit()  # told at once where TILELOOM_CACHE_MB is none
    digest = hashlib.sha256("\0".join(content).encode()).hexdigest()[:24]
    entry = folder() / f"{kind}-{digest}"
    if not _is_whole(entry):
        with _told(), _locked(entry):
            if not _is_whole(entry):
                _build(entry, build)
                _remove_oldest(keep=entry)
    # Another process may have made room just now.
    with contextlib.suppress(FileNotFoundError):
        os.utime(entry)
    return entry


def entries() -> list[Entry]:
    """Return the builds, the one that was used last first."""
    now = time.time()
    found = []
    for path in _folders():
        with contextlib.suppress(FileNotFoundError):
            kind = path.name.rpartition("-")[0]
            found.append(Entry(kind, path, _size(path), max(0.0, now - path.stat().st_mtime)))
    return sorted(found, key=lambda entry: entry.age)


def clear() -> int:
    """Remove all builds but those that are being made; return how many bytes they took."""
    freed = 0
    for entry in {*_folders(), *_unfinished()}:
        with _locked(entry, wait=False) as mine:
            if mine:
                freed += _remove(entry)
                shutil.rmtree(_scratch(entry), ignore_errors=True)
    return freed


def _is_whole(entry: Path) -> bool:
    """Return whether an entry is there, with the files and the content that its manifest says."""
    try:
        manifest = json.loads((entry / MANIFEST).read_bytes())
        return bool(manifest) and all(_digest(entry / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _build(entry: Path, build: Callable[[Path], Iterable[str]]) -> None:
    place = _scratch(entry)
    # Who holds the lock owns the folder: what is in it was left by a process that was killed.
    shutil.rmtree(place, ignore_errors=True)
    work, result = place / "work", place / "result"
    try:
        work.mkdir(parents=True)
        result.mkdir()
        with scratch.workshop(work) as place_to_build:
            names = list(build(place_to_build))
            for name in names:
                shutil.move(place_to_build / name, result / name)
        manifest = {name: _digest(result / name) for name in names}
        (result / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        _remove(entry)
        result.replace(entry)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _scratch(entry: Path) -> Path:
    return entry.with_name(f".building-{entry.name}")


def _remove(entry: Path) -> int:
    """Remove an entry, at once for those who look for it; return how many bytes it took."""
    place = _scratch(entry) / "removed"
    try:
        size = _size(entry)
        place.parent.mkdir(exist_ok=True)
        entry.replace(place)
    except FileNotFoundError:
        return 0
    shutil.rmtree(place, ignore_errors=True)
    return size


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn an OSError, above all a full disk's, into one line."""
    try:
        yield
    except OSError as error:
        raise ToolError(
            f"{error.filename or folder()}: {error.strerror or error}; builds are kept in {folder()}: make "
            "room there, or set XDG_CACHE_HOME to another folder"
        ) from None


@contextlib.contextmanager
def _locked(entry: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold an entry's lock; without ``wait`` yield False where another process has it."""
    path = entry.with_name(f"{entry.name}.lock")
    folder().mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            # The one before may have removed the file that was waited for.
            if not _is_open(path, file.fileno()):
                continue
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return


def _is_open(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_oldest(keep: Path) -> None:
    limit = _limit()
    found = entries()
    total = sum(entry.size for entry in found)
    for entry in reversed(found):
        if total <= limit:
            return
        if entry.path != keep and entry.age > IN_USE:
            with _locked(entry.path, wait=False) as mine:
                if mine:
                    total -= _remove(entry.path)
                    shutil.rmtree(_scratch(entry.path), ignore_errors=True)


def _limit() -> float:
    """Return how many bytes all builds together may take."""
    text = os.environ.get("TILELOOM_CACHE_MB", str(DEFAULT_LIMIT_MB))
    try:
        limit = float(text) * 1e6
    except ValueError:
        limit = -1.0
    if not 0 <= limit < float("inf"):
        raise UserError(f"TILELOOM_CACHE_MB: must be a number of megabytes, not {text!r}")
    return limit


def _folders() -> list[Path]:
    if not folder().is_dir():
        return []
    return [path for path in folder().iterdir() if path.is_dir() and not path.name.startswith(".")]


def _unfinished() -> list[Path]:
    """Return the entries of which a build was begun, and perhaps left."""
    mark = ".building-"
    if not folder().is_dir():
        return []
    return [
        path.with_name(path.name.removeprefix(mark)) for path in folder().glob(f"{mark}*") if path.is_dir()
    ]


def _size(entry: Path) -> int:
    return sum(path.stat().st_size for path in entry.rglob("*") if path.is_file())
