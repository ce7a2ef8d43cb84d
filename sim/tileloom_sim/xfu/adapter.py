"""The CV-X-IF adapter alone, on a random pipeline in C++, replayed on a golden hart.

Commits and kills come as CV32E40X gives them, or batched, as CORE-V-XIF 1.0 allows; memory answers late, with
errors and exceptions; every port makes the adapter wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tileloom import processes, scratch
from tileloom.design import Design
from tileloom.errors import CheckError
from tileloom.xfu.config import XfuConfig
from tileloom_golden.xfu import xdecimate as golden

from ..build.harness import compile_harness
from ..build.verilator import MUTANT_SECONDS, control_file

HERE = Path(__file__).parent

SOURCES = ("adapter.cpp", "x_if.h")


def build(design: Design, options: Sequence[str] = ()) -> Path:
    """Return the bench of an adapter, built with Verilator's ``options``.

    Raises ToolError where a tool is missing or fails.
    """
    sources = {name: (HERE / name).read_text(encoding="utf-8") for name in SOURCES}
    control = control_file([], blocks=False)
    return compile_harness(
        "xfu", design.verilog, design.name, sources, SOURCES[0], control=control, options=options
    )


def run(
    program: Path,
    config: XfuConfig,
    rng: np.random.Generator,
    count: int,
    stall: int,
    *,
    batched: bool = False,
    mutant: int | None = None,
) -> tuple[dict[str, int], dict[str, int]]:
    """Run ``count`` random instructions and compare all results.

    Parameters
    ----------
    program, config:
        The bench, and the adapter that it is of.
    rng:
        Of registers, instructions and waits.
    stall:
        In percent, how likely each port makes the adapter wait in a cycle.
    batched:
        Commits and kills as CORE-V-XIF 1.0 allows.
    mutant:
        Of an adapter with faults in it, which of them is there.

    Returns what the bench counted, and what was compared. Raises CheckError where the adapter breaks a rule
    of the interface, stands still, or differs from the golden hart; OutOfTimeError where a mutant is not done
    in ``MUTANT_SECONDS``.
    """
    registers = [0, *map(int, rng.integers(0, 1 << 32, 31))]
    with scratch.folder() as folder:
        np.array(registers, "<u4").tofile(folder / "registers.bin")
        seed, built = int(rng.integers(1 << 31)), sum(config.group_sizes)
        arguments = [folder, seed, count, built, int(config.precise_errors), stall, int(batched)]
        fault = [] if mutant is None else [f"+mutant={mutant}"]
        done = processes.run(
            [program, *map(str, arguments), *fault],
            processor_seconds=None if mutant is None else MUTANT_SECONDS,
        )
        if done.status:
            raise CheckError(done.reason)
        words = done.output.split()
        seen = {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}
        log = np.fromfile(folder / "log.bin", "<u4").reshape(-1, 5)
    return seen, _compare(log.tolist(), registers, config.group_sizes)


def _byte_at(address: int) -> int:
    """Return what the bench's memory has, as in adapter.cpp."""
    return (address * 0x9E3779B1 & 0xFFFFFFFF) >> 11 & 0xFF


def _compare(log: list[list[int]], registers: list[int], sizes: tuple[int, ...]) -> dict[str, int]:
    """Replay the log on a golden hart; return how much was compared."""
    failing, where = False, 0

    def load(address: int) -> int:
        if address != where:
            raise CheckError(f"loaded from {where:#x}, not {address:#x}")
        if failing:
            raise golden.LoadError(address)
        return _byte_at(address)

    hart = golden.Hart(load, registers=list(registers))
    counts = {"decimate": 0, "swap": 0, "fault": 0, "write": 0}
    for kind, what, value, fault, where in log:  # noqa: B007 (the last is the load's)
        if kind == 1:
            hart.write(what, value)
            counts["write"] += 1
            continue
        names = ("funct2", "rd", "rs1", "rs2", "rs3")
        parts = (what >> 25 & 3, what >> 7 & 31, what >> 15 & 31, what >> 20 & 31, what >> 27)
        instruction = golden.decode(**dict(zip(names, parts, strict=True)), built=sizes)
        if instruction is None:
            raise CheckError(f"{what:#010x} was accepted")
        failing = bool(fault)
        try:
            hart.execute(instruction)
            if fault:
                raise CheckError(f"a fault was told of {instruction}, which has no load")
        except golden.LoadError:
            counts["fault"] += 1
        if instruction.rd and value != hart.registers[instruction.rd]:
            at, expected = counts["decimate"] + counts["swap"], hart.registers[instruction.rd]
            raise CheckError(f"result {at}: {value:#010x}, not {expected:#010x}, of {instruction}")
        counts["swap" if isinstance(instruction, golden.SwapCounter) else "decimate"] += 1
    return counts
