"""Verilator, from Verilog and C++ to a program: what the cocotb build and the GEMM harness share.

A mesh repeats one element hundreds of times. Verilator's habit of inlining every instance makes its C++, and
the compiler's time, grow with all of them, so that repeated modules are kept as modules: an 8 x 8 array
builds in 7 s instead of 12, a 32 x 32 one in 60 s instead of not at all. As *blocks* they are even compiled
only once: a 32 x 32 array whose rows are blocks builds in 14 s and runs at a third of the speed, which is
right for short runs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tileloom import scratch

from . import cache, coverage, toolchain

WARNINGS = ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--no-assert"]
SPEED = ["-O3", "--x-assign", "fast", "--x-initial", "fast"]
# g++ takes half as long with -O1 as with -Os or -O2, and the program runs no slower. One file of all C++
# takes three fifths of the processor time of several side by side, and on two cores is done no later.
COMPILER = [
    "-MAKEFLAGS",
    "OPT_FAST=-O1",
    "-MAKEFLAGS",
    "OPT_GLOBAL=-O1",
    "-MAKEFLAGS",
    "VM_PARALLEL_BUILDS=0",
]
MUTANT = "TILELOOM_MUTANT"
"""Variable with the value of the port ``mutant``, of designs that have one (``tileloom verify --mutate``)."""
MUTANT_SECONDS = 60
"""What a run of such a design may take of a processor: a fault may make it one without an end."""
RUNTIME_TIME = 4102444800
"""Of the files of the runtime library in a build: the year 2100."""
RUNTIMES = ("--trace", "--vpi", *coverage.OPTIONS)
"""Options that decide what is in the runtime library."""


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
    (work / "design.v").write_text(verilog, encoding="utf-8")
    (work / "design.vlt").write_text(control, encoding="utf-8")
    arguments = ["--exe", "-o", executable, "--top-module", top, *options]
    for file in _runtime([kind for kind in RUNTIMES if kind in options]):
        # Newer than all that make might think it is made from.
        os.utime(shutil.copy(file, work), (RUNTIME_TIME, RUNTIME_TIME))
    if "hier_block" in control:
        arguments += ["--hierarchical"]
    _verilate(work, [*arguments, "design.vlt", "design.v", *map(str, sources)], f"a simulation of {top}")


def _runtime(kinds: Sequence[str]) -> list[Path]:
    """Return the object files of Verilator's runtime library, the same in every build of these ``RUNTIMES``.

    They take longer to compile than a small design, so that they are kept: a build of an empty module.
    """
    tools = [toolchain.verilator().version, toolchain.compiler_version()]

    def build(work: Path) -> list[str]:
        (work / "design.v").write_text("module top; endmodule\n", encoding="utf-8")
        _verilate(work, [*kinds, "design.v"], "Verilator's runtime library")
        return [file.name for file in work.glob("verilated*.o")]

    return sorted(cache.built("runtime", [*tools, *SPEED, *COMPILER, *kinds], build).glob("*.o"))


def _verilate(work: Path, arguments: Sequence[str], what: str) -> None:
    """Run Verilator, and the compiler on what it writes, in the folder ``work``."""
    tool = toolchain.verilator()
    jobs = str(os.cpu_count() or 1)
    command = [str(tool.executable), "--cc", "--build", "-j", jobs, *WARNINGS, *SPEED, *COMPILER]
    command += ["--prefix", "Vtop", "-Mdir", ".", *arguments]
    # Its Makefiles do not take blanks, neither in the path of Verilator nor in that of the work.
    with scratch.plain(tool.root) as root:
        environment = tool.environment() | {"VERILATOR_ROOT": str(root), "TMPDIR": str(work)}
        toolchain.run(command, f"Building {what}", environment, work)
