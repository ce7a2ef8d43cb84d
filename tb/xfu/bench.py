"""Builds and runs the two C++ benches of the CV-X-IF adapter: alone, and on CV32E40X."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tileloom.design import Design
from tileloom_sim.build import cache, toolchain
from tileloom_sim.build import verilator as verilator_build

HERE = Path(__file__).parent


def build_bench(
    source: str,
    design: Design,
    *,
    top: str | None = None,
    rtl: dict[str, str] | None = None,
    options: Sequence[str] = (),
) -> Path:
    """Return the program made of the C++ file ``source`` and the RTL, from the cache if it is there.

    ``top`` is the top module (by default the design's), in the further files ``rtl``; of the design, the
    signals are public then.
    """
    rtl = rtl or {}
    control = verilator_build.control_file([], blocks=False, public=[design.name] if top else [])
    headers = {name: (HERE / name).read_text() for name in (source, "x_if.h")}
    tools = [toolchain.verilator().version, toolchain.compiler_version()]
    settings = [*verilator_build.SPEED, *verilator_build.COMPILER, *verilator_build.WARNINGS, *options]

    def build(work: Path) -> list[str]:
        for name, text in (rtl | headers).items():
            (work / name).write_text(text)
        verilator_build.build(
            work,
            verilog=design.verilog,
            control=control,
            top=top or design.name,
            sources=[Path(source)],
            executable="bench",
            options=["-CFLAGS", "-I.", *options, *rtl],
        )
        return ["bench"]

    content = [
        *tools,
        *settings,
        control,
        design.verilog,
        *(text for item in (rtl | headers).items() for text in item),
    ]
    return cache.built("xfu", content, build) / "bench"


def run_bench(program: Path, arguments: Sequence[object]) -> dict[str, int]:
    """Run a bench; return the counts that it prints.

    Raises BenchError with its message where it finds something wrong.
    """
    done = subprocess.run(
        [str(program), *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise BenchError(done.stderr.strip() or f"ended with status {done.returncode}")
    words = done.stdout.split()
    return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}


class BenchError(Exception):
    """What a bench found wrong."""
