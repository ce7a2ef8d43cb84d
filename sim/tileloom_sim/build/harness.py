"""Compiled harnesses: a Verilator model with C++ around it, ``harness.h`` among it, built, kept and run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tileloom import processes
from tileloom.design import Design
from tileloom.errors import CheckError

from . import cache, coverage, toolchain, verilator
from .verilator import MUTANT, MUTANT_SECONDS

HEADER = Path(__file__).with_name("harness.h")
HELD, AXI_LITE, AXI_MEMORY = (
    Path(__file__).with_name(f"{name}.h") for name in ("held", "axi_lite", "axi_memory")
)
"""Headers for harnesses that say so: of what is offered, of a block behind registers, of AXI4 masters."""

PROGRAM = "harness"

Progress = Callable[..., None]
"""Called with the whole numbers of each line ``progress NUMBERS...``."""


class HarnessError(CheckError):
    """The harness gave up; the message is its own."""


def compile_harness(
    name: str,
    verilog: str,
    top: str,
    sources: Mapping[str, str],
    main: str,
    *,
    control: str,
    waves: bool = False,
    options: Sequence[str] = (),
) -> Path:
    """Return the program of ``verilog`` and C++, made if the cache has none under ``name``.

    Parameters
    ----------
    name:
        What kind of build it is, for people.
    verilog, top:
        The hardware and its top module.
    sources:
        Further texts by file name; ``harness.h`` is added. RTL among them must be named in ``options`` too.
    main:
        Which of them is the C++ to compile.
    control:
        What Verilator is told of modules (``verilator.control_file``).
    waves:
        Make a program that can write a wave file.
    options:
        Of Verilator.

    Raises ToolError where a tool is missing or fails.
    """
    texts = {HEADER.name: HEADER.read_text(encoding="utf-8"), **sources}
    options = ["-CFLAGS", "-I.", *(["--trace"] if waves else []), *coverage.options(), *options]

    def build(work: Path) -> list[str]:
        for file, text in texts.items():
            (work / file).parent.mkdir(exist_ok=True)
            (work / file).write_text(text, encoding="utf-8")
        verilator.build(
            work,
            verilog=verilog,
            control=control,
            top=top,
            sources=[Path(main)],
            executable=PROGRAM,
            options=options,
        )
        return [PROGRAM]

    tools = [toolchain.verilator().version, toolchain.compiler_version()]
    settings = [*verilator.SPEED, *verilator.COMPILER, *verilator.WARNINGS, *options]
    named = [part for item in texts.items() for part in item]
    return cache.built(name, [*tools, *settings, control, top, main, *named, verilog], build) / PROGRAM


def design_harness(
    name: str,
    design: Design,
    source: Path,
    *,
    headers: Sequence[Path] = (),
    numbers: Mapping[str, object] | None = None,
    kept: Sequence[str] = (),
    blocks: bool = False,
    waves: bool = False,
) -> Path:
    """Return the program of a design and the C++ file ``source``, as ``compile_harness`` does.

    ``source`` includes ports.h, the names of the design's signals and ``numbers``, and may include
    ``headers``. ``kept`` modules, or with ``blocks`` each as a block of its own, are not inlined
    (``verilator.control_file``).
    """
    return compile_harness(
        name,
        design.verilog,
        design.name,
        {
            "ports.h": ports_header(design.manifest, numbers),
            **{path.name: path.read_text(encoding="utf-8") for path in (source, *headers)},
        },
        source.name,
        control=verilator.control_file(kept, blocks=blocks),
        waves=waves,
    )


def ports_header(manifest: Mapping[str, Any], numbers: Mapping[str, object] | None = None) -> str:
    """Return ports.h: the names of the model's clock, reset and stream signals, and further ``numbers``."""
    macros: dict[str, object] = {
        "CLOCK": manifest["clock"],
        "RESET": manifest["reset"]["name"],
        "RESET_ACTIVE": int(not manifest["reset"]["active_low"]),
        **(numbers or {}),
    }
    for port in manifest["ports"]:
        for field, signal in port["signals"].items():
            macros[f"{port['name']}_{field}".upper()] = signal
    return "".join(f"#define {name} {value}\n" for name, value in macros.items())


def run(
    program: Path,
    arguments: Sequence[object],
    progress: Progress | None = None,
    *,
    mutant: int | None = None,
) -> list[list[str]]:
    """Run a harness and return the fields of the lines that it prints, those of progress left out.

    ``mutant`` is the value of the design's port of that name, where it has one. Raises HarnessError with its
    message where it fails; OutOfTimeError where a mutant is not done in ``MUTANT_SECONDS``.
    """
    lines: list[list[str]] = []

    def take(line: str) -> None:
        kind, *numbers = line.split()
        if kind != "progress":
            lines.append([kind, *numbers])
        elif progress is not None:
            progress(*map(int, numbers))

    collection = coverage.current()
    variables = {} if collection is None else {coverage.VARIABLE: str(collection.next())}
    if mutant is not None:
        variables[MUTANT] = str(mutant)
    done = processes.run(
        [program, *map(str, arguments)],
        environment={**os.environ, **variables},
        processor_seconds=None if mutant is None else MUTANT_SECONDS,
        on_line=take,
    )
    if done.status:
        raise HarnessError(done.reason)
    return lines
