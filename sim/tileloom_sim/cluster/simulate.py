"""Simulates a cluster: random programs on its fabric, layers on its cores; ``tileloom.simulate``'s job."""

from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from tileloom.arguments import check_whole
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.cluster.config import ClusterConfig
from tileloom.cluster.design import generate
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.xfu.config import GROUP_SIZES

from ..riscv.job_memory import MAX_CYCLES
from ..riscv.run import Conditions
from ..xfu.layers import fully_connected
from ..xfu.suite import Case, cases, convolution, int8_cases
from .fabric import build, replay
from .play import Cycle, play
from .programs import Kind, Step, draw
from .suite import figures as layer_figures
from .suite import measure
from .suite import sheets as layer_sheets
from .system import cluster_system

ROWS = 32
"""Output channels of layers where no number is given."""

GROUP = max(GROUP_SIZES)
"""What channels are a multiple of, so that rows have whole groups of every M."""

PROGRAMS = 1000
"""That are run where no number is given."""

BATCH = 250
"""Programs that follow each other without a reset."""


@dataclass
class _Counts:
    """What was in programs."""

    programs: int = 0
    accesses: int = 0
    transfers: int = 0
    barriers: int = 0

    def add(self, program: list[list[Step]]) -> None:
        self.programs += 1
        for steps in program:
            self.accesses += len(steps)
            self.transfers += sum(each.kind is Kind.CLAIM for each in steps)
            self.barriers += sum(each.access.address & ~0xC == 0x30000030 for each in steps)


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Layers to run on the cores.

    Attributes
    ----------
    convolution, connected:
        Input channels of convolutions of 8 x 8 images and 3 x 3 windows, inputs of fully connected layers.
    rows:
        Output channels of all of them.
    active:
        Numbers of cores to run each on.
    int8:
        Results are INT8, by the C library; else sums, INT32.
    """

    convolution: Sequence[int] = ()
    connected: Sequence[int] = ()
    rows: int | None = None
    active: Sequence[int] | None = None
    int8: bool = False

    def cases(self) -> list[Case]:
        """Return every kernel on every layer. Raises UserError for a layer that no transfer brings."""
        rows = ROWS if self.rows is None else self.rows
        layers = [convolution(channels, rows) for channels in self.convolution]
        layers += [fully_connected(rows, channels) for channels in self.connected]
        for layer in layers:
            if layer.channels % GROUP:
                option = "--convolution" if layer.kernel else "--connected"
                raise UserError(f"{option} {layer.channels}: must be a multiple of {GROUP}")
        if self.int8:
            return int8_cases(layers, [(1, m) for m in GROUP_SIZES])
        return cases(layers, GROUP_SIZES)


def simulate(
    config: ClusterConfig,
    *,
    programs: int | None = None,
    layers: Layers | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    waves: Path | None = None,
) -> Result:
    """Run random programs on a fabric, or layers on its cores, and compare with the golden models.

    Parameters
    ----------
    config:
        The cluster.
    programs:
        How many programs; 1000 by default where there are no layers. Each core has its own steps in each.
    layers:
        Run these with every kernel on CV32E40P cores with xDecimate, every word against the golden model.
    seed:
        Of programs, L2's latency and waits, activations and weights; drawn by default.
    jobs:
        Layers at a time, by default as many as the machine has cores.
    waves:
        VCD file to write, of the last layer's last run.

    Returns
    -------
    Result
        How many programs, accesses, transfers, barriers and cycles were compared; cycles of each layer,
        kernel and number of cores.

    Raises
    ------
    CheckError
        An output or a word differs, or a program does not come to its end.
    ToolError
        Cores or compiler are not installed, or a tool fails.
    UserError
        A layer that does not fit, a number of cores that are not there, waves without a layer.
    """
    check_whole("seed", seed, 0, 2**63 - 1)
    check_whole("programs", programs, 1, 10**9)
    check_whole("jobs", jobs, 1, 256)
    suite = [] if layers is None else layers.cases()
    if waves is not None and not suite:
        raise UserError("--waves: is of a layer; give --convolution or --connected")
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    figures: dict[str, Any] = {"name": design_name(config), "seed": chosen}
    found = []
    if programs is not None or not suite:
        found.append(_programs(config, PROGRAMS if programs is None else programs, chosen))
    if layers is not None and suite:
        actives = active_cores(config, layers.active)
        found.append(_layers(config, suite, actives, chosen, jobs or os.cpu_count() or 1, waves))
    for result in found:
        figures |= result.figures
    return Result(
        figures,
        [sheet for result in found for sheet in result.sheets],
        [f"seed: {chosen}", *(remark for result in found for remark in result.remarks)],
    )


def active_cores(config: ClusterConfig, given: Sequence[int] | None) -> list[int]:
    """Return the numbers of cores to run layers on: 1 and all, if none are given.

    Raises UserError for a number of cores that are not there.
    """
    for active in given or ():
        if not 1 <= active <= config.cores:
            raise UserError(f"--active {active}: the cluster has {config.cores} cores")
    return list(dict.fromkeys(given or (1, config.cores)))


def _programs(config: ClusterConfig, count: int, seed: int) -> Result:
    with step("Generating"):
        design = generate(config)
    with step(f"Building {design.name}"):
        program = build(design)
    counts, cycles, began = _Counts(), 0, monotonic()
    with step(f"Simulating {design.name}") as shown:
        shown.show(total=count)
        for first in range(0, count, BATCH):
            random = Random(f"{seed} {first}")
            number = min(BATCH, count - first)
            cycles += replay(program, design, _batch(config, number, random, counts))
            shown.show(f"{cycles / 1e6:,.1f} Mcycles", completed=counts.programs)
    figures = {**dataclasses.asdict(counts), "cycles": cycles}
    rows = [(name, f"{value:,}") for name, value in figures.items()]
    title = f"{design.name}: every output equal to the golden model's, in every cycle"
    speed = f"{cycles / (monotonic() - began):,.0f} cycles a second on the fabric"
    return Result(figures, [Sheet(title, (), rows)], [speed])


def _layers(
    config: ClusterConfig, suite: list[Case], actives: list[int], seed: int, jobs: int, waves: Path | None
) -> Result:
    system = cluster_system(config, waves=waves is not None)
    with step(f"Building {config.cores} cores"):
        system.build()
    began, measurements = monotonic(), []
    with step(f"Simulating {config.cores} cores") as shown:
        by_run: dict[int, int] = {}

        def progress(index: int, cycles: int) -> None:
            by_run[index] = cycles
            shown.show(f"{sum(by_run.copy().values()) / 1e6:,.1f} Mcycles")

        shown.show(total=len(suite) * len(actives))
        conditions = Conditions(limit=MAX_CYCLES)
        running = measure(
            system,
            suite,
            actives,
            seed=seed,
            conditions=conditions,
            parallel=jobs,
            progress=progress,
            waves=waves,
        )
        with closing(running):  # also where an interruption comes between two of its steps
            for measurement in running:
                measurements.append(measurement)
                shown.show(shown.detail, completed=len(measurements))
    simulated = sum(each.run.simulated for each in measurements)
    speed = f"{simulated / (monotonic() - began):,.0f} cycles a second with cores, {jobs} runs at a time"
    return Result(
        {"runs": layer_figures(measurements)}, layer_sheets(design_name(config), measurements), [speed]
    )


def _batch(config: ClusterConfig, number: int, random: Random, counts: _Counts) -> Iterator[Cycle]:
    def drawn() -> Iterator[list[list[Step]]]:
        for _ in range(number):
            program = draw(random, config)
            counts.add(program)
            yield program

    return play(config, drawn(), random)
