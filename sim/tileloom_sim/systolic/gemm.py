"""Y = X W on a simulated array: cuts the matrices into tiles, runs the harness, puts the result together.

The schedule goes column by column of tiles and along k within each; tiles of zeros are left out, which
changes no bit of the result. On the stream port the sums of a tile go back in as the next one's ``psum_in``;
on the word port every tile starts from +0 and the host adds them, in order of k.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tileloom import scratch
from tileloom.design import Design
from tileloom.systolic.config import Port, SystolicConfig
from tileloom_golden.checks import Words
from tileloom_golden.formats import Rounding
from tileloom_golden.rounding import add
from tileloom_golden.systolic.gemm import gemm
from tileloom_golden.systolic.tiles import nonzero_tiles, split_tiles

from . import beats, reference
from .harness import Progress, build_harness, run_harness
from .interface import Interface

BLOCKS_ABOVE = 256
"""Elements above which a short GEMM runs on a model that is built fast and runs slowly."""

SHORT = 200_000
"""Cycles that make a GEMM short: what a 32 x 32 array simulates while the faster model is being built."""


@dataclass(frozen=True)
class GemmRun:
    """A GEMM that was simulated.

    Attributes
    ----------
    words:
        The result, M x N words of the accumulator's format.
    cycles:
        From reset to the last result.
    tiles, computed:
        Tiles of the weight matrix; how many of them were computed.
    utilisation:
        Of the vectors that the array could have taken in those cycles, the share that it took.
    seconds:
        What the simulation took, the build not counted.
    """

    words: Words
    cycles: int
    tiles: int
    computed: int
    utilisation: float
    seconds: float


def simulate_gemm(
    design: Design,
    x: Words,
    w: Words,
    *,
    skip_zero_tiles: bool = True,
    waves: Path | None = None,
    on_start: Callable[[int], None] | None = None,
    progress: Progress | None = None,
) -> GemmRun:
    """Multiply on the generated array.

    Parameters
    ----------
    design:
        A generated array.
    x, w:
        M x K activations and K x N weights, words of the array's formats; no dimension may be 0.
    skip_zero_tiles:
        Leave out tiles of zeros.
    waves:
        VCD file to write.
    on_start:
        Called once the model is built, with the vectors to do.
    progress:
        Called now and then with cycles and vectors done.

    Raises HarnessError if the array stops moving, ToolError where a tool is missing or fails.
    """
    interface = Interface.of_manifest(design.manifest)
    config = interface.config
    vectors, columns = x.shape[0], w.shape[1]
    tiles = split_tiles(w, config.rows, config.columns)
    kept = nonzero_tiles(tiles, reference.operand_format(config.weight))
    if not skip_zero_tiles:
        kept[:] = True
    # Column by column of tiles, in order of k within each.
    chosen = [(int(k), int(n)) for n, k in np.argwhere(kept.T)]
    words = np.zeros((vectors, kept.shape[1] * config.columns), np.uint64)
    if not chosen:
        return GemmRun(words[:, :columns], 0, kept.size, 0, 0.0, 0.0)

    padded = np.pad(x, ((0, 0), (0, kept.shape[0] * config.rows - x.shape[1])))
    by_tile = padded.reshape(vectors, -1, config.rows).swapaxes(0, 1).reshape(-1, config.rows)
    expected_cycles = len(chosen) * vectors * config.step_interval
    large = config.rows * config.columns > BLOCKS_ABOVE
    blocks = large and expected_cycles < SHORT
    harness = build_harness(design, waves=waves is not None, blocks=blocks)
    if on_start is not None:
        on_start(len(chosen) * vectors)
    with scratch.folder() as folder:
        run = run_harness(
            harness,
            folder,
            vectors=vectors,
            tiles=chosen,
            weights=beats.weight_beats(config, np.stack([tiles[tile] for tile in chosen])),
            activations=beats.vector_beats(config, by_tile, config.activation.width),
            waves=waves,
            progress=progress,
        )
    _collect(config, run.results, chosen, words)
    utilisation = expected_cycles / run.cycles
    return GemmRun(words[:, :columns], run.cycles, kept.size, len(chosen), utilisation, run.seconds)


def golden_gemm(config: SystolicConfig, x: Words, w: Words) -> Words:
    """Return the words that the array must give for the same matrices."""
    return gemm(
        x,
        w,
        rows=config.rows,
        columns=config.columns,
        host_adds_tiles=config.port is Port.WORD,
        **reference.arithmetic(config),
    )


def _collect(
    config: SystolicConfig, results: beats.Beats, chosen: list[tuple[int, int]], words: Words
) -> None:
    """Put the harness's results where they belong in ``words`` (M x N, zero), N a multiple of the columns."""
    width, vectors = config.accumulator.width, len(words)
    if config.port is Port.STREAM:
        columns = sorted({n for _, n in chosen})
        vectors_out = beats.unpack(results.reshape(len(columns) * vectors, -1), config.columns, width)
        for n, part in zip(columns, vectors_out.reshape(-1, vectors, config.columns), strict=True):
            words[:, n * config.columns : (n + 1) * config.columns] = part
        return
    accumulator, rounding = reference.float_format(config.accumulator), Rounding(config.rounding.value)
    parts = beats.unpack(results.reshape(-1, 1), 1, width).reshape(-1, vectors, config.columns)
    for (_, n), part in zip(chosen, parts, strict=True):
        span = slice(n * config.columns, (n + 1) * config.columns)
        words[:, span] = add(words[:, span], part, accumulator, rounding)
