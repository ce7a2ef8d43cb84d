"""Simulates the xDecimate unit in its host: the kernel suite, on real RTL of a RISC-V core."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tileloom.arguments import check_whole
from tileloom.cli.console import step
from tileloom.cli.result import Result
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim
from tileloom.xfu.config import XfuConfig

from ..riscv.run import Conditions, Waits
from .hosts import CORES, xfu_system
from .report import suite_figures, suite_sheets
from .suite import CONNECTED_CHANNELS, CONVOLUTION_CHANNELS, ROWS, cases, measure

LIMIT = (1 << 32) - 1
"""Cycles after which a layer is given up: what the 32-bit counters that it reads can tell."""


def simulate(
    config: XfuConfig,
    *,
    convolution: Sequence[int] | None = None,
    connected: Sequence[int] | None = None,
    rows: int = ROWS,
    instruction_waits: Waits | None = None,
    data_waits: Waits | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    waves: Path | None = None,
) -> Result:
    """Run INT8 layers on the host: dense, sparse in software, and sparse with xDecimate.

    Parameters
    ----------
    config:
        The unit, in CV32E40P or, on CV-X-IF, beside CV32E40X.
    convolution, connected:
        Input channels of 3 x 3 convolutions, inputs of fully connected layers; the paper's where none of
        either is given.
    rows:
        Output channels of each layer.
    instruction_waits, data_waits:
        Wait states of the memory; none by default.
    seed:
        Of activations and weights; drawn by default.
    jobs:
        Layers at a time, by default as many as the machine has cores.
    waves:
        VCD file to write, of the last run: the last layer with xDecimate.

    Returns
    -------
    Result
        Cycles and instructions of each layer and kernel by the core's own counters, im2col included, and
        speed-ups over the dense 1x2 kernel, beside the paper's.

    Raises
    ------
    CheckError
        A word differs from the golden model's, or a program does not end.
    ConfigError
        The unit has no host.
    ToolError
        The core or the compiler is not installed, or a tool fails.
    UserError
        A layer's weights are no multiple of a group.
    """
    check_whole("seed", seed, 0, 2**63 - 1)
    claim({"waves": waves})
    if convolution is None and connected is None:
        convolution, connected = CONVOLUTION_CHANNELS, CONNECTED_CHANNELS
    convolution, connected = convolution or (), connected or ()
    jobs = (os.cpu_count() or 1) if jobs is None else jobs
    for name, value in (("rows", rows), ("jobs", jobs), *(("convolution", each) for each in convolution)):
        if value < 1:
            raise UserError(f"--{name}: must be at least 1, not {value}")
    for option, channels, window in (("--convolution", convolution, 9), ("--connected", connected, 1)):
        for count in channels:
            for group in config.group_sizes:
                if count * window % group:
                    raise UserError(
                        f"{option} {count}: {count * window} weights are no multiple of a group of {group}"
                    )
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    system = xfu_system(config, waves=waves is not None)
    core = CORES[config.host]
    suite = cases(convolution, connected, config.group_sizes, rows)
    conditions = Conditions(
        instruction_waits=instruction_waits or Waits(),
        data_waits=data_waits or Waits(),
        limit=LIMIT,
    )
    with step(f"Building {core}"):
        system.build()
    measurements = []
    with step(f"Simulating {core}") as shown:
        by_case: dict[int, int] = {}

        def progress(index: int, cycles: int) -> None:
            by_case[index] = cycles
            shown.show(f"{sum(by_case.copy().values()) / 1e6:,.0f} Mcycles")

        shown.show(total=len(suite))
        running = measure(
            system,
            suite,
            seed=chosen,
            conditions=conditions,
            parallel=jobs,
            progress=progress,
            waves=waves,
        )
        with closing(running):  # also where an interruption comes between two of its steps
            for measurement in running:
                measurements.append(measurement)
                shown.show(shown.detail, completed=len(measurements))
    figures = {"core": core, "seed": chosen, "rows": rows, **suite_figures(core, measurements)}
    sheets = suite_sheets(f"{design_name(config)} on {core}", core, measurements)
    return Result(figures, sheets, [f"seed: {chosen}"])
