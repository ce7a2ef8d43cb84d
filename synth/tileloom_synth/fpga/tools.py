"""The tools of a build: installed ones, or the same from wheels."""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tileloom import processes
from tileloom.errors import ToolError

EXTRA = "board"
"""The optional dependencies that bring them: ``pip install 'tileloom[board]'``."""

WHEELS = ("yosys", "nextpnr-ecp5", "nextpnr-ice40", "ecppack", "icepack")
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
    if found and (named or tool != "yosys" or _yosys_version(found) >= OLDEST_YOSYS):
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
        raise ToolError(
            f"{tool} is not installed, or is too old, and there is no wheel: pip install 'tileloom[{EXTRA}]'"
        )
    return Tool(Path(program), name)


def _yosys_version(program: str) -> tuple[int, ...]:
    """Return the version that a Yosys says, or (0,) where it says none."""
    found = re.match(r"Yosys (\d+)\.(\d+)", processes.run([program, "-V"]).output)
    return tuple(map(int, found.groups())) if found else (0,)
