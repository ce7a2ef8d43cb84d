"""Verilator, from Verilog and C++ to a program: what the cocotb build and the GEMM harness share.

A mesh repeats one element hundreds of times. Verilator's habit of inlining every instance makes its C++, and
the compiler's time, grow with all of them, so that repeated modules are kept as modules: an 8 x 8 array
builds in 7 s instead of 12, a 32 x 32 one in 60 s instead of not at all. As *blocks* they are even compiled
only once: a 32 x 32 array whose rows are blocks builds in 14 s and runs at a third of the speed, which is
right for short runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tileloom import scratch

from . import toolchain

WARNINGS = ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--no-assert"]
SPEED = ["-O3", "--x-assign", "fast", "--x-initial", "fast"]
# g++ takes half as long with -O1 as with -Os or -O2, and the program runs no slower.
COMPILER = ["-MAKEFLAGS", "OPT_FAST=-O1", "-MAKEFLAGS", "OPT_GLOBAL=-O1"]


def elements(origins: Mapping[str, str]) -> list[str]:
    """Return the processing elements among a manifest's ``modules``: what to keep as modules."""
    return [name for name, origin in origins.items() if origin in ("processing element", "dot product")]


def rows(origins: Mapping[str, str]) -> list[str]:
    """Return the rows of the mesh among a manifest's ``modules``: what to make blocks of in a large array."""
    return [name for name in origins if name.endswith("_row")]


def control_file(modules: Iterable[str], *, blocks: bool, public: Iterable[str] = ()) -> str:
    """Return a Verilator control file.

    ``modules`` are kept as modules, or with ``blocks`` compiled once each. The signals of ``public`` modules
    can be reached from outside; cocotb needs those of the top.
    """
    kept = [f'{"hier_block" if blocks else "no_inline"} -module "{module}"' for module in modules]
    reachable = [f'public_flat_rw -module "{module}" -var "*"' for module in public]
    return "\n".join(["`verilator_config", *kept, *reachable, ""])


def build(
    work: Path,
    *,
    verilog: str,
    control: str,
    top: str,
    sources: Sequence[Path],
    executable: str,
    options: Sequence[str] = (),
) -> None:
    """Build ``executable`` in the folder ``work`` from Verilog and C++ sources.

    The model's class is ``Vtop``. Raises ToolError if Verilator or the compiler fails.
    """
    tool = toolchain.verilator()
    (work / "design.v").write_text(verilog, encoding="utf-8")
    (work / "design.vlt").write_text(control, encoding="utf-8")
    blocks = ["--hierarchical"] if "hier_block" in control else []
    jobs = str(os.cpu_count() or 1)
    command = [str(tool.executable), "--cc", "--exe", "--build", "-j", jobs, *WARNINGS, *SPEED, *COMPILER]
    command += [*blocks, "--top-module", top, "--prefix", "Vtop", "-Mdir", ".", "-o", executable, *options]
    command += ["design.vlt", "design.v", *map(str, sources)]
    # Its Makefiles do not take blanks, neither in the path of Verilator nor in that of the work.
    with scratch.plain(tool.root) as root:
        environment = tool.environment() | {"VERILATOR_ROOT": str(root), "TMPDIR": str(work)}
        toolchain.run(command, f"Building a simulation of {top}", environment, work)
