"""Runs a cocotb test module on generated Verilog, in Verilator or Icarus, from cached builds."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cocotb_tools.config
import find_libpython
from cocotb_tools.check_results import get_results

from tileloom import processes

from . import cache, coverage, toolchain
from . import verilator as verilator_build

SIMULATORS = ("verilator", "icarus")

_DUMP = """module tileloom_dump;
  initial begin
    $dumpfile("waves.fst");
    $dumpvars(0, {top});
  end
endmodule
"""
"""What makes Icarus write waves; it does not take every path, so that they are moved to theirs."""


@dataclass(frozen=True)
class Run:
    """A finished cocotb run.

    Attributes
    ----------
    tests, failed:
        How many cocotb tests ran and failed; a simulator that died counts as a failed test.
    log:
        What the simulator and cocotb printed.
    waves:
        The wave file, where one was asked for.
    """

    tests: int
    failed: int
    log: str
    waves: Path | None

    @property
    def passed(self) -> bool:
        """Whether something ran and nothing failed."""
        return self.tests > 0 and self.failed == 0


def build_cocotb(
    verilog: str,
    top: str,
    *,
    simulator: str = "verilator",
    waves: bool = False,
    modules: Sequence[str] = (),
    blocks: bool = False,
) -> Path:
    """Return the folder of a simulator build that cocotb can drive, made if the cache has none.

    ``modules`` are kept as modules in Verilator's C++, or with ``blocks`` compiled once
    (``verilator_build.control_file``). Raises ToolError where a tool is missing or fails.
    """
    toolchain.require_libpython()
    options = ["--trace"] if waves else []
    if simulator == "icarus":
        content = ["icarus", toolchain.icarus_version(), _DUMP, top, *options, verilog]
        return cache.built("icarus", content, lambda work: _build_icarus(work, verilog, top, waves=waves))

    main = Path(cocotb_tools.config.share_dir, "lib", "verilator", "verilator.cpp").read_text()
    options += ["--vpi", *coverage.options()]
    # A wave file needs the insides of blocks, and Verilator traces them only when they are none.
    control = verilator_build.control_file(modules, blocks=blocks and not waves, public=[top])
    tools = [toolchain.verilator().version, toolchain.compiler_version(), version("cocotb")]
    settings = [*verilator_build.SPEED, *verilator_build.COMPILER, *options]

    def build(work: Path) -> list[str]:
        (work / "main.cpp").write_text(main)
        # Where cocotb is may be a path with blanks, which do not go through make.
        (work / "cocotb").symlink_to(cocotb_tools.config.libs_dir)
        verilator_build.build(
            work,
            verilog=verilog,
            control=control,
            top=top,
            sources=[Path("main.cpp")],
            executable=top,
            options=[*options, "-LDFLAGS", "-Lcocotb -lcocotbvpi_verilator"],
        )
        return [top]

    return cache.built("cocotb", [*tools, *settings, main, top, control, verilog], build)


def run_cocotb(
    verilog: str,
    top: str,
    test_module: str,
    *,
    folder: Path,
    simulator: str = "verilator",
    waves: Path | None = None,
    environment: Mapping[str, str] | None = None,
    testcase: str | Sequence[str] | None = None,
    seed: int | None = None,
    modules: Sequence[str] = (),
    blocks: bool = False,
) -> Run:
    """Build ``verilog``, whose top module is ``top``, and run the cocotb tests of ``test_module`` on it.

    The results are left in ``folder``. ``waves`` is the wave file to write, VCD from Verilator
    and FST from Icarus; ``environment`` has variables for the test module; ``testcase`` names the tests to
    run, by default all; ``seed`` is cocotb's. For ``modules`` and ``blocks`` see ``build_cocotb``.
    """
    place = build_cocotb(
        verilog, top, simulator=simulator, waves=waves is not None, modules=modules, blocks=blocks
    )
    folder = folder.absolute()
    results = folder / "results.xml"
    command: list[str | Path]
    if simulator == "verilator":
        trace = [] if waves is None else ["--trace", "--trace-file", str(waves.absolute())]
        command = [place / top, *trace]
        environment = {"COCOTB_TRUST_INERTIAL_WRITES": "1", **(environment or {})}  # as in cocotb's runner
    else:
        trace = ["-none" if waves is None else "-fst"]
        vpi = cocotb_tools.config.lib_entry("vpi", "icarus")
        command = ["vvp", "-m", vpi, place / "sim.vvp", *trace]
    variables = _variables(top, test_module, results, testcase, seed)
    done = processes.run(
        command,
        folder=folder,
        environment={**os.environ, **variables, **(environment or {})},
        merge=True,
        processor_seconds=verilator_build.MUTANT_SECONDS
        if verilator_build.MUTANT in (environment or {})
        else None,
    )
    if waves is not None and simulator == "icarus" and (folder / "waves.fst").exists():
        shutil.move(folder / "waves.fst", waves)
    collection = coverage.current()
    if collection is not None and (folder / "coverage.dat").exists():
        shutil.move(folder / "coverage.dat", collection.next())
    try:
        tests, failed = get_results(results)
    except RuntimeError:
        tests, failed = 1, 1
    return Run(tests, failed, done.output, waves)


def _variables(
    top: str, test_module: str, results: Path, testcase: str | Sequence[str] | None, seed: int | None
) -> dict[str, str]:
    """Return what a simulator finds cocotb and the tests by (cocotb's manual, "Custom Flows")."""
    libraries = str(cocotb_tools.config.libs_dir)
    variables = {
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": test_module,
        "COCOTB_RESULTS_FILE": str(results),
        "TOPLEVEL_LANG": "verilog",
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [libraries, os.environ.get("LD_LIBRARY_PATH")])),
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "GPI_USERS": f"{find_libpython.find_libpython()};{cocotb_tools.config.pygpi_entry_point()}",
    }
    if testcase is not None:
        names = [testcase] if isinstance(testcase, str) else testcase
        variables["COCOTB_TEST_FILTER"] = rf"\.({'|'.join(f'.*{re.escape(name)}' for name in names)})$"
    if seed is not None:
        variables["COCOTB_RANDOM_SEED"] = str(seed)
    return variables


def _build_icarus(work: Path, verilog: str, top: str, *, waves: bool) -> list[str]:
    (work / "design.v").write_text(verilog, encoding="utf-8")
    (work / "options").write_text("+timescale+1ns/1ps\n", encoding="utf-8")
    sources = ["design.v"]
    if waves:
        (work / "dump.v").write_text(_DUMP.format(top=top), encoding="utf-8")
        sources += ["dump.v", "-s", "tileloom_dump"]
    command = ["iverilog", "-g2012", "-o", "sim.vvp", "-s", top, "-f", "options", *sources]
    toolchain.run(command, f"Building a simulation of {top} with Icarus Verilog", os.environ, work)
    return ["sim.vvp"]
