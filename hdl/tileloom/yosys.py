"""Yosys: a script in, its log out, in a process of its own.

Yosys ends the process on an error, keeps global state, and cannot be interrupted, so that it never runs in
the caller's process. pyosys is a library without a command line; a line of Python stands in for one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from . import processes, scratch
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


def run(
    script: str,
    *,
    folder: Path | None = None,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a Yosys script, one or more commands a line, and return the log.

    It runs in ``folder``, by default here, so that the script can name files in it without quotes, which not
    all commands understand.

    ``on_line`` is called with each line of the log as it is written, for progress. The process and its
    children (ABC) are ended when ``timeout`` (seconds) has passed and on any exception, Ctrl-C included.

    Raises YosysError where Yosys reports an error or runs out of time.
    """
    # ABC's files, which stay where it is killed, and Yosys's cache of liberty files go when we end.
    temporary = str(scratch.lasting("tileloom-yosys-"))
    try:
        done = processes.run(
            [sys.executable, "-c", _RUNNER],
            text=script,
            folder=folder,
            environment={**os.environ, "TMPDIR": temporary},
            merge=True,
            timeout=timeout,
            on_line=on_line,
        )
    except processes.OutOfTimeError:
        raise YosysError(f"Yosys was not done after {timeout:g} s") from None
    if done.status != 0:
        raise YosysError(_reason(done.output.splitlines(), done.status))
    return done.output


def _reason(log: list[str], status: int) -> str:
    errors = [line.strip() for line in log if "ERROR: " in line]
    if errors:
        return errors[-1].partition("ERROR: ")[2]
    last = next((line.strip() for line in reversed(log) if line.strip()), "no output")
    return f"Yosys ended with status {status}: {last}"
