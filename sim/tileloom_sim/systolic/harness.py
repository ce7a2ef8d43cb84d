"""Builds and runs the compiled GEMM harness, ``harness.cpp``, for one generated array."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tileloom.design import Design
from tileloom.errors import CheckError

from ..build import cache, toolchain
from ..build import verilator as verilator_build
from .beats import Beats
from .interface import Interface

SOURCE = Path(__file__).with_name("harness.cpp")

Progress = Callable[[int, int], None]
"""Called now and then with the cycles simulated and the vectors finished so far."""


class HarnessError(CheckError):
    """The harness gave up; the message is its own."""


@dataclass(frozen=True)
class HarnessRun:
    """What came out: result beats in the order of ``harness.cpp``, simulated cycles, seconds it took."""

    results: Beats
    cycles: int
    seconds: float


def build_harness(design: Design, interface: Interface, *, waves: bool = False, blocks: bool = False) -> Path:
    """Return the harness of ``design``, whose manifest says ``interface``, made if the cache has none.

    ``waves`` makes one that can write a wave file. ``blocks`` builds large arrays fast and runs them slowly
    (``verilator_build``). Raises ToolError where a tool is missing or fails.
    """
    header = _ports_header(interface, design.manifest["timing"])
    kept = verilator_build.rows if blocks and not waves else verilator_build.elements
    control = verilator_build.control_file(kept(design.manifest["modules"]), blocks=blocks and not waves)
    return compile_harness("harness", SOURCE, design, header, control, waves=waves)


def compile_harness(
    name: str, source: Path, design: Design, header: str, control: str, *, waves: bool
) -> Path:
    """Return the program of ``design`` and a C++ ``source``, made if the cache has none under ``name``.

    ``header`` is what the source includes as ports.h, ``control`` what Verilator is told of modules
    (``verilator_build.control_file``). Raises ToolError where a tool is missing or fails.
    """
    options = ["-CFLAGS", "-I.", *(["--trace"] if waves else [])]
    tools = [toolchain.verilator().version, toolchain.compiler_version()]
    settings = [*verilator_build.SPEED, *verilator_build.COMPILER, *options]

    def build(work: Path) -> list[str]:
        (work / "ports.h").write_text(header)
        (work / source.name).write_text(source.read_text())
        verilator_build.build(
            work,
            verilog=design.verilog,
            control=control,
            top=design.name,
            sources=[Path(source.name)],
            executable="harness",
            options=options,
        )
        return ["harness"]

    content = [*tools, *settings, control, header, source.read_text(), design.verilog]
    return cache.built(name, content, build) / "harness"


def run_harness(
    harness: Path,
    folder: Path,
    *,
    vectors: int,
    tiles: Iterable[tuple[int, int]],
    weights: Beats,
    activations: Beats,
    waves: Path | None = None,
    progress: Progress | None = None,
) -> HarnessRun:
    """Run the harness with ``folder`` for its files.

    ``tiles`` are k and n of the tiles to compute, column by column; the beats are as ``harness.cpp`` wants
    them. Raises HarnessError if it fails, above all when the array makes no more progress.
    """
    plan = [vectors, *(index for tile in tiles for index in tile)]
    np.array(plan, "<u4").tofile(folder / "tiles.bin")
    np.ascontiguousarray(weights, "<u4").tofile(folder / "weights.bin")
    np.ascontiguousarray(activations, "<u4").tofile(folder / "activations.bin")
    command = [str(harness), str(folder), *([str(waves)] if waves else [])]
    cycles = 0
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            kind, *numbers = line.split()
            if kind == "progress" and progress is not None:
                progress(int(numbers[0]), int(numbers[1]))
            elif kind == "done":
                cycles = int(numbers[0])
        message = process.stderr.read().strip()
    if process.returncode:
        raise HarnessError(message or f"the simulation ended with status {process.returncode}")
    seconds = time.perf_counter() - start
    results = np.fromfile(folder / "results.bin", "<u4")
    return HarnessRun(results, cycles, seconds)


def _ports_header(interface: Interface, timing: dict[str, int]) -> str:
    """Return ports.h: the names of the model's ports, and how many beats make a tile or a vector."""
    macros = {
        "CLOCK": interface.clock,
        "RESET": interface.reset,
        "RESET_ACTIVE": str(int(not interface.reset_active_low)),
        "WEIGHT_BEATS": str(timing["weight_transfers_per_tile"]),
        "ACTIVATION_BEATS": str(timing["activation_transfers_per_vector"]),
        "RESULT_BEATS": str(timing["result_transfers_per_vector"]),
    }
    for name, stream in interface.streams.items():
        for field in ("data", "valid", "ready", "last"):
            if signal := getattr(stream, field):
                macros[f"{name}_{field}".upper()] = signal
    return "".join(f"#define {name} {value}\n" for name, value in macros.items())
