"""Layers in tiles of output channels: what fits into L1, and a run of it.

A job is words in L2 at the first free address after the program, ``struct tiles`` of ``programs/tiles.h``
first, then the program's own; behind them are the input, the tiles, and room for results. L1 is laid out
here too::

    L1  | input | tile | results | tile | results | core 0's | core 1's |  ...  | stacks |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tileloom.cluster.config import ClusterConfig
from tileloom.errors import UserError
from tileloom.xfu.instruction import intrinsics_header

from ..riscv.compile import Program, compile_program
from ..riscv.job_memory import JobMemory, conditions_for
from ..riscv.run import Conditions, Progress, run_program
from ..riscv.system import MEMORY_BASE
from ..xfu.layers import Kernel, every_size
from .system import CORE, L1_BASE, L2_BYTES, ClusterSystem

PROGRAMS = Path(__file__).with_name("programs")

STACK_BYTES = 1024
"""Of a core, at the end of L1."""

ALIGNMENT = 32
"""Of everything that a job points at."""

WASTE = 1 / 16
"""Of the output channels, how many a plan may add so that tiles are alike."""

OVERLAPPED = 4
"""Tiles of a fully connected layer, at least."""

WORDS = 17
REPORT = 14
"""Of ``struct tiles``, and where its cycles stand."""

Planned = TypeVar("Planned")


@dataclass(frozen=True, kw_only=True)
class ClusterRun:
    """What came of a layer.

    Attributes
    ----------
    results:
        Lines x output channels.
    cycles:
        From the first transfer's start to the last one's end, on core 0.
    computing:
        Those of them between barriers around the kernels.
    instructions:
        Core 0's.
    tiles:
        Of output channels that the layer was cut into.
    simulated:
        Cycles that were simulated in all.
    """

    results: npt.NDArray[Any]
    cycles: int
    computing: int
    instructions: int
    tiles: int
    simulated: int


def cluster_program(
    l1_bytes: int,
    sources: Mapping[str, str],
    also: Sequence[str] = (),
    defines: Mapping[str, int] | None = None,
) -> Program:
    """Return a program for all cores of a cluster with so much L1.

    The first of ``sources`` and ``also`` are compiled, the others may be included, as may ``cluster.h``, the
    runtime, ``tiles.h`` and ``xdecimate.h``; ``defines`` are macros. Each core has a stack of ``STACK_BYTES``
    at the end of L1; program and data are in L2.
    """
    texts = {name: (PROGRAMS / name).read_text() for name in ("cluster.h", "tiles.h", "crt0.S", "link.ld")}
    texts["xdecimate.h"] = intrinsics_header(every_size(CORE))
    macros = {"STACK_BYTES": STACK_BYTES, "__l1_end": L1_BASE + l1_bytes, **(defines or {})}
    main = [next(iter(sources)), *also, "memory.c"]
    return compile_program(CORE, {**sources, **texts}, main=main, defines=macros)


def bank_line(config: ClusterConfig, kernel: Kernel) -> int:
    """Return the bytes of a word of each bank where a kernel's two patches are half of them apart, or 0.

    Cores go through their patches side by side. Dense 4x2, which reads four rows of weights from one bank, is
    faster with both patches at one bank, two banks after the next core's.
    """
    return 0 if kernel is Kernel.DENSE_4X2 else max(4 * config.banks, ALIGNMENT)


def up(size: int, multiple: int = ALIGNMENT) -> int:
    """Return the next multiple of a number."""
    return -(-size // multiple) * multiple


def parted(parts: Sequence[bytes], banks: int) -> tuple[bytes, int]:
    """Return what each core has of a tile, and the bytes from one part to the next.

    Cores go through their parts side by side, so that these begin in different banks.
    """
    if len(parts) == 1 or not parts[0]:
        return b"".join(parts), 0
    stride = up(len(parts[0]), max(4 * banks, ALIGNMENT)) + 8
    return b"".join(part.ljust(stride, b"\0") for part in parts), stride


def fewest(
    config: ClusterConfig,
    rows: int,
    least: int,
    laid_out: Callable[[int, int], Planned | None],
    *,
    connected: bool,
) -> Planned:
    """Return the plan with the fewest tiles that fits and adds no more than ``WASTE`` of output channels.

    A fully connected layer has ``OVERLAPPED`` tiles at least, so that all but the first come while cores
    compute; a convolution's im2col is done anew for each, which costs more.
    ``laid_out`` returns the plan for so many tiles of so many rows, a multiple of ``least``, or None where it
    does not fit. Raises UserError where not even the smallest tiles do.
    """
    steps = -(-rows // least)
    for tiles in range(min(OVERLAPPED, steps) if connected else 1, steps + 1):
        each = -(-steps // tiles)
        if tiles * each > steps * (1 + WASTE):
            continue
        found = laid_out(tiles, each * least)
        if found is not None:
            return found
    raise UserError(f"{config.l1_bytes} bytes of L1 do not hold the layer, {least} output channels at a time")


def buffers(input_bytes: int, tile_bytes: int, output_bytes: int, tiles: int) -> tuple[dict[str, int], int]:
    """Return where input, tiles and their results are in L1, and the first address behind them."""
    place, places = L1_BASE, {}
    lines = [("input", input_bytes)]
    for number in range(min(tiles, 2)):
        lines += [(f"tile{number}", tile_bytes), (f"output{number}", output_bytes)]
    for name, size in lines:
        places[name], place = place, place + up(size)
    return places, place


def fits(config: ClusterConfig, end: int) -> bool:
    """Return whether what ends at an address is in L1, below the stacks."""
    return end <= L1_BASE + config.l1_bytes - config.cores * STACK_BYTES


def run_tiles(
    system: ClusterSystem,
    program: Program,
    *,
    active: int,
    input: bytes,
    tiles: Sequence[bytes],
    lines: int,
    line: npt.NDArray[Any],
    places: Mapping[str, int],
    words: Sequence[int],
    conditions: Conditions | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
) -> ClusterRun:
    """Run a program that does a layer in tiles.

    Parameters
    ----------
    system, program, active:
        Where, what, and on how many cores.
    input, tiles:
        What lies in L2, in whole words; all tiles have as many bytes.
    lines, line:
        Of results of a tile: how many, and an array of one's shape and type.
    places:
        As ``buffers`` returns them.
    words:
        Of the program's own.
    conditions, progress, waves:
        As ``run_program`` takes them.

    Raises UserError where the layer does not fit into L2 or is not of whole words, and as ``run_program``.
    """
    if len(input) % 4 or line.nbytes % 4:
        raise UserError("a transfer moves whole words: activations and results must be multiples of 4 bytes")
    data = JobMemory(program.free, WORDS + len(words), ALIGNMENT)
    input_at, tiles_at, output_at = data.place(input), data.place(b"".join(tiles)), data.place()
    both = [places.get(f"{name}{number}", 0) for name in ("tile", "output") for number in range(2)]
    data.say(
        [
            *(active, len(tiles), input_at, places["input"], len(input), tiles_at, len(tiles[0])),
            *(output_at, line.nbytes, lines, *both, 0, 0, 0),
            *words,
        ]
    )
    report, end = program.free + 4 * REPORT, output_at + len(tiles) * lines * line.nbytes
    if end - MEMORY_BASE > L2_BYTES:
        raise UserError(f"the layer takes {end - MEMORY_BASE} bytes of L2, which has {L2_BYTES}")
    run = run_program(
        system,
        program,
        memory={program.free: bytes(data.content)},
        results=(report, (end - report) // 4),
        conditions=conditions_for(end, conditions, "the layer takes"),
        progress=progress,
        waves=waves,
    )
    cycles, instructions, computing = (int(word) for word in run.results[:3])
    results = run.results[(output_at - report) // 4 :].view(line.dtype)
    return ClusterRun(
        results=results.reshape(lines, len(tiles) * line.size),
        cycles=cycles,
        computing=computing,
        instructions=instructions,
        tiles=len(tiles),
        simulated=run.cycles,
    )


def check_active(config: ClusterConfig, active: int | None) -> int:
    """Return how many cores compute, all by default. Raises UserError where there are not so many."""
    active = config.cores if active is None else active
    if not 1 <= active <= config.cores:
        raise UserError(f"active: must be from 1 to {config.cores}, not {active}")
    return active


def padded_rows(weights: npt.NDArray[np.int8], rows: int) -> npt.NDArray[np.int8]:
    """Return weights with rows of zeros at their end."""
    return np.pad(weights, ((0, rows - len(weights)), (0, 0)))
