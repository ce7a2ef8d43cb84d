"""Calls of the library's functions on the RISC-V system: operands become a job for ``programs/operation.c``.

A job is a structure of words at the first free address after the program, followed by what it points at.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..riscv.compile import Program, compile_program
from ..riscv.job_memory import JobMemory, conditions_for
from ..riscv.run import Conditions, Progress, run_program
from ..riscv.system import System
from .layers import ALIGNMENT, PROGRAMS, LayerShape, every_size
from .library import SOURCES, library_files
from .operands import KERNELS, Weights

RELU, SIGNED = 0, -128
"""``enum tileloom_least``."""


class Function(enum.IntEnum):
    """A function of the library; the order is that of ``enum operation`` in operation.c."""

    CONVOLUTION = 0
    PRODUCT = 1
    CONNECTED = 2
    MAX_POOL = 3
    AVERAGE_POOL = 4
    ADD = 5
    TRANSPOSE = 6
    SOFTMAX = 7
    GELU = 8
    NORMALISE = 9


@dataclass(frozen=True, eq=False, kw_only=True)
class Call:
    """A function and its operands.

    Attributes
    ----------
    function:
        Which.
    input, second:
        INT8 arrays.
    output:
        Shape of the INT8 results.
    least:
        RELU or SIGNED; of NORMALISE the shift of the activations.
    window:
        Of a convolution or pooling.
    weights:
        Of products.
    channels:
        Words that the function's structure has: of each channel, or its parameters.
    lines, length:
        Of matrices.
    workspace:
        Bytes.
    """

    function: Function
    input: npt.NDArray[np.int8]
    output: tuple[int, ...]
    second: npt.NDArray[np.int8] | None = None
    least: int = SIGNED
    window: LayerShape | None = None
    weights: Weights | None = None
    channels: Sequence[Sequence[int]] = ()
    lines: int = 0
    length: int = 0
    workspace: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class CallRun:
    """What came of a call: INT8 results; cycles and instructions of the function by the core's counters."""

    results: npt.NDArray[np.int8]
    cycles: int
    instructions: int


def library_program(core: str) -> Program:
    """Return the library with ``operation.c``, compiled for a core."""
    sources = library_files(every_size(core)) | {"operation.c": (PROGRAMS / "operation.c").read_text()}
    return compile_program(core, sources, main=["operation.c", *SOURCES])


def run_call(
    system: System,
    call: Call,
    *,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> CallRun:
    """Run a function of the library on a system.

    ``conditions``, ``progress`` and ``waves`` are as ``run_program`` takes them; the memory's size is found
    here. Results are followed by a guard, which must be as it was. Raises UserError where the operands take
    more memory than the system has addresses for, and as ``run_program``.
    """
    program = library_program(system.core)
    memory, results = _memory(call, program.free)
    count = int(np.prod(call.output))
    end = results + count + len(GUARD)
    run = run_program(
        system,
        program,
        memory={program.free: memory},
        results=(program.free, -(-(end - program.free) // 4)),
        conditions=conditions_for(end + ALIGNMENT, conditions, "the operands take"),
        progress=progress,
        waves=waves,
    )
    made = run.results.view(np.uint8)[results - program.free :]
    assert made[count : count + len(GUARD)].tobytes() == GUARD, "the function wrote beyond its results"
    return CallRun(
        results=made[:count].view(np.int8).reshape(call.output),
        cycles=int(run.results[1]),
        instructions=int(run.results[2]),
    )


GUARD = bytes(range(0xB0, 0xC0))
"""What stands behind the results."""

_FIELDS = 11 + 9 + 8


def _memory(call: Call, base: int) -> tuple[bytes, int]:
    """Return the memory from ``base`` on, and the results' address."""
    data = JobMemory(base, _FIELDS, ALIGNMENT)
    place = data.place
    weights = call.weights
    # What kernels read beyond the last line.
    beyond = weights.line_bytes if weights else 0
    input_at = place(call.input.tobytes(), call.input.nbytes + beyond)
    second_at = place(b"" if call.second is None else call.second.tobytes())
    channels_at = place(np.array(call.channels, np.int64).astype(np.uint32).tobytes())
    values_at = place(weights.values if weights else b"")
    offsets_at = place(weights.offsets if weights else b"")
    workspace_at = place(b"", call.workspace)
    results = place(b"\x5a" * int(np.prod(call.output)) + GUARD)
    window = [0] * 9
    if shape := call.window:
        kernel = shape.kernel or (1, 1)
        window = [
            shape.height,
            shape.width,
            shape.channels,
            *kernel,
            shape.stride,
            shape.padding,
            *shape.output,
        ]
    matrix = [0] * 8
    if weights:
        matrix = [
            KERNELS.index(weights.kernel),
            weights.group,
            values_at,
            offsets_at,
            weights.rows,
            weights.steps,
            weights.segments,
            weights.passes,
        ]
    pointers = [input_at, second_at, results, workspace_at, channels_at]
    fields = [call.function, 0, 0, call.least, *pointers, call.lines, call.length, *window, *matrix]
    data.say(fields)
    return bytes(data.content), results
