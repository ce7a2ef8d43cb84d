"""Programs that are started end with us, on every way out, and what we were doing leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tileloom import processes
from tileloom.errors import ToolError

TREE = "sleep 1000 & sleep 1000 & echo started; wait"
"""A shell with two children."""


def marked(mark: str) -> list[int]:
    """Return the processes whose environment has MARK=mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # A zombie's is empty.
                if f"MARK={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture
def mark(tmp_path, monkeypatch) -> str:
    """Mark all processes that are started from here."""
    monkeypatch.setenv("MARK", str(tmp_path))
    return str(tmp_path)


def test_what_it_returns():
    done = processes.run(["sh", "-c", "cat; echo out; echo err >&2; exit 3"], text="in é\n")
    assert (done.status, done.output, done.errors) == (3, "in é\nout\n", "err\n")
    assert done.reason == "err"
    assert processes.run(["sh", "-c", "exit 4"]).reason == "it ended with status 4"
    assert processes.run(["sh", "-c", "kill -11 $$"]).reason == "it was ended by signal 11"
    merged = processes.run(["sh", "-c", "echo out; echo err >&2"], merge=True)
    assert (merged.output, merged.errors) == ("out\nerr\n", "")


def test_lines_come_as_they_are_written():
    seen = []
    processes.run(["sh", "-c", "echo a; sleep 0.5; echo b"], on_line=lambda line: seen.append(time.time()))
    assert seen[1] - seen[0] > 0.3


def test_much_on_both():
    done = processes.run([sys.executable, "-c", "import sys; [print('x' * 9, file=f) for f in "
                          "[sys.stdout, sys.stderr] * 50000]"])  # fmt: skip
    assert len(done.output) == len(done.errors) == 500_000


def test_no_such_program(tmp_path):
    with pytest.raises(ToolError, match="nowhere: cannot be started: No such file"):
        processes.run(["nowhere"])
    (tmp_path / "damaged").write_bytes(b"\x7fELF")
    (tmp_path / "damaged").chmod(0o755)
    with pytest.raises(ToolError, match="damaged: cannot be started"):
        processes.run([tmp_path / "damaged"])


def test_time(mark):
    start = time.monotonic()
    with pytest.raises(processes.OutOfTimeError, match=r"sh was not done after 0\.3 s"):
        processes.run(["sh", "-c", TREE], timeout=0.3)
    assert time.monotonic() - start < 10
    assert marked(mark) == []


def test_time_of_a_processor():
    assert processes.run(["sleep", "2"], processor_seconds=1).status == 0
    with pytest.raises(processes.OutOfTimeError, match=r"sh was not done after 1 s of a processor"):
        processes.run(["sh", "-c", "while :; do :; done"], processor_seconds=1)


def test_an_exception_ends_the_group(mark):
    def stop(line: str) -> None:
        assert len(marked(mark)) == 3
        raise ValueError(line)

    with pytest.raises(ValueError, match="started"):
        processes.run(["sh", "-c", TREE], on_line=stop)
    assert marked(mark) == []


def test_what_a_program_leaves_running_is_ended(mark):
    done = processes.run(["sh", "-c", "sleep 1000 > /dev/null 2>&1 & echo done"])
    assert done.output == "done\n"
    assert marked(mark) == []


def test_an_exception_ends_what_threads_run(mark):
    """What has begun, what begins meanwhile, and what waits for a thread."""
    failed: list[BaseException] = []

    def work() -> None:
        for _ in range(3):
            try:
                processes.run(["sh", "-c", TREE])
            except ToolError as error:
                failed.append(error)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), processes.threads(2) as pool:
        for _ in range(4):
            pool.submit(work)
        while len(marked(mark)) < 6:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 30 and marked(mark) == []
    assert len(failed) == 6 and all(str(error) == "sh: ended with the others" for error in failed)
    assert processes.run(["echo", "again"]).output == "again\n"


def test_a_conversation(mark):
    """Bytes there and back; what is begun in it ends with it, on an exception too."""
    with processes.conversation(["sh", "-c", "sleep 1000 & exec cat"]) as process:
        process.stdin.write(b"\x00\xff\n")
        process.stdin.flush()
        assert process.stdout.read(3) == b"\x00\xff\n" and len(marked(mark)) == 2
    assert marked(mark) == []
    with pytest.raises(KeyError), processes.conversation(["cat"]):
        raise KeyError
    assert marked(mark) == []
    with pytest.raises(ToolError, match="nowhere: cannot be started"), processes.conversation(["nowhere"]):
        pass


def test_signals_raise_only_in_the_block():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with pytest.raises(processes.Terminated) as caught, processes.signals_raise():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    assert caught.value.code == 143
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_the_second_signal_does_not_interrupt_cleaning_up():
    cleaned = False
    with pytest.raises(KeyboardInterrupt), processes.signals_raise():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            cleaned = True
    assert cleaned


def test_signals_wait_where_they_are_held():
    reached = False
    with pytest.raises(processes.Terminated), processes.signals_raise(), processes.signals_held():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        reached = True
    assert reached


JOBS = {
    "a Verilator build": """
        from tileloom_sim.systolic.harness import build_harness
        from tileloom.systolic.design import generate
        from tileloom.families import load
        print("busy", flush=True)
        build_harness(generate(load("stream-8x8-int8")))
    """,
    "a Yosys run": """
        from pathlib import Path
        from tileloom.systolic.design import generate
        from tileloom.families import load
        from tileloom_synth.flow import Flow
        from tileloom_synth.library.standard_cells import generic
        from tileloom_synth.library.recipes import Options
        design = generate(load("stream-8x8-int8"))
        print("busy", flush=True)
        Flow(design.verilog, design.name, generic()).map(Options())
    """,
    "threads": """
        from tileloom import processes
        print("busy", flush=True)
        with processes.threads(2) as pool:
            for run in [pool.submit(processes.run, ["sleep", "1000"]) for _ in range(4)]:
                run.result()
    """,
    "a result": """
        import numpy as np, time
        from pathlib import Path
        from tileloom import files
        def slowly(file, content):
            file.write(b"half"); file.flush(); print("busy", flush=True); time.sleep(100)
        files._put = slowly
        files.claim({"-o": "folder/Y.npy"}, make_folders=True).write({Path("folder/Y.npy"): np.zeros(3)})
    """,
}
WAITED_FOR = {
    "a Verilator build": "cc1plus",
    "a Yosys run": "yosys-abc",
    "threads": "sleep",
    "a result": None,
}
"""The grandchild whose start is waited for, so that there is much to leave behind."""


def names(mark: str) -> list[str]:
    """Return the programs of the processes marked."""
    found = []
    for number in marked(mark):
        try:
            found.append(Path(f"/proc/{number}/comm").read_text().strip())
        except OSError:
            continue
    return found


def place(number: int) -> str | None:
    """Return where a process works, or None where it has ended."""
    try:
        return os.readlink(f"/proc/{number}/cwd")
    except OSError:
        return None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("job", JOBS)
def test_a_signal_leaves_nothing(tmp_path, job, number):
    mark = str(tmp_path)
    folders = {name: tmp_path / name / "a b'c é" for name in ("work", "TMPDIR", "XDG_CACHE_HOME", "HOME")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    lines = "\n".join(line.removeprefix("        ") for line in JOBS[job].splitlines())
    body = "\n".join(f"    {line}" for line in lines.splitlines())
    program = f"from tileloom import processes\nwith processes.signals_raise():\n{body}\n"
    variables = {name: str(folder) for name, folder in folders.items() if name != "work"}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folders["work"],
        env={**os.environ, **variables, "MARK": mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As a shell starts it; pytest in the background would hand down that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "busy\n", process.stderr.read()
        deadline = time.monotonic() + 300
        while (wanted := WAITED_FOR[job]) and wanted not in names(mark):
            assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
            time.sleep(0.02)
        mine = [link for link in Path("/tmp").glob("tileloom-link-*/folder") if mark in os.readlink(link)]
        # Where the children work, if that is elsewhere: a build whose place has blanks.
        elsewhere = {place(child) for child in marked(mark) if child != process.pid}
        elsewhere -= {None, str(folders["work"])}
        process.send_signal(number)
        process.wait(timeout=60)
        errors = process.stderr.read()
    assert process.returncode == (143 if number == signal.SIGTERM else -signal.SIGINT), errors
    assert marked(mark) == []
    left = [path for path in tmp_path.rglob("*") if not path.is_dir()]
    assert left == []
    assert list(folders["TMPDIR"].iterdir()) == [] and list(folders["work"].iterdir()) == []
    cache = folders["XDG_CACHE_HOME"] / "tileloom" / "builds"
    assert not cache.exists() or list(cache.iterdir()) == []
    assert not [link for link in mine if link.parent.exists()]
    assert not [folder for folder in elsewhere if folder and Path(folder).exists()]
    assert bool(elsewhere) == (job in ("a Verilator build", "a Yosys run"))
