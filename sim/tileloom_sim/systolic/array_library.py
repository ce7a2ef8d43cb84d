"""Y = X W by the C library of the array as a coprocessor (``programs/array.h``), on the RISC-V system.

W is cut into tiles, of which those of zeros are left out, and the rest packed in the order in which the
library loads them. X and Y lie tile after tile, as the array takes and gives them, or row-major.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError
from tileloom.formats import SignMagnitude
from tileloom.systolic.config import Host, SystolicConfig
from tileloom.systolic.coprocessor.intrinsics import NAME, header
from tileloom_golden.checks import Words
from tileloom_golden.systolic.packing import pack_weights
from tileloom_golden.systolic.tiles import kept_tiles, split_tiles

from ..riscv.compile import Program, compile_program
from ..riscv.run import Conditions, ProgramRun, Progress
from ..riscv.system import System
from .hosts import coprocessor_system
from .reference import operand_format
from .software import PROGRAMS, GemmRun, Job

FAILED = {1: "weights", 2: "activations", 3: "sums"}
"""What the program returns of a product by the address generator that a bus error ended."""

LAG = 2
"""Vectors in the array, which the library takes for the fewest that a product has."""


@functools.lru_cache(maxsize=8)
def system_of(config: SystolicConfig, waves: bool = False) -> System:
    """Return the system; its hardware is generated once for many runs."""
    return coprocessor_system(config, waves=waves)


class Arrangement(enum.StrEnum):
    """How X and Y lie in memory."""

    TILES = "tiles"
    """The words of a tile's columns after each other, vector by vector: what the array takes in one go."""
    ROWS = "rows"
    """Row-major, rows filled up to whole tiles."""


def quantises(config: SystolicConfig) -> bool:
    """Return whether the library makes weights of what is computed: for INT8, and whole words of vectors."""
    rows, columns = config.rows, config.columns
    return config.weight == SignMagnitude(8) and rows % 4 == 0 and columns % rows == 0


def has_between(config: SystolicConfig) -> bool:
    """Return whether the library has what stands between products: of CV32E40P, columns in whole fours."""
    return config.host is Host.CV32E40P and config.columns % 4 == 0 and config.columns >= config.rows


class Way(enum.StrEnum):
    """What ``gemm.c`` does besides the product; the macro that asks for it."""

    PLAIN = ""
    COMPUTED = "RUN_COMPUTED"
    """Weights are made before."""
    ONTO = "RUN_ONTO"
    """It is added to what is there."""
    RECTIFIED = "RUN_RECTIFIED"
    """ReLU is made of it, beside it."""
    SOFTENING = "RUN_SOFTENING"
    """Softmax is made of another matrix beside it."""
    QUANTISING = "RUN_QUANTISING"
    """Weights of other products are made beside it."""


def array_program(config: SystolicConfig, way: Way = Way.PLAIN) -> Program:
    """Return the library and ``gemm.c`` compiled for the array's host.

    Raises ConfigError where the array has none, ToolError where the compiler is missing.
    """
    core = system_of(config).core
    main, headers, defines = ["gemm.c", "array.c", "array.S"], ["array.h", "job.h"], {"WITH_ARRAY": 1}
    if config.memory_bits:
        main, headers = ["gemm.c", "generator.c"], [*headers, "generator.h"]
        defines["WITH_GENERATOR"] = 1
        # What sums that pass through memory allow: they are used while the next column's are made.
        if has_between(config) and not config.accumulators:
            main, headers = [*main, "beside.c", "between.S"], [*headers, "beside.h", "between.h"]
    elif config.accumulators:
        main, headers = [*main, "accumulated.c"], [*headers, "accumulated.h"]
        defines["WITH_ACCUMULATORS"] = 1
    if quantises(config):
        main += ["quantise.c", "quantise.S"]
    if way:
        defines[way.value] = 1
    sources = {name: (PROGRAMS / name).read_text() for name in (*main, *headers)} | {NAME: header(config)}
    return compile_program(core, sources, main=main, defines=defines)


def run_array(
    config: SystolicConfig,
    x: Words,
    w: Words,
    *,
    arrangement: Arrangement = Arrangement.TILES,
    skip_zero_tiles: bool = True,
    onto: Words | None = None,
    rectified: int = 0,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> GemmRun:
    """Multiply on the array, from a core's program; words as ``golden.systolic.gemm`` with host_adds_tiles.

    Parameters
    ----------
    config:
        An array with a core as its host.
    x, w:
        M x K and K x N words of the array's formats.
    arrangement:
        How X and Y lie.
    skip_zero_tiles:
        Leave tiles of zeros out.
    onto:
        Of an array with an address generator: what the product is added to, M x N words.
    rectified:
        Of such an array: 0, or the core makes ReLU of the results meanwhile, so many eighths with each tile.
    conditions, progress, waves:
        As ``run_program`` takes them; the memory's size is found here.

    Raises CheckError where a bus error ends it, ConfigError where the array has no core, UserError where the
    product is too large for the system, and as ``run_program``.
    """
    rows, columns = config.rows, config.columns
    way = Way.PLAIN if onto is None else Way.ONTO
    program = array_program(config, Way.RECTIFIED if rectified else way)
    kept = kept_tiles(w, rows, columns, operand_format(config.weight))
    if not skip_zero_tiles:
        kept[:] = True
    tiles = split_tiles(w, rows, columns).swapaxes(0, 1)[kept.T]
    job = Job(program.free)
    job.fields["w"] = job.place(_words([pack_weights(tile, config.weight.width) for tile in tiles]))
    assert (onto is None and not rectified) or (config.memory_bits and not config.accumulators)
    job.fields["share"] = rectified
    n = w.shape[1]
    return multiply(config, program, job, x, kept, n, arrangement, onto, conditions, progress, waves)[1]


def multiply(
    config: SystolicConfig,
    program: Program,
    job: Job,
    x: Words,
    kept: npt.NDArray[np.bool_],
    n: int,
    arrangement: Arrangement = Arrangement.TILES,
    onto: Words | None = None,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> tuple[ProgramRun, GemmRun]:
    """Run a job that has its weights, those of the tiles kept; return the run, and its figures and results.

    N is that of W; the rest and what is raised are as in `run_array`.
    """
    m, rows, columns = len(x), config.rows, config.columns
    vectors = m if config.memory_bits else max(m, LAG)
    tiles_k, tiles_n = kept.shape
    inputs = arranged(x, vectors, rows, _room(config, rows), arrangement)
    before = np.zeros((m, n), np.uint64) if onto is None else onto
    outputs = arranged(before, vectors, columns, _room(config, columns), arrangement)
    job.fields |= {
        "method": 0,
        "m": vectors,
        "k": tiles_k,
        "n": tiles_n,
        "x": job.place(inputs.tobytes()),
        "kept": job.place(np.packbits(kept.T.ravel(), bitorder="little").tobytes() + bytes(4)),
        "y": job.place(outputs.tobytes()),
    }
    for name, array, across in (("x", inputs, rows), ("y", outputs, columns)):
        tiled = arrangement is Arrangement.TILES
        job.fields[f"{name}_vector"] = array.strides[-2]
        job.fields[f"{name}_tile"] = array.strides[0] if tiled else 4 * across
    system = system_of(config, waves is not None)
    results = job.fields["y"], outputs.size
    whole, run = job.run(system, program, results, conditions, progress, waves)
    if whole.exit_code:
        raise CheckError(f"the address generator could not read or write {FAILED[whole.exit_code]}")
    found: npt.NDArray[Any] = run.results.reshape(outputs.shape)
    if arrangement is Arrangement.TILES:
        found = found[:, :, :columns].swapaxes(0, 1).reshape(vectors, -1)
    return whole, replace(run, results=found[:m, :n])


def _room(config: SystolicConfig, across: int) -> int:
    """Return the words that a vector of a tile takes: those of its steps, or by the generator whole beats."""
    beat = (config.memory_bits or 0) // 32
    return -(-across // beat) * beat if beat else config.step_interval


def arranged(
    matrix: Words, vectors: int, across: int, room: int, arrangement: Arrangement
) -> npt.NDArray[np.uint32]:
    """Return a matrix, zeros added, as (tiles, vectors, room) or as (vectors, words of a row)."""
    m, length = matrix.shape
    tiles = -(-length // across)
    padded = np.pad(matrix, ((0, vectors - m), (0, tiles * across - length))).astype("<u4")
    if arrangement is Arrangement.ROWS:
        return np.pad(padded, ((0, 0), (0, room - across)))
    apart = padded.reshape(vectors, tiles, across).swapaxes(0, 1)
    return np.ascontiguousarray(np.pad(apart, ((0, 0), (0, 0), (0, room - across))))


def _words(tiles: list[Words]) -> bytes:
    return np.concatenate(tiles).astype("<u4").tobytes() if tiles else b""
