"""Builds and runs the compiled harness of an AXI4 engine, ``axi_harness.cpp``: programs in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tileloom import scratch
from tileloom.design import Design
from tileloom.engine.axi.registers import register_map
from tileloom.engine.config import EngineConfig
from tileloom.registers.table import table

from ..build import harness, verilator
from .memory import MemoryImage

STATUS_ADDRESS = 6
"""Bit of a status at which the address begins."""

SOURCE = Path(__file__).with_name("axi_harness.cpp")
HOSTS = {
    wrapped: Path(__file__).with_name(f"{name}_host.h")
    for wrapped, name in {False: "stream", True: "register"}.items()
}


@dataclass(frozen=True)
class AxiProgram:
    """A program to run.

    Attributes
    ----------
    image:
        The memory before it.
    waits:
        How often AR, R, AW, W and B wait in a cycle, 0 to below 1.
    seed:
        Of the waits.
    failing:
        Address of a byte that memory fails to read or to write: an access to it is answered with an error,
        and what was read is noise. None for none.
    response:
        Of such an access: 2 SLVERR, 3 DECERR.
    abandoned:
        After how many cycles the program is given up by a reset, before it is begun anew with the memory as
        it was; 0 for never.
    """

    image: MemoryImage
    waits: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    seed: int = 0
    failing: int | None = None
    response: int = 2
    abandoned: int = 0


@dataclass(frozen=True)
class AxiRun:
    """What a program gave.

    Attributes
    ----------
    content:
        The memory after it, as ``MemoryImage.content`` before.
    cycles:
        From the offer on ``start`` until ``status`` was valid.
    status:
        The word on ``status``.
    answered:
        The word that the first error response calls for, 0 where there was none.
    skipped:
        Blocks that were left out as the registers count, 0 of an engine without.
    """

    content: bytes
    cycles: int
    status: int
    answered: int
    skipped: int = 0


def build_axi_harness(design: Design, config: EngineConfig, *, waves: bool = False) -> Path:
    """Return the harness of an engine, made if the cache has none. Raises ToolError as a tool fails."""
    registers = table(register_map(config)).addresses if config.wrapper else {}
    addresses = {f"REGISTER_{name}": address for name, address in registers.items()}
    return harness.design_harness(
        "axi-harness",
        design,
        SOURCE,
        headers=[HOSTS[bool(config.wrapper)], harness.HELD, harness.AXI_LITE, harness.AXI_MEMORY],
        numbers={"BEAT_BYTES": config.bus // 8, "BURST_BEATS": config.burst_beats, **addresses},
        kept=verilator.elements(design.manifest["modules"]),
        waves=waves,
    )


def run_programs(
    design: Design,
    config: EngineConfig,
    programs: Sequence[AxiProgram],
    *,
    waves: Path | None = None,
    mutant: int | None = None,
) -> list[AxiRun]:
    """Run programs after one another on one engine (see ``run_layers``), each with a memory of its own.

    Raises ToolError if the harness cannot be built, and HarnessError if it fails: the engine stands still, or
    does what AXI4 does not allow, or touches memory that is not its own.
    """
    harness_program = build_axi_harness(design, config, waves=waves is not None)
    plan, regions = [], []
    for program in programs:
        image, failing = program.image, program.failing
        plan.append([len(image.regions), len(image.result_runs), image.start])
        plan[-1] += [0, 0] if failing is None else [failing, program.response]
        plan[-1] += [failing is not None and image.says_what_to_do(failing, config.bus // 8), program.seed]
        plan[-1] += [round(65536 * wait) for wait in program.waits] + [program.abandoned]
        regions += [*image.regions, *sorted(image.result_runs)]
    with scratch.folder() as folder:
        np.array(plan, "<u8").tofile(folder / "plan.bin")
        np.array(regions, "<u8").tofile(folder / "regions.bin")
        (folder / "memory.bin").write_bytes(b"".join(program.image.content for program in programs))
        lines = harness.run(harness_program, [folder, *([waves] if waves else [])], mutant=mutant)
        after = (folder / "after.bin").read_bytes()
    runs, begin = [], 0
    for program, (_, cycles, skipped, response, burst, *words) in zip(programs, lines, strict=True):
        end = begin + len(program.image.content)
        status = sum(int(word, 16) << 32 * index for index, word in enumerate(words))
        answered = int(response) | int(burst) << STATUS_ADDRESS
        runs.append(AxiRun(after[begin:end], int(cycles), status, answered, int(skipped)))
        begin = end
    return runs
