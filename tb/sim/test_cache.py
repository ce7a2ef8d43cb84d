"""The build cache: one build for the same content, also from several processes; oldest out first."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

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
    assert [path.name for path in first.iterdir()] == ["program"]


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
    assert [path for path in cache.folder().iterdir() if path.is_dir()] == []
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


def test_clear():
    cache.built("test", ["1"], build_slowly)
    assert cache.clear() > 0
    assert cache.clear() == 0
