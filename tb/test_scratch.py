"""Temporary folders go, whenever a signal comes: as they are made, in use, and as they are removed."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from tileloom import processes, scratch

MOMENTS = ("made", "used", "removed")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("place", ["plain", "with blanks"])
def test_a_signal_at_any_moment_leaves_no_folder(
    moment: str, place: str, tmp_path: Path, monkeypatch
) -> None:
    where = tmp_path / place
    where.mkdir()
    monkeypatch.setattr(scratch, "_PLACES", (str(tmp_path / "links"),))
    (tmp_path / "links").mkdir()
    made, removed = tempfile.mkdtemp, tempfile.TemporaryDirectory.cleanup

    def make(*arguments: str | None, **options: str) -> str:
        path = made(*arguments, **options)
        if moment == "made":
            os.kill(os.getpid(), signal.SIGTERM)
        return path

    def remove(directory: tempfile.TemporaryDirectory[str]) -> None:
        if moment == "removed":
            os.kill(os.getpid(), signal.SIGTERM)
        removed(directory)

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", remove)
    used = []
    with (
        pytest.raises(processes.Terminated),
        processes.signals_raise(),
        scratch.folder(where=where) as folder,
    ):
        used.append(folder)
        (folder / "file").write_text("")
        if moment == "used":
            os.kill(os.getpid(), signal.SIGTERM)
    assert (moment == "made") == (not used)
    assert not list(where.iterdir()) and not list((tmp_path / "links").iterdir())


def test_a_signal_as_a_lasting_folder_is_made_leaves_it_to_the_end(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    ends = []
    monkeypatch.setattr(scratch.atexit, "register", ends.append)
    made = tempfile.mkdtemp

    def make(*arguments: str | None, **options: str) -> str:
        path = made(*arguments, **options)
        os.kill(os.getpid(), signal.SIGINT)
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    with pytest.raises(KeyboardInterrupt), processes.signals_raise():
        scratch.lasting("tileloom-of-a-test-")
    for end in ends:
        end()
    assert not list(tmp_path.iterdir())
