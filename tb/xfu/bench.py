"""Builds and runs the C++ bench of the CV-X-IF adapter on CV32E40X."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tileloom.design import Design
from tileloom_sim.build.harness import compile_harness
from tileloom_sim.build.verilator import control_file
from tileloom_sim.xfu import adapter

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
    control = control_file([], blocks=False, public=[design.name] if top else [])
    folders = {source: HERE, "x_if.h": adapter.HERE}
    sources = {name: (folder / name).read_text(encoding="utf-8") for name, folder in folders.items()}
    return compile_harness(
        "xfu",
        design.verilog,
        top or design.name,
        rtl | sources,
        source,
        control=control,
        options=[*options, *rtl],
    )


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
