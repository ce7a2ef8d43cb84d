"""What an encoder has between its products, on the RISC-V system with an array (``programs/between.h``)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.errors import ConfigError
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor.intrinsics import NAME, header
from tileloom_golden.checks import Words
from tileloom_golden.systolic.packing import pack_weights
from tileloom_golden.systolic.tiles import split_tiles

from ..riscv.compile import compile_program
from ..riscv.job_memory import JobMemory, conditions_for
from ..riscv.run import Conditions, run_program
from .array_library import Arrangement, Way, arranged, array_program, has_between, multiply, system_of
from .software import ALIGNMENT, CORE, PROGRAMS, GemmRun, Job

Singles = npt.NDArray[np.float32]
FIELDS = ("operation", "x", "y", "vectors", "tiles", "first", "second", "cycles", "instret")
"""Of ``struct job`` in ``run_between.c``."""


class Operation(enum.IntEnum):
    """What is done; the order is that of ``enum operation``."""

    SOFTMAX = 0
    NORMALISE = 1
    RECTIFY = 2
    RESIDUAL = 3


@dataclass(frozen=True)
class BetweenRun:
    """What came of it: the matrix, and cycles and instructions by the core's counters."""

    results: Singles
    cycles: int
    instructions: int


def run_between(
    config: SystolicConfig,
    operation: Operation,
    x: Singles,
    *,
    other: Singles | None = None,
    numbers: tuple[float, float] = (0.0, 0.0),
    conditions: Conditions | None = None,
) -> BetweenRun:
    """Run one operation on a matrix that lies tile after tile.

    Parameters
    ----------
    config:
        An array of CV32E40P whose columns are a multiple of 4 and no fewer than its rows.
    operation:
        Which.
    x:
        Vectors x words, a multiple of the array's columns; all of it of 8.
    other:
        Of RESIDUAL: what is added, as large.
    numbers:
        Scale and power of SOFTMAX, epsilon of NORMALISE.
    conditions:
        As ``run_program`` takes them; the memory's size is found here.

    Raises ConfigError for another array, ValueError for another size, and as ``run_program``.
    """
    system = system_of(config)
    if not has_between(config):
        raise ConfigError(
            f"columns: {config.rows} x {config.columns} with host {config.host}; what is between products is "
            "for cv32e40p, and columns that are a multiple of 4 and no fewer than the rows"
        )
    vectors, words = x.shape
    if words % config.columns or x.size % 8:
        raise ValueError(f"x is {x.shape}, no multiple of {config.columns} columns, or of 8 words")
    names = ("run_between.c", "between.c", "between.S", "between.h")
    sources = {name: (PROGRAMS / name).read_text() for name in names} | {NAME: header(config)}
    program = compile_program(CORE, sources, main=names[:3])
    job = JobMemory(program.free, len(FIELDS), ALIGNMENT)

    def lying(matrix: Singles) -> bytes:
        as_words = matrix.view(np.uint32).astype(np.uint64)
        return arranged(as_words, vectors, config.columns, config.columns, Arrangement.TILES).tobytes()

    there = job.place(lying(x))
    second = job.place(lying(np.zeros_like(x) if other is None else other))
    says = [int(np.float32(number).view(np.uint32)) for number in numbers]
    job.say([operation, there, second, vectors, words // config.columns, *says, 0, 0])
    begin = job.base + 4 * FIELDS.index("cycles")
    run = run_program(
        system,
        program,
        memory={job.base: bytes(job.content)},
        results=(begin, (job.end - begin) // 4),
        conditions=conditions_for(job.end, conditions, "the matrix takes"),
    )
    at = ((second if operation is Operation.NORMALISE else there) - begin) // 4
    found = run.results[at : at + x.size].reshape(-1, vectors, config.columns).swapaxes(0, 1)
    cycles, instructions = (int(each) for each in run.results[:2])
    return BetweenRun(found.reshape(x.shape).view(np.float32), cycles, instructions)


def run_softmax_beside(
    config: SystolicConfig,
    x: Singles,
    w: Words,
    scores: Singles,
    *,
    numbers: tuple[float, float],
    rows: int,
    conditions: Conditions | None = None,
) -> tuple[GemmRun, Singles]:
    """Multiply by an array with an address generator, and meanwhile make softmax of another matrix.

    Parameters
    ----------
    config:
        As in `run_between`, with a memory port.
    x, w:
        M x K activations, and K x N weights as words; multiples of the array's size.
    scores:
        Vectors x words, a multiple of the array's columns.
    numbers:
        Scale and power.
    rows:
        Of scores, with each command.
    conditions:
        As ``run_program`` takes them.

    Returns the product's run, whose cycles are of both, and softmax. Raises as `run_array`.
    """
    assert has_between(config) and config.memory_bits
    program = array_program(config, Way.SOFTENING)
    job = Job(program.free)
    across = config.columns
    words = scores.view(np.uint32).astype(np.uint64)
    tiles = split_tiles(w, config.rows, across).swapaxes(0, 1)
    packed = [pack_weights(tile, config.weight.width) for column in tiles for tile in column]
    scale, quotient = (int(np.float32(number).view(np.uint32)) for number in numbers)
    job.fields |= {
        "w": job.place(np.concatenate(packed).astype("<u4").tobytes()),
        "computed": job.place(arranged(words, len(scores), across, across, Arrangement.TILES).tobytes()),
        "vectors": len(scores),
        "tiles": scores.shape[1] // across,
        "share": rows,
        "scale": scale,
        "quotient": quotient,
    }
    kept = np.ones(tiles.shape[1::-1], bool)
    x_words = x.view(np.uint32).astype(np.uint64)
    whole, run = multiply(config, program, job, x_words, kept, w.shape[1], conditions=conditions)
    at = (job.fields["computed"] - job.base) // 4 - Job.NAMES.index("cycles")
    found = whole.results[at : at + scores.size].reshape(-1, len(scores), across).swapaxes(0, 1)
    return run, found.reshape(scores.shape).view(np.float32)
