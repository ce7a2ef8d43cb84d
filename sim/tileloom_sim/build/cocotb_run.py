"""Runs a cocotb test module on generated Verilog, in Verilator or Icarus, from cached builds."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cocotb_tools.config
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from tileloom.errors import ToolError

from . import cache, toolchain
from . import verilator as verilator_build

SIMULATORS = ("verilator", "icarus")


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
        content = ["icarus", toolchain.icarus_version(), version("cocotb"), top, *options, verilog]
        return cache.built("icarus", content, lambda work: _build_icarus(work, verilog, top, waves=waves))

    libraries = str(cocotb_tools.config.libs_dir)
    main = Path(cocotb_tools.config.share_dir, "lib", "verilator", "verilator.cpp")
    options += ["--vpi", "-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"]
    # A wave file needs the insides of blocks, and Verilator traces them only when they are none.
    control = verilator_build.control_file(modules, blocks=blocks and not waves, public=[top])
    tools = [toolchain.verilator().version, toolchain.compiler_version(), version("cocotb")]
    settings = [*verilator_build.SPEED, *verilator_build.COMPILER, *options]

    def build(work: Path) -> list[str]:
        verilator_build.build(
            work,
            verilog=verilog,
            control=control,
            top=top,
            sources=[main],
            executable=top,
            options=options,
        )
        return [top]

    return cache.built("cocotb", [*tools, *settings, top, control, verilog], build)


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

    The log and the results are left in ``folder``. ``waves`` is the wave file to write, VCD from Verilator
    and FST from Icarus; ``environment`` has variables for the test module; ``testcase`` names the tests to
    run, by default all; ``seed`` is cocotb's. For ``modules`` and ``blocks`` see ``build_cocotb``.
    """
    place = build_cocotb(
        verilog, top, simulator=simulator, waves=waves is not None, modules=modules, blocks=blocks
    )
    folder = folder.resolve()
    log_file, results = folder / "simulation.log", folder / "results.xml"
    arguments: list[str] = []
    if waves is not None and simulator == "verilator":
        arguments = ["--trace", "--trace-file", str(waves.resolve())]
    elif waves is not None:
        arguments = [f"+dumpfile_path={waves.resolve()}"]
    runner = get_runner(simulator)
    runner.log.setLevel(logging.CRITICAL)  # what failed is in the results
    # The runner leaves the process when a test fails under pytest, and when a simulator dies.
    with contextlib.suppress(SystemExit, RuntimeError):
        runner.test(
            test_module=test_module,
            hdl_toplevel=top,
            hdl_toplevel_lang="verilog",
            build_dir=place,
            test_dir=folder,
            results_xml=str(results),
            log_file=str(log_file),
            extra_env=dict(environment or {}),
            testcase=testcase,
            seed=seed,
            plusargs=arguments if simulator == "icarus" else [],
            test_args=arguments if simulator == "verilator" else [],
            waves=simulator == "icarus" and waves is not None,
        )
    log = log_file.read_text(errors="replace") if log_file.exists() else ""
    try:
        tests, failed = get_results(results)
    except RuntimeError:
        tests, failed = 1, 1
    return Run(tests, failed, log, waves)


def _build_icarus(work: Path, verilog: str, top: str, *, waves: bool) -> list[str]:
    (work / "design.v").write_text(verilog)
    runner = get_runner("icarus")
    runner.log.setLevel(logging.CRITICAL)
    log = work / "build.log"
    try:
        runner.build(
            sources=[work / "design.v"],
            hdl_toplevel=top,
            build_dir=work,
            timescale=("1ns", "1ps"),
            waves=waves,
            log_file=log,
            always=True,
        )
    except RuntimeError:
        lines = log.read_text(errors="replace").splitlines()
        raise ToolError("\n".join([f"iverilog refused {top}:", *lines[-12:]])) from None
    return ["sim.vvp"]
