"""The tools of a build: installed ones, or the same from wheels; Yosys is in one that is a library."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tileloom import processes
from tileloom.errors import ToolError

EXTRA = "board"
"""The optional dependencies that bring them: ``pip install 'tileloom[board]'``."""

YOSYS = "yosys"
WHEELS = ("nextpnr-ecp5", "nextpnr-ice40", "ecppack", "icepack")
"""Tools that are in wheels, there called ``yowasp-NAME``."""

OTHERS = ("vivado",)
"""Tools of a build that are not."""

OLDEST_YOSYS = (0, 40)
"""What Amaranth 0.5 needs; distributions have older ones."""


@dataclass(frozen=True)
class Tool:
    """A program; ``package`` is the wheel that it is of, or None where it is installed otherwise."""

    program: Path
    package: str | None = None

    @property
    def version(self) -> str:
        """What it is, for a report: the wheel and its version, or what the program says of itself."""
        if self.package is not None:
            try:
                return f"{self.package} {version(self.package)}"
            except PackageNotFoundError:  # of another Python
                pass
        done = processes.run([self.program, "--version"])
        return ((done.output + done.errors).strip().splitlines() or [self.program.name])[0]


def variable(tool: str) -> str:
    """Return the environment variable that names a tool, as Amaranth has it."""
    return tool.upper().replace("-", "_")


def installed(tool: str) -> Tool | None:
    """Return what a tool's variable names, else an installed one that is not too old, else None.

    Raises ToolError where the variable names no program.
    """
    named = os.environ.get(variable(tool))
    found = shutil.which(named or tool)
    if found and (named or tool != YOSYS or _yosys_version(found) >= OLDEST_YOSYS):
        wheel = Path(found).name == f"yowasp-{tool}"
        return Tool(Path(found), f"yowasp-{tool}" if wheel else None)
    if named:
        raise ToolError(f"{variable(tool)}: {named} is no program")
    return None


def find(tool: str) -> Tool:
    """Return a tool: an installed one, else a wheel's. Raises ToolError where there is none."""
    if found := installed(tool):
        return found
    if tool not in WHEELS:
        raise ToolError(f"{tool} is not installed; put it into PATH, or build elsewhere with build_top.sh")
    name = f"yowasp-{tool}"
    program = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if program is None:
        raise ToolError(f"{tool} is not installed, and there is no wheel: pip install 'tileloom[{EXTRA}]'")
    return Tool(Path(program), name)


_PYOSYS = """\
import sys, tempfile
from importlib.metadata import version
if sys.argv[1:] == ["-V"]:
    print("Yosys", version("pyosys"))
else:
    from pyosys import libyosys as ys
    with tempfile.NamedTemporaryFile("w", suffix=".ys") as script:
        script.write(sys.stdin.read())
        script.flush()
        ys.run_pass(f"tee -q script {script.name}", ys.Design())
"""


def yosys_program(folder: Path) -> Path:
    """Return a Yosys that Amaranth can call: an installed one, else a program around pyosys, in ``folder``.

    The latter tells its version, and runs a script that comes on standard input, which is all that Amaranth
    asks of it.
    """
    if found := installed(YOSYS):
        return found.program
    code, program = folder / "yosys.py", folder / YOSYS
    code.write_text(_PYOSYS, encoding="utf-8")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{code}" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def _yosys_version(program: str) -> tuple[int, ...]:
    """Return the version that a Yosys says, or (0,) where it says none."""
    found = re.match(r"Yosys (\d+)\.(\d+)", processes.run([program, "-V"]).output)
    return tuple(map(int, found.groups())) if found else (0,)
