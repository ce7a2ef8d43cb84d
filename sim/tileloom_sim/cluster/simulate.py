"""Simulates a cluster: random programs on its fabric; the job behind ``tileloom.simulate``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from time import monotonic

from tileloom.arguments import check_whole
from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.cluster.config import ClusterConfig
from tileloom.cluster.design import generate

from .fabric import build, replay
from .play import Cycle, play
from .programs import Kind, Step, draw

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


def simulate(config: ClusterConfig, *, programs: int | None = None, seed: int | None = None) -> Result:
    """Run random programs on a fabric, and compare every output in every cycle with the golden model.

    Parameters
    ----------
    config:
        The fabric.
    programs:
        How many; 1000 by default. Each core has its own steps in each of them.
    seed:
        Of the programs, of L2's latency and waits; drawn by default.

    Returns
    -------
    Result
        How many programs, accesses, transfers, barriers and cycles were compared.

    Raises
    ------
    CheckError
        An output differs, or a program does not come to its end.
    ToolError
        A tool is missing or fails.
    """
    check_whole("seed", seed, 0, 2**63 - 1)
    check_whole("programs", programs, 1, 10**9)
    count = PROGRAMS if programs is None else programs
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    with step("Generating"):
        design = generate(config)
    with step(f"Building {design.name}"):
        program = build(design)
    counts, cycles, began = _Counts(), 0, monotonic()
    with step(f"Simulating {design.name}") as shown:
        shown.show(total=count)
        for first in range(0, count, BATCH):
            random = Random(f"{chosen} {first}")
            number = min(BATCH, count - first)
            cycles += replay(program, design, _batch(config, number, random, counts))
            shown.show(f"{cycles / 1e6:,.1f} Mcycles", completed=counts.programs)
    figures = {
        "name": design.name,
        "seed": chosen,
        "programs": counts.programs,
        "accesses": counts.accesses,
        "transfers": counts.transfers,
        "barriers": counts.barriers,
        "cycles": cycles,
    }
    rows = [(name, f"{value:,}") for name, value in list(figures.items())[2:]]
    title = f"{design.name}: every output equal to the golden model's, in every cycle"
    remarks = [f"seed: {chosen}", f"{cycles / (monotonic() - began):,.0f} cycles a second"]
    return Result(figures, [Sheet(title, (), rows)], remarks)


def _batch(config: ClusterConfig, number: int, random: Random, counts: _Counts) -> Iterator[Cycle]:
    def drawn() -> Iterator[list[list[Step]]]:
        for _ in range(number):
            program = draw(random, config)
            counts.add(program)
            yield program

    return play(config, drawn(), random)
