"""Runs the kernel suite on a core with the xDecimate unit: ``tileloom simulate`` of this family."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tileloom.cores import CORES
from tileloom.errors import UserError
from tileloom.xfu.config import XfuConfig

from ..riscv.run import Conditions, Waits
from .hosts import xfu_system
from .suite import CONNECTED_CHANNELS, CONVOLUTION_CHANNELS, ROWS, Measurement, cases, measure

LIMIT = (1 << 32) - 1
"""Cycles after which a layer is given up: what the 32-bit counters that it reads can tell."""

Progress = Callable[[int, int, int], None]
"""Called with the runs that are done, all runs, and the cycles simulated so far; from any thread."""


@dataclass(frozen=True, kw_only=True)
class SuiteRun:
    """The kernel suite on a core; every word of every result was the golden model's.

    Attributes
    ----------
    core:
        Name of the core.
    seed, rows:
        Of activations and weights; output channels of every layer.
    measurements:
        What each layer took with each kernel, in the order of the suite. ``report`` has tables of them.
    """

    core: str
    seed: int
    rows: int
    measurements: tuple[Measurement, ...]


def simulate(
    config: XfuConfig | None = None,
    core: str = "cv32e40p",
    *,
    convolution: Sequence[int] | None = None,
    connected: Sequence[int] | None = None,
    rows: int = ROWS,
    instruction_waits: Waits | None = None,
    data_waits: Waits | None = None,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> SuiteRun:
    """Run INT8 layers on a core: dense, sparse in software, and sparse with xDecimate.

    Parameters
    ----------
    config:
        The unit; by default for every M.
    core:
        ``cv32e40p``, with the unit in its pipeline, or ``cv32e40x``, with the coprocessor on CV-X-IF.
    convolution, connected:
        Input channels of the 3 x 3 convolutions, inputs of the fully connected layers; the paper's where
        neither is given, and where one is, none of the other.
    rows:
        Output channels.
    instruction_waits, data_waits:
        Wait states of the two buses; by default single-cycle memory.
    seed:
        Of activations and weights.
    jobs:
        Layers at a time; by default as many as there are processors.
    progress:
        Called now and then, from the start of the first run on.

    Raises
    ------
    UserError
        The core is not known, a number is below 1, or a layer's weights are not a multiple of every M.
    CheckError
        A word differs from the golden model's, or a program does not come to its end.
    ToolError
        A compiler, a simulator or a core's package is missing or fails.
    """
    config = config or XfuConfig()
    if core not in CORES:
        raise UserError(f"core: must be one of {', '.join(CORES)}, not {core!r}")
    if convolution is None and connected is None:
        convolution, connected = CONVOLUTION_CHANNELS, CONNECTED_CHANNELS
    convolution, connected = convolution or (), connected or ()
    jobs = (os.cpu_count() or 1) if jobs is None else jobs
    for name, value in (("rows", rows), ("jobs", jobs)):
        if value < 1:
            raise UserError(f"{name}: must be at least 1, not {value}")
    for name, channels, window in (("convolution", convolution, 9), ("connected", connected, 1)):
        for count in channels:
            if count < 1:
                raise UserError(f"{name}: must be positive integers, not {count}")
            for group in config.group_sizes:
                if count * window % group:
                    raise UserError(f"{name} {count}: {count * window} weights are not a multiple of {group}")
    suite = cases(convolution, connected, config.group_sizes, rows)
    conditions = Conditions(
        instruction_waits=instruction_waits or Waits(), data_waits=data_waits or Waits(), limit=LIMIT
    )
    system = xfu_system(core, config)
    system.build()
    measurements: list[Measurement] = []
    cycles: dict[int, int] = {}

    def report() -> None:
        if progress is not None:
            progress(len(measurements), len(suite), sum(list(cycles.values())))

    def on_cycles(case: int, count: int) -> None:
        cycles[case] = count
        report()

    report()
    for measurement in measure(
        system, suite, seed=seed, conditions=conditions, parallel=jobs, progress=on_cycles
    ):
        measurements.append(measurement)
        report()
    return SuiteRun(core=core, seed=seed, rows=rows, measurements=tuple(measurements))
