"""Programs that Tileloom starts: each in a group of its own, which never outlives the call.

Make starts compilers, Yosys starts ABC: what is ended is the whole group, and that on every way out, so that
Ctrl-C, SIGTERM and a time limit leave no process behind. Nothing else in Tileloom starts a program.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from .errors import ToolError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class OutOfTimeError(ToolError):
    """A program was not done in the time that it was given."""


class Terminated(SystemExit):
    """SIGTERM or SIGHUP came; the exit status is 128 and the signal's number, as a shell's."""


@dataclass(frozen=True)
class Finished:
    """A program that ended.

    Attributes
    ----------
    status:
        Its exit status; negative: the signal that ended it.
    output, errors:
        What it wrote to standard output and to standard error.
    """

    status: int
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """What it said on standard error, or how it ended where it said nothing."""
        if self.status < 0:
            how = f"it was ended by signal {-self.status}"
        else:
            how = f"it ended with status {self.status}"
        return self.errors.strip() or how


def run(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    text: str = "",
    merge: bool = False,
    timeout: float | None = None,
    processor_seconds: int | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """Run a program to its end, and end all that it started.

    Parameters
    ----------
    command:
        The program and its arguments; no shell.
    folder:
        Where it runs; by default here.
    environment:
        All of its variables; by default ours.
    text:
        Its standard input, which ends there.
    merge:
        Take standard error for standard output, in the order in which both are written.
    timeout:
        Seconds.
    processor_seconds:
        What it may take of a processor, and each program that it starts: the same on a busy machine.
    on_line:
        Called with each line of standard output, without its end, as it is written.

    Raises ToolError where the program cannot be started, or is ended with the others of ``threads``, and
    OutOfTimeError after ``timeout`` or ``processor_seconds``. On any exception, also one that a signal raises
    here, the program and its children are gone before it goes on.
    """
    lines: list[str] = []
    expired = threading.Event()
    process: subprocess.Popen[str] | None = None
    timer: threading.Timer | None = None
    with tempfile.TemporaryFile("w+", encoding="utf-8") as source, tempfile.TemporaryFile() as errors:
        source.write(text)
        source.seek(0)
        try:
            with signals_held():  # until it is known whom to end
                process = _start(command, folder, environment, source, None if merge else errors)
                _running.add(process)
            if processor_seconds is not None:
                limits = (processor_seconds, processor_seconds + 1)
                with contextlib.suppress(ProcessLookupError):  # it has ended
                    resource.prlimit(process.pid, resource.RLIMIT_CPU, limits)
            if _stopping:
                _kill(process)
            if timeout is not None:
                timer = threading.Timer(timeout, _expire, [process, expired])
                timer.start()
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if on_line is not None:
                    on_line(line.rstrip("\r\n"))
            if hasattr(
                os, "waitid"
            ):  # not reaped yet: its number stays the group's and becomes nobody else's
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            else:
                process.wait()
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()
            if process is not None:
                with signals_held():
                    _running.discard(process)  # before its number can become somebody else's
                    _end(process)
        if _stopping:
            raise ToolError(f"{Path(command[0]).name}: ended with the others")
        if expired.is_set():
            raise OutOfTimeError(f"{Path(command[0]).name} was not done after {timeout:g} s")
        if process.returncode == -signal.SIGXCPU:
            name = Path(command[0]).name
            raise OutOfTimeError(f"{name} was not done after {processor_seconds} s of a processor")
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")
    return Finished(process.returncode, "".join(lines), said)


@contextlib.contextmanager
def conversation(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """Give the block a program to talk to: its standard input and output are pipes of bytes.

    At the end of the block it is ended, and all that it started. What it says on standard error goes to ours.
    Raises ToolError where it cannot be started.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with signals_held():  # until it is known whom to end
            try:
                process = subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                raise ToolError(f"{command[0]}: cannot be started: {error.strerror}") from None
        yield process
    finally:
        if process is not None:
            with signals_held():
                with contextlib.suppress(OSError):  # what was not flushed, to one that has ended
                    process.stdin.close()  # type: ignore[union-attr]
                _end(process)


_running: set[subprocess.Popen[str]] = set()
_stopping = False


@contextlib.contextmanager
def threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Give ``count`` threads that run programs; on an exception in the block all of them end at once.

    What waits for a thread is not begun then, and each program that a thread runs, or goes on to, is ended: a
    signal reaches the main thread alone, which otherwise would wait for the others' programs to be done.
    """
    global _stopping
    with ThreadPoolExecutor(count) as pool:
        try:
            yield pool
        except BaseException:
            _stopping = True
            for process in _running.copy():
                _kill(process)
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            _stopping = False


def _start(
    command: Sequence[str | Path],
    folder: Path | None,
    environment: Mapping[str, str] | None,
    source: IO[Any],
    errors: IO[Any] | None,
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=environment,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors is None else errors,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be started: {error.strerror}") from None


def _expire(process: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    _kill(process)


def _kill(process: subprocess.Popen[Any]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[Any]) -> None:
    """End the group of a process that was not reaped, and wait until all of it is gone."""
    _kill(process)
    if process.stdout is not None:
        process.stdout.close()
    process.wait()
    # Grandchildren are reaped by init; until they are gone they could still write into folders that go.
    deadline = time.monotonic() + 1
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.001)


_held = 0
_waiting: list[int] = []


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let signals wait until the end of the block, where ``signals_raise`` is in effect.

    They come to the main thread alone: elsewhere there is nothing to wait for.
    """
    global _held
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if _waiting and not _held:
            _raise(_waiting.pop())


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Make SIGTERM and SIGHUP raise Terminated, and SIGINT KeyboardInterrupt, while the block runs.

    ``finally`` runs then, and removes processes, folders and files. The first signal counts: what comes after
    it, in the block, is ignored, so that cleaning up is not interrupted. Outside the main thread nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    # Who is started with nohup, or in the background of a shell, keeps that.
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    _waiting.clear()
    for number in before:
        signal.signal(number, _handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _handle(number: int, frame: FrameType | None) -> None:
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    if _held:
        _waiting.append(number)
    else:
        _raise(number)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Terminated(128 + number)
