"""The tools of a build: installed ones, or the same from wheels."""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from pathlib import Path

from tileloom import processes
from tileloom.errors import ToolError

from .boards import EXTRA

WHEELS = ("yosys", "nextpnr-ecp5", "nextpnr-ice40", "ecppack", "icepack")
"""Tools that are in wheels, there called ``yowasp-NAME``."""

OTHERS = ("vivado",)
"""Tools of a build that are not."""


OLDEST_YOSYS = (0, 40)
"""What Amaranth 0.5 needs; distributions have older ones."""


def _yosys_version(program: str) -> tuple[int, ...]:
    """Return the version that a Yosys says, or (0,) where it says none."""
    found = re.match(r"Yosys (\d+)\.(\d+)", processes.run([program, "-V"]).output)
    return tuple(map(int, found.groups())) if found else (0,)


def variable(tool: str) -> str:
    """Return the environment variable that names a tool, as Amaranth has it."""
    return tool.upper().replace("-", "_")


def wheel(tool: str) -> Path | None:
    """Return the program of a wheel of this Python, or None."""
    found = shutil.which(f"yowasp-{tool}", path=sysconfig.get_path("scripts")) or shutil.which(
        f"yowasp-{tool}"
    )
    return Path(found) if found else None


def find(tool: str) -> Path:
    """Return a tool: what its variable names, else an installed one that is not too old, else a wheel's.

    Raises ToolError where there is none.
    """
    named = os.environ.get(variable(tool))
    found = shutil.which(named or tool)
    if found and (named or tool != "yosys" or _yosys_version(found) >= OLDEST_YOSYS):
        return Path(found)
    if named:
        raise ToolError(f"{variable(tool)}: {named} is no program")
    if tool in WHEELS:
        program = wheel(tool)
        if program is not None:
            return program
        raise ToolError(
            f"{tool} is not installed, or is too old, and there is no wheel: pip install 'tileloom[{EXTRA}]'"
        )
    raise ToolError(f"{tool} is not installed; put it into PATH, or build elsewhere with build_top.sh")
