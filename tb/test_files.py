"""Results: refused before the work where they cannot be written, and written whole or not at all."""

import errno
import os
import resource
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from tileloom import files, processes
from tileloom.errors import CheckError, ToolError, UserError
from tileloom.files import claim


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run in an empty folder whose path has a blank, quotes and a letter beyond ASCII."""
    place = tmp_path / "a b'c é"
    place.mkdir()
    monkeypatch.chdir(place)
    (place / "X.npy").write_text("input")
    return place


def left() -> list[str]:
    """Return what is in the folder beside the input."""
    return sorted(path.name for path in Path().iterdir() if path.name != "X.npy")


def refused(name, *parts: str, option: str = "-o", **options) -> None:
    """Check that the claim is refused in one line with these parts, and that it leaves nothing."""
    before = left()
    with pytest.raises(UserError) as caught:
        claim({option: name}, **options)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 250
    for part in (option, *parts):
        assert part in message, message
    assert left() == before


def test_a_claim_leaves_nothing():
    claim({"-o": "Y.npy", "--svg": Path("a.svg"), "--waves": None})
    assert left() == []


@pytest.mark.parametrize("way", ["same", "dotted", "symbolic link", "hard link"])
@pytest.mark.parametrize("force", [False, True])
def test_an_input_is_no_output(way, force):
    name = {"same": "X.npy", "dotted": "../a b'c é/X.npy"}.get(way, "Y.npy")
    if way == "symbolic link":
        os.symlink("X.npy", "Y.npy")
    if way == "hard link":
        os.link("X.npy", "Y.npy")
    refused(name, name, "input", inputs=[None, "no.npy", Path("X.npy")], force=force)
    assert Path("X.npy").read_text() == "input"


@pytest.mark.parametrize("force", [False, True])
def test_only_regular_files(force, monkeypatch):
    os.mkfifo("fifo")
    os.mkdir("folder")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        refused("socket", "socket is no regular file", force=force)
    refused("fifo", "fifo is no regular file", force=force)
    refused("/dev/null", "/dev/null is no regular file", force=force)
    refused("folder", "folder is a folder", force=force)
    refused(".", ". is a folder", force=force)
    os.symlink("/dev/null", "null")
    refused("null", "null is no regular file", force=force)
    os.symlink("loop", "loop")
    refused("loop", "loop", force=force)


def test_names():
    refused("", "name is empty")
    refused("x" * 300, "File name too long", "300 letters")
    refused("x\0y", "null")
    claim({"-o": "x" * 255}).write({Path("x" * 255): "whole"})
    assert left() == ["x" * 255]


def test_folders():
    refused("no/Y.npy", "no/Y.npy", "no is not there")
    refused("X.npy/Y.npy", "X.npy is no folder")
    refused("X.npy/deep/Y.npy", "no folder", make_folders=True)
    refused("/proc/Y.npy", "/proc/Y.npy", "cannot write in /proc")
    refused("/proc/new/Y.npy", "/proc/new/Y.npy", "cannot write in /proc", make_folders=True)


def test_what_is_there_stays():
    Path("Y.npy").write_text("mine")
    refused("Y.npy", "there already; --force overwrites it")
    outputs = claim({"-o": "Y.npy"}, same_content=True)
    with pytest.raises(UserError, match="other content; --force"):
        outputs.write({Path("Y.npy"): "other"})
    assert Path("Y.npy").read_text() == "mine"
    outputs.write({Path("Y.npy"): "mine"})
    claim({"-o": "Y.npy"}, force=True).write({Path("Y.npy"): b"new"})
    assert Path("Y.npy").read_bytes() == b"new"
    assert left() == ["Y.npy"]


def test_what_came_up_meanwhile_stays():
    outputs = claim({"-o": "Y.npy"})
    Path("Y.npy").write_text("mine")
    with pytest.raises(UserError, match=r"Y\.npy: there already"):
        outputs.write({Path("Y.npy"): "other"})
    assert Path("Y.npy").read_text() == "mine"


def test_two_outputs_are_two_files():
    os.symlink("a.svg", "link")
    with pytest.raises(UserError, match="--svg: link is written by -o too"):
        claim({"-o": "a.svg", "--svg": "link"})


def test_a_link_stays_a_link():
    Path("target").write_text("old")
    os.symlink("target", "link")
    claim({"-o": "link"}, force=True).write({Path("link"): "new"})
    assert Path("link").is_symlink() and Path("target").read_text() == "new"


def test_all_kinds_and_new_folders():
    names = {"-o": Path("new/deep/Y.npy"), "--svg": Path("a.svg"), "--raw": Path("b.bin")}
    claim(names, make_folders=True).write(
        {names["-o"]: np.eye(3), names["--svg"]: "é", names["--raw"]: b"\0"}
    )
    assert np.array_equal(np.load("new/deep/Y.npy"), np.eye(3))
    assert Path("a.svg").read_text(encoding="utf-8") == "é"
    assert Path("b.bin").read_bytes() == b"\0"
    assert left() == ["a.svg", "b.bin", "new"]
    usual = Path("usual")
    usual.touch()
    assert Path("a.svg").stat().st_mode == usual.stat().st_mode


def test_only_what_was_claimed():
    with pytest.raises(ValueError, match="not claimed"):
        claim({"-o": "a"}).write({Path("b"): ""})


@pytest.mark.parametrize("failure", ["number", "none", "interrupt", "terminated"])
def test_nothing_is_left_of_a_failure(monkeypatch, failure):
    error = {
        "number": OSError(errno.ENOSPC, "No space left on device"),
        "none": OSError("1000 requested and 400 written"),  # what numpy.save says on a full disk
        "interrupt": KeyboardInterrupt(),
        "terminated": processes.Terminated(143),
    }[failure]
    names = {"-o": Path("new/Y.npy"), "--svg": Path("a.svg")}
    put = files._put

    def fail(file, content):
        put(file, content)
        if content == "second":
            raise error

    monkeypatch.setattr(files, "_put", fail)
    outputs = claim(names, make_folders=True)
    expected = ToolError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as caught:
        outputs.write({names["-o"]: "first", names["--svg"]: "second"})
    if expected is ToolError:
        assert str(caught.value) == "a.svg: No space left on device; not written"
    assert left() == []


@pytest.mark.parametrize("content", [bytes(100_000), np.zeros(100_000, np.int8)], ids=["bytes", "array"])
def test_a_file_that_does_not_fit(content):
    """The limit on the size of files stands for a full disk: the system's own error, half of it written."""
    outputs = claim({"-o": "Y.npy"})
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))
    try:
        with pytest.raises(ToolError, match=r"Y\.npy: .*; not written"):
            outputs.write({Path("Y.npy"): content})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert left() == []


def test_a_program_that_writes_its_file_itself():
    path = Path("array.vcd")
    outputs = claim({"--waves": path})
    with outputs.writing(path) as part:
        part.write_text("waves")
        assert not path.exists() and part.suffix == ".part"
    assert path.read_text() == "waves"
    assert left() == ["array.vcd"]
    with outputs.writing(path):
        pass  # written nothing: what is there stays
    assert path.read_text() == "waves"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ToolError])
def test_half_a_file_of_a_program_goes(error):
    path = Path("array.vcd")
    with pytest.raises(error), claim({"--waves": path}).writing(path) as part:
        part.write_text("half")
        raise error
    assert left() == []


def test_waves_of_a_failed_check_stay():
    path = Path("array.vcd")
    with pytest.raises(CheckError), claim({"--waves": path}).writing(path) as part:
        part.write_text("waves")
        raise CheckError("differs")
    assert left() == ["array.vcd"]
