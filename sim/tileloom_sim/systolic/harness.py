"""Builds and runs the compiled GEMM harness, ``harness.cpp``, for one generated array."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tileloom.design import Design
from tileloom.registers.table import table
from tileloom.systolic.registers import register_map

from ..build import harness, verilator
from ..build.harness import HarnessError as HarnessError
from .beats import Beats
from .interface import Interface

SOURCE = Path(__file__).with_name("harness.cpp")
HOST = Path(__file__).with_name("register_host.h")

Progress = Callable[[int, int], None]
"""Called now and then with the cycles simulated and the vectors finished so far."""


@dataclass(frozen=True)
class HarnessRun:
    """What came out: result beats in the order of ``harness.cpp``, simulated cycles, seconds it took."""

    results: Beats
    cycles: int
    seconds: float


def build_harness(design: Design, *, waves: bool = False, blocks: bool = False) -> Path:
    """Return the harness of ``design``, made if the cache has none.

    ``waves`` makes one that can write a wave file. ``blocks`` builds large arrays fast and runs them slowly
    (``build.verilator``). Raises ToolError where a tool is missing or fails.
    """
    blocks = blocks and not waves
    timing = design.manifest["timing"]
    registers = {}
    if "registers" in design.manifest:
        config = Interface.of_manifest(design.manifest).config
        registers = table(register_map(config)).addresses
    return harness.design_harness(
        "harness",
        design,
        SOURCE,
        headers=[HOST, harness.HELD, harness.AXI_LITE] if registers else [],
        numbers={
            "WEIGHT_BEATS": timing["weight_transfers_per_tile"],
            "ACTIVATION_BEATS": timing["activation_transfers_per_vector"],
            "RESULT_BEATS": timing["result_transfers_per_vector"],
            **{f"REGISTER_{name}": address for name, address in registers.items()},
        },
        kept=(verilator.rows if blocks else verilator.elements)(design.manifest["modules"]),
        blocks=blocks,
        waves=waves,
    )


def run_harness(
    program: Path,
    folder: Path,
    *,
    vectors: int,
    tiles: Iterable[tuple[int, int]],
    weights: Beats,
    activations: Beats,
    waves: Path | None = None,
    progress: Progress | None = None,
) -> HarnessRun:
    """Run the harness ``program`` with ``folder`` for its files.

    ``tiles`` are k and n of the tiles to compute, column by column; the beats are as ``harness.cpp`` wants
    them. Raises HarnessError if it fails, above all when the array makes no more progress.
    """
    plan = [vectors, *(index for tile in tiles for index in tile)]
    np.array(plan, "<u4").tofile(folder / "tiles.bin")
    np.ascontiguousarray(weights, "<u4").tofile(folder / "weights.bin")
    np.ascontiguousarray(activations, "<u4").tofile(folder / "activations.bin")
    start = time.perf_counter()
    ((_, cycles),) = harness.run(program, [folder, *([waves] if waves else [])], progress)
    seconds = time.perf_counter() - start
    return HarnessRun(np.fromfile(folder / "results.bin", "<u4"), int(cycles), seconds)
