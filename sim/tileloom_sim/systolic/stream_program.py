"""A stream of random tiles by a program on the array's core, under random interrupts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError
from tileloom.formats import FloatFormat
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor.intrinsics import NAME, header
from tileloom_golden.arithmetic import add
from tileloom_golden.checks import Words
from tileloom_golden.systolic.gemm import tile_result
from tileloom_golden.systolic.packing import pack_weights

from ..riscv.compile import Program, compile_program
from ..riscv.job_memory import JobMemory
from ..riscv.run import Conditions, Progress, run_program
from ..riscv.system import System
from .reference import arithmetic, float_format
from .stimulus import float_words, integer_words

PROGRAMS = Path(__file__).with_name("programs")
STREAM, CYCLES = "stream.c", "cycles.c"

FAILURES = {
    1: "the interrupt handler's own product is wrong",
    2: "results differ from those of an earlier pass of the same tiles",
}


@dataclass(frozen=True)
class StreamRun:
    """What a stream took: cycles, interrupts, passes through the tiles' words that were compared."""

    cycles: int
    interrupts: int
    words: int


def random_stream(
    config: SystolicConfig,
    system: System,
    *,
    seed: int,
    tiles: int = 4,
    vectors: int = 6,
    interrupts: int = 0,
    distance: int = 2000,
    conditions: Conditions | None = None,
    progress: Progress | None = None,
) -> StreamRun:
    """Multiply random tiles, adding to random sums, and compare every word with the golden model.

    With ``interrupts`` the program repeats the stream until it has taken so many, about ``distance`` cycles
    apart; the handler saves the array's state, multiplies a tile of its own, and restores it. Raises
    CheckError where a word differs, ProgramError where the program does not end.
    """
    rng = np.random.default_rng(seed)
    weights = random_weights(rng, config, tiles + 1)
    activations = float_words(rng, config.activation, (tiles * vectors + 1, config.rows))
    sums = float_words(rng, config.accumulator, (tiles * vectors + 1, config.columns), infinity=True)
    # The last of each is the handler's.
    tile_of = np.minimum(np.arange(tiles * vectors + 1) // vectors, tiles)
    expected = np.array(
        [
            _result(config, activations[index : index + 1], weights[tile], sums[index])
            for index, tile in enumerate(tile_of)
        ]
    )
    program = _program(config, system, STREAM)

    words = np.array([pack_weights(tile, config.weight.width) for tile in weights])
    padded = _padded(config, activations)
    results = np.zeros(tiles * vectors * config.columns + 1)
    stream = [words[:-1], padded[:-1], sums[:-1], results]
    own = [words[-1], padded[-1], sums[-1], expected[-1]]
    head, data = _laid_out(program, [tiles, vectors, interrupts], [*stream, *own])
    run = run_program(
        system,
        program,
        memory=data,
        results=(head[6], results.size),
        conditions=conditions or Conditions(interrupts=(seed, distance) if interrupts else None),
        progress=progress,
    )
    if run.exit_code:
        raise CheckError(FAILURES.get(run.exit_code, f"the program returned {run.exit_code}"))
    got = run.results[:-1].reshape(-1, config.columns)
    _compare(got, expected[:-1], "result")
    return StreamRun(run.cycles, int(run.results[-1]), got.size)


def cycles_per_word(
    config: SystolicConfig,
    system: System,
    *,
    seed: int,
    vectors: int = 256,
    conditions: Conditions | None = None,
) -> tuple[float, float]:
    """Measure what a word costs: load, step and store; the same with a partial sum loaded besides.

    By the core's counter, over ``vectors`` times ``step_interval`` words, which are multiples of 16. Every
    word that is stored is compared with the golden model. Raises as ``random_stream``.
    """
    rng = np.random.default_rng(seed)
    tile = random_weights(rng, config, 1)[0]
    activations = float_words(rng, config.activation, (vectors, config.rows))
    sums = float_words(rng, config.accumulator, (vectors, config.step_interval))
    program = _program(config, system, CYCLES)
    words = vectors * config.step_interval
    stored = np.zeros(2 * words + 2)
    head, data = _laid_out(
        program,
        [words],
        [
            pack_weights(tile, config.weight.width),
            _padded(config, activations),
            sums,
            *np.split(stored, [words, 2 * words]),
        ],
    )
    run = run_program(system, program, memory=data, results=(head[4], stored.size), conditions=conditions)
    got = run.results[:-2].reshape(2, vectors, -1)
    products = np.zeros((vectors, config.step_interval), np.uint64)
    products[2:, : config.columns] = tile_result(activations[:-2], tile, **arithmetic(config))
    total, rounding = float_format(config.accumulator), config.rounding.value
    _compare(got[0], products, "step")
    _compare(got[1], add(sums, products, total, rounding), "step with a sum")
    plain, adding = (int(cycles) / words for cycles in run.results[-2:])
    return plain, adding


def _program(config: SystolicConfig, system: System, source: str) -> Program:
    return compile_program(
        system.core,
        {source: (PROGRAMS / source).read_text("utf-8"), NAME: header(config)},
        main=[source],
    )


def _padded(config: SystolicConfig, activations: Words) -> Words:
    """Return vectors with a word for each step."""
    return np.pad(activations, ((0, 0), (0, config.step_interval - config.rows)))


def _laid_out(
    program: Program, numbers: Sequence[int], blocks: Sequence[npt.NDArray[Any]]
) -> tuple[list[int], dict[int, bytes]]:
    """Return what a program's job is: numbers and where each block is; and the same as memory."""
    data = JobMemory(program.free, len(numbers) + len(blocks), 4)
    head = [*numbers, *(data.place(block.astype("<u4").tobytes()) for block in blocks)]
    data.say(head)
    return head, {program.free: bytes(data.content)}


def _compare(got: npt.NDArray[np.uint32], wanted: Words, what: str) -> None:
    """Raise CheckError where a word of vectors differs."""
    wrong = got != wanted
    if wrong.any():
        vector, place = (int(index) for index in np.argwhere(wrong)[0])
        raise CheckError(
            f"vector {vector}, {what} {place} is {int(got[vector, place]):08x}, "
            f"the golden model has {int(wanted[vector, place]):08x}; "
            f"{wrong.sum()} of {wrong.size} words differ"
        )


def random_weights(rng: np.random.Generator, config: SystolicConfig, count: int) -> Words:
    """Return so many tiles of random weights, ``count`` x rows x columns words."""
    shape = (count, config.rows, config.columns)
    if isinstance(config.weight, FloatFormat):
        return float_words(rng, config.weight, shape)
    return np.array([integer_words(rng, config.weight.bits, shape[1:]) for _ in range(count)])


def _result(config: SystolicConfig, vector: Words, tile: Words, sums: Words) -> Words:
    product = tile_result(vector, tile, **arithmetic(config))[0]
    return add(sums, product, float_format(config.accumulator), config.rounding.value)
