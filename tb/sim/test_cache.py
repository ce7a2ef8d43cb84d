"""The build cache: one build for the same content, also from several processes; oldest out first."""

import errno
import multiprocessing
import os
import shutil
import time
from pathlib import Path

import pytest

from tileloom.errors import ToolError, UserError
from tileloom_sim.build import cache


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def build_slowly(work: Path) -> list[str]:
    time.sleep(0.2)
    (work / "program").write_text(str(os.getpid()))
    (work / "rubbish").write_text("x" * 1000)
    return ["program"]


def builder_process(queue) -> None:
    queue.put((cache.built("test", ["same"], build_slowly) / "program").read_text())


def test_built_once_and_only_results_kept():
    builds = []

    def build(work: Path) -> list[str]:
        builds.append(work)
        return build_slowly(work)

    first = cache.built("test", ["a", "b"], build)
    assert cache.built("test", ["a", "b"], build) == first
    assert cache.built("test", ["ab", ""], build) != first
    assert len(builds) == 2
    assert sorted(path.name for path in first.iterdir()) == [cache.MANIFEST, "program"]
    assert not list(cache.folder().glob("*.lock")) and not list(cache.folder().glob(".*"))


def test_processes_share_a_build():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=builder_process, args=(queue,)) for _ in range(3)]
    for process in processes:
        process.start()
    builders = {queue.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(builders) == 1


def test_failed_build_leaves_nothing():
    def fail(work: Path) -> list[str]:
        (work / "program").write_text("half")
        raise RuntimeError("no compiler")

    with pytest.raises(RuntimeError):
        cache.built("test", ["x"], fail)
    assert list(cache.folder().iterdir()) == []
    assert (cache.built("test", ["x"], build_slowly) / "program").exists()


def test_oldest_goes_first(monkeypatch):
    def big(work: Path) -> list[str]:
        (work / "program").write_bytes(bytes(600_000))
        return ["program"]

    monkeypatch.setenv("TILELOOM_CACHE_MB", "1.5")
    one, two = cache.built("test", ["1"], big), cache.built("test", ["2"], big)
    os.utime(two, (1, 1))  # as if not used for long
    three = cache.built("test", ["3"], big)
    assert (one.exists(), two.exists(), three.exists()) == (True, False, True)


def test_what_was_just_used_stays(monkeypatch):
    """Another process may be about to start it."""
    monkeypatch.setenv("TILELOOM_CACHE_MB", "0")
    one = cache.built("test", ["1"], build_slowly)
    assert cache.built("test", ["2"], build_slowly).exists() and one.exists()


@pytest.mark.parametrize("text", ["x", "nan", "-1", "inf"])
def test_a_limit_that_is_none(monkeypatch, text):
    monkeypatch.setenv("TILELOOM_CACHE_MB", text)
    with pytest.raises(UserError, match=f"TILELOOM_CACHE_MB: must be a number of megabytes, not '{text}'"):
        cache.built("test", ["1"], build_slowly)


def damage_truncated(entry: Path) -> None:
    (entry / "program").write_bytes((entry / "program").read_bytes()[:-1])


def damage_changed(entry: Path) -> None:
    (entry / "program").write_bytes(bytes((entry / "program").stat().st_size))


def damage_missing(entry: Path) -> None:
    (entry / "program").unlink()


def damage_emptied(entry: Path) -> None:
    shutil.rmtree(entry)
    entry.mkdir()


def damage_no_manifest(entry: Path) -> None:
    (entry / cache.MANIFEST).unlink()


def damage_cut_manifest(entry: Path) -> None:
    (entry / cache.MANIFEST).write_text('{"program')


def damage_empty_manifest(entry: Path) -> None:
    (entry / cache.MANIFEST).write_text("{}")


def damage_other_manifest(entry: Path) -> None:
    (entry / cache.MANIFEST).write_text('["program"]')


@pytest.mark.parametrize("damage", [value for name, value in globals().items() if name.startswith("damage_")])
def test_a_damaged_build_is_built_again(damage):
    entry = cache.built("test", ["1"], build_slowly)
    content = (entry / "program").read_text()
    damage(entry)
    assert cache.built("test", ["1"], build_slowly) == entry
    assert (entry / "program").read_text() == content
    assert [path.name for path in cache.folder().iterdir()] == [entry.name]


def test_what_a_killed_build_left_is_taken_away():
    entry = cache.built("test", ["1"], build_slowly)
    for name in (entry.name, "other-0"):
        left = cache.folder() / f".building-{name}" / "work"
        left.mkdir(parents=True)
        (left / "half").write_text("half")
    damage_missing(entry)
    cache.built("test", ["1"], build_slowly)
    assert not (cache.folder() / f".building-{entry.name}").exists()
    cache.clear()
    assert list(cache.folder().iterdir()) == []


def test_a_full_disk(monkeypatch):
    def fill(work: Path) -> list[str]:
        (work / "program").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device", str(work / "program"))

    with pytest.raises(ToolError, match=r"work/program: No space left on device; .* XDG") as caught:
        cache.built("test", ["1"], fill)
    assert str(cache.folder()) in str(caught.value)
    assert list(cache.folder().iterdir()) == []


def test_a_cache_that_cannot_be_written(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/cache")
    with pytest.raises(ToolError, match=r"/proc/cache: .* XDG_CACHE_HOME"):
        cache.built("test", ["1"], build_slowly)


def test_a_relative_cache_is_ignored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "tileloom" / "builds"


def test_the_path_to_build_in_needs_no_quotes(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a b'c é"))
    seen = []

    def build(work: Path) -> list[str]:
        seen.append(str(work))
        return build_slowly(work)

    entry = cache.built("test", ["1"], build)
    assert (entry / "program").exists() and "a b'c é" in str(entry)
    assert not set(seen[0]) & set(" 'é")
    assert not Path(seen[0]).exists()


def test_entries(monkeypatch):
    assert cache.entries() == []
    old, new = cache.built("two-words", ["1"], build_slowly), cache.built("test", ["2"], build_slowly)
    os.utime(old, (time.time() - 1000,) * 2)
    first, second = cache.entries()
    assert (first.kind, first.path, second.kind, second.path) == ("test", new, "two-words", old)
    assert first.age < 100 < 1000 <= second.age < 1100
    assert second.size == sum(path.stat().st_size for path in old.iterdir()) > 0


def hold(ready, go) -> None:
    def build(work: Path) -> list[str]:
        ready.set()
        go.wait(60)
        return build_slowly(work)

    cache.built("test", ["held"], build)


def test_clear():
    cache.built("test", ["1"], build_slowly)
    assert cache.clear() > 0
    assert cache.clear() == 0


def test_clear_leaves_what_is_being_built():
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    process = context.Process(target=hold, args=(ready, go))
    process.start()
    assert ready.wait(60)
    cache.clear()
    go.set()
    process.join()
    assert process.exitcode == 0
    assert [entry.kind for entry in cache.entries()] == ["test"]
