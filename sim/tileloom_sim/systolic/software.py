"""Y = X W on the RISC-V system: a product becomes a job for ``programs/gemm.c``.

A job is a structure of words (``programs/job.h``) at the first free address after the program, followed by
what it points at: X, W as the method reads it, room for panels and Y. By software alone on the core's FPU, or
by the C library of the array as a coprocessor.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..riscv.compile import Program, compile_program
from ..riscv.job_memory import JobMemory, conditions_for
from ..riscv.run import Conditions, ProgramRun, Progress, run_program
from ..riscv.system import System

PROGRAMS = Path(__file__).with_name("programs")
"""Where the programs are."""

CORE = "cv32e40p_fpu"
"""The core that the software is written for."""

BLOCK_ROWS, BLOCK_COLUMNS = 4, 6
"""Results that the blocked product keeps in registers (``programs/software.h``)."""

ALIGNMENT = 16
"""Of everything that a job points at."""

EVENTS = ("loads", "stores", "jumps", "branches", "load_stalls")
"""What the core's counters 3 to 7 are set to count."""

Operand = npt.NDArray[np.float32] | npt.NDArray[np.int8]


class Method(enum.StrEnum):
    """How the core computes a product; the order is that of ``enum method`` in job.h."""

    COMPILED = "compiled"
    """Three loops in C, as Clang compiles them."""
    PLAIN = "plain"
    """A result at a time, in a hardware loop."""
    BLOCKED = "blocked"
    """4 x 6 results at a time in registers: the best that we could write."""


@dataclass(frozen=True, kw_only=True)
class GemmRun:
    """What came of a product.

    Attributes
    ----------
    results:
        M x N words.
    cycles, instructions:
        By the core's own counters.
    events:
        The rest of them by the names of ``EVENTS``; nothing on a core that has none.
    """

    results: npt.NDArray[np.uint32]
    cycles: int
    instructions: int
    events: Mapping[str, int]


class Job(JobMemory):
    """The memory of a job from the first free address on, ``base``.

    Attributes
    ----------
    fields:
        Words of ``struct job`` by name; those that are not set are 0.
    """

    NAMES = (
        *("method", "integers", "m", "k", "n", "x", "w", "y", "x_panel", "w_panel"),
        *("kept", "x_vector", "y_vector", "x_tile", "y_tile", "computed", "turned"),
        *("made", "powers", "matrices", "vectors", "tiles", "share", "scale", "quotient"),
        *("cycles", "instret", *EVENTS, "quantising", "power"),
    )

    def __init__(self, base: int) -> None:
        super().__init__(base, len(self.NAMES), ALIGNMENT)
        self.fields: dict[str, int] = {}

    def run(
        self,
        system: System,
        program: Program,
        results: tuple[int, int],
        conditions: Conditions | None,
        progress: Progress | None,
        waves: Path | None,
    ) -> tuple[ProgramRun, GemmRun]:
        """Run the job; return the run, and its figures with ``results`` (address, words) as they lie."""
        self.say([self.fields.get(name, 0) for name in self.NAMES])
        report = self.base + 4 * self.NAMES.index("cycles")
        end = results[0] + 4 * results[1]
        run = run_program(
            system,
            program,
            memory={self.base: bytes(self.content)},
            results=(report, (end - report) // 4),
            conditions=conditions_for(self.end, conditions, "the product takes"),
            progress=progress,
            waves=waves,
        )
        cycles, instructions, *events = run.results[: 2 + len(EVENTS)].tolist()
        found = dict(zip(EVENTS, events, strict=True)) if system.traits.fpu else {}
        words = run.results[(results[0] - report) // 4 :]
        return run, GemmRun(results=words, cycles=cycles, instructions=instructions, events=found)


def software_program() -> Program:
    """Return the program of all methods, compiled.

    Raises ToolError where the compiler is missing.
    """
    names = ("gemm.c", "software.S", "job.h", "software.h")
    sources = {name: (PROGRAMS / name).read_text() for name in names}
    return compile_program(CORE, sources, main=["gemm.c", "software.S"])


def run_software(
    method: Method,
    x: npt.NDArray[np.float32],
    w: Operand,
    *,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> GemmRun:
    """Multiply on CV32E40P with its FPU: fused multiply-adds in order of k, as ``golden.fused`` has them.

    Weights lie as the method reads them before the program starts, as they do not change; the blocked method
    arranges X itself.

    Parameters
    ----------
    method:
        How.
    x:
        M x K, finite.
    w:
        K x N: FP32, or INT8 in two's complement, whose values are taken as they are.
    conditions, progress, waves:
        As ``run_program`` takes them; the memory's size is found here.

    Raises UserError where the product is too large for the system, ValueError for a wrong dtype or shape, and
    as ``run_program``.
    """
    program, job = software_job(method, x, w)
    results = job.fields["y"], len(x) * w.shape[1]
    run = job.run(System(core=CORE, waves=waves is not None), program, results, conditions, progress, waves)[
        1
    ]
    return replace(run, results=run.results.reshape(len(x), -1))


def software_job(method: Method, x: npt.NDArray[np.float32], w: Operand) -> tuple[Program, Job]:
    """Return the program of all methods and what it works on; arguments and ValueError as run_software."""
    if x.dtype != np.float32 or w.dtype not in (np.float32, np.int8):
        raise ValueError(f"x is {x.dtype} and w is {w.dtype}, not float32, and float32 or int8")
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0] or not (x.size and w.size):
        raise ValueError(f"x is {x.shape} and w is {w.shape}, not M x K and K x N")
    (m, k), n = x.shape, w.shape[1]
    program = software_program()
    job = Job(program.free)
    stored: npt.NDArray[Any] = w
    if method is Method.BLOCKED:
        across = -(-n // BLOCK_COLUMNS)
        padded = np.pad(w, ((0, 0), (0, across * BLOCK_COLUMNS - n)))
        stored = padded.reshape(k, across, BLOCK_COLUMNS).swapaxes(0, 1)
        job.fields["x_panel"] = job.place(room=4 * k * (-(-m // BLOCK_ROWS) * BLOCK_ROWS))
        job.fields["w_panel"] = job.place(room=4 * k * BLOCK_COLUMNS)
    job.fields |= {
        "method": list(Method).index(method),
        "integers": int(w.dtype == np.int8),
        **{"m": m, "k": k, "n": n},
        "x": job.place(np.ascontiguousarray(x).tobytes()),
        "w": job.place(np.ascontiguousarray(stored).tobytes()),
        "y": job.place(room=4 * m * n),
    }
    return program, job
