"""Yosys: a script in, its log out, in a process of its own.

Yosys ends the process on an error, keeps global state, and cannot be interrupted, so that it never runs in
the caller's process. pyosys is a library without a command line; a line of Python stands in for one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator

from .errors import ToolError

_RUNNER = """
import sys
from pyosys import libyosys as ys
script = sys.stdin.read()
design = ys.Design()
for line in script.splitlines():
    if line.strip():
        ys.run_pass(line, design)
sys.stdout.flush()
"""


class YosysError(ToolError):
    """A script that Yosys refused; the message is its ERROR line."""


def run(script: str, *, timeout: float | None = None, on_line: Callable[[str], None] | None = None) -> str:
    """Run a Yosys script, one or more commands a line, and return the log.

    ``on_line`` is called with each line of the log as it is written, for progress. The process and its
    children (ABC) are ended when ``timeout`` (seconds) has passed and on any exception, Ctrl-C included.

    Raises YosysError where Yosys reports an error or runs out of time.
    """
    log: list[str] = []
    expired = threading.Event()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as source:
        source.write(script)
        source.seek(0)
        with _process(source.fileno()) as process:

            def expire() -> None:
                expired.set()
                _end(process)

            timer = threading.Timer(timeout, expire) if timeout is not None else None
            if timer:
                timer.start()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    log.append(line)
                    if on_line:
                        on_line(line.rstrip())
                status = process.wait()
            finally:
                if timer:
                    timer.cancel()
    if expired.is_set():
        raise YosysError(f"Yosys was not done after {timeout:g} s")
    if status != 0:
        raise YosysError(_reason(log, status))
    return "".join(log)


@contextlib.contextmanager
def _process(stdin: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _RUNNER],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # so that ABC, its child, ends with it
    )
    with process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _reason(log: list[str], status: int) -> str:
    errors = [line.strip() for line in log if "ERROR: " in line]
    if errors:
        return errors[-1].partition("ERROR: ")[2]
    last = next((line.strip() for line in reversed(log) if line.strip()), "no output")
    return f"Yosys ended with status {status}: {last}"
