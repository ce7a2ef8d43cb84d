"""The one place where results are written: claimed before the work, then written whole or not at all.

What cannot be written is a mistake that must not cost an hour: ``claim`` refuses it before work starts. A
file appears under its name only once all of it is there; until then it is a ``.part`` file in the same
folder, which goes on any failure, an interruption included.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from . import processes
from .errors import CheckError, ToolError, UserError

if TYPE_CHECKING:
    import numpy.typing as npt


class Outputs:
    """Files that may be written, as ``claim`` returns them.

    Parameters
    ----------
    paths:
        The files, as the user named them.
    force:
        Whether files that are there may be overwritten.
    """

    def __init__(self, paths: Iterable[Path], *, force: bool) -> None:
        self.paths = frozenset(paths)
        self._force = force

    def write(self, contents: Mapping[Path, str | bytes | npt.NDArray[Any]]) -> None:
        """Write all files or none; folders that are missing are made.

        Parameters
        ----------
        contents:
            Text (UTF-8), bytes or an array (``.npy``) by the name that was claimed.

        Raises UserError where a file of other content has come up meanwhile, ToolError where one cannot be
        written; both name the file.
        """
        for path, content in contents.items():
            self._require_claimed(path)
            if not self._force and path.exists() and not _has(path, content):
                raise UserError(f"{path}: there already, with other content; --force overwrites it")
        parts: dict[Path, Path] = {}
        made: list[Path] = []
        try:
            for path, content in contents.items():
                with _told(path):
                    target = path.resolve()
                    _make_folder(target.parent, made)
                    parts[path] = _part(target)
                    with _create(parts[path]) as file:
                        _put(file, content)
            # No signal comes between two of them: all have their names, or none has.
            with processes.signals_held():
                for path in list(parts):
                    with _told(path):
                        parts.pop(path).replace(path.resolve())
        except BaseException:
            for part in parts.values():
                part.unlink(missing_ok=True)
            for folder in reversed(made):
                with suppress(OSError):
                    folder.rmdir()
            raise

    @contextmanager
    def writing(self, path: Path) -> Iterator[Path]:
        """Give the block a name to write to, for programs that write files themselves, such as waves.

        The file gets the name ``path`` at the end of the block, also where that is a CheckError: the waves of
        a check that failed are what one wants to see. Any other exception removes it.
        """
        self._require_claimed(path)
        target = path.resolve()
        part = _part(target)
        keep = False
        try:
            try:
                yield part
                keep = True
            except CheckError:
                keep = True
                raise
            finally:
                if keep and part.exists():
                    with _told(path):
                        part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _require_claimed(self, path: Path) -> None:
        if path not in self.paths:
            raise ValueError(f"{path} was not claimed")


def claim(
    outputs: Mapping[str, str | Path | None],
    *,
    inputs: Iterable[str | Path | None] = (),
    force: bool = False,
    same_content: bool = False,
    make_folders: bool = False,
) -> Outputs:
    """Check that files can be written, before the work that makes them. Nothing is left on the disk.

    Parameters
    ----------
    outputs:
        Files by what the user calls them, such as ``-o``; None is one that was not asked for.
    inputs:
        Files that the same run reads; None and what is not there are passed over.
    force:
        Files that are there may be overwritten.
    same_content:
        Without ``force`` a file that is there is no mistake yet; ``Outputs.write`` refuses other content.
    make_folders:
        Folders that are missing will be made.

    Raises UserError with one line that names the option and the file, for an empty name or one that is too
    long, an input, another output, anything not a regular file, a file that is there, a folder that is
    missing or cannot be written.
    """
    read = {identity: path for path in inputs if path is not None and (identity := _identity(Path(path)))}
    claimed: dict[Path, str] = {}
    for option, name in outputs.items():
        if name is None:
            continue
        if not isinstance(name, str | Path):
            raise UserError(f"{option}: must be the name of a file, not {name!r}")
        if not str(name):
            raise UserError(f"{option}: the name is empty; give the name of a file")
        path = Path(name)
        try:
            _check(option, path, read, force=force or same_content, make_folders=make_folders)
            other = claimed.setdefault(path.resolve(), option)
        except UserError:
            raise
        except (OSError, ValueError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UserError(f"{option}: {_shown(path)}: {reason}") from None
        if other != option:
            raise UserError(f"{option}: {path} is written by {other} too; give each a file of its own")
    return Outputs((Path(name) for name in outputs.values() if name is not None), force=force)


def _check(
    option: str, path: Path, read: Mapping[tuple[int, int], Any], *, force: bool, make_folders: bool
) -> None:
    """Raise UserError, or OSError, if ``path`` may not or cannot be written."""
    try:
        there: os.stat_result | None = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        there = None
    if there is not None:
        if (there.st_dev, there.st_ino) in read:
            source = read[there.st_dev, there.st_ino]
            which = "is an input" if Path(source) == path else f"is the input {source}"
            raise UserError(f"{option}: {path} {which} of the same run; give another name")
        if stat.S_ISDIR(there.st_mode):
            raise UserError(f"{option}: {path} is a folder; give the name of a file")
        if not stat.S_ISREG(there.st_mode):
            raise UserError(f"{option}: {path} is no regular file; give the name of one")
        if not force:
            raise UserError(f"{option}: {path}: there already; --force overwrites it")
    folder = path.resolve().parent
    if make_folders:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there; make that folder first"
        raise UserError(f"{option}: {path}: {path.parent if not make_folders else folder} {what}")
    probe = _part(folder / path.name)
    try:
        _create(probe).close()
    except OSError as error:
        raise UserError(f"{option}: {path}: cannot write in {folder}: {error.strerror}") from None
    finally:
        probe.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _shown(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 80 else f"{text[:40]}...{text[-20:]} ({len(text)} letters)"


def _part(target: Path) -> Path:
    """Return a new name in the same folder; it is short, as ``target`` may be as long as a name can be."""
    return target.with_name(f"tileloom-{secrets.token_hex(8)}.part")


def _create(part: Path) -> BinaryIO:
    return part.open("xb")


def _put(file: BinaryIO, content: str | bytes | npt.NDArray[Any]) -> None:
    if isinstance(content, str | bytes):
        file.write(content.encode() if isinstance(content, str) else content)
        return
    import numpy as np  # where no array is written, NumPy need not be there

    np.save(file, content, allow_pickle=False)


def _has(path: Path, content: str | bytes | npt.NDArray[Any]) -> bool:
    """Return whether the file is there with this content; an array is never compared."""
    if not isinstance(content, str | bytes):
        return False
    with _told(path):
        return path.read_bytes() == (content.encode() if isinstance(content, str) else content)


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it; append what was made to ``made``, the uppermost first."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir()
        made.append(place)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an OSError into a ToolError that names the file as the user did."""
    try:
        yield
    except OSError as error:
        # NumPy's error for a disk that is full has no number.
        raise ToolError(f"{path}: {os.strerror(error.errno or errno.ENOSPC)}; not written") from None
