"""Jobs on an engine, with streams or as an AXI4 master: run, and compared with the golden model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom.engine.config import Core, EngineConfig, EnginePort
from tileloom.errors import CheckError, UserError
from tileloom_golden.engine.streams import packet_ends, skipped_blocks

from .axi_harness import AxiProgram, AxiRun, run_programs
from .grid import GridRun, GridStreams, grid_apart, joined_grid, outputs_of_grid, run_grid
from .harness import EngineRun, LayerStreams, apart, joined, run_layers
from .job import Job, together
from .layers import outputs
from .memory import MemoryImage

ON_B, ERROR_AND_FAULT = 0b10, 0b110001
"""Of a status: the error was on B, not on R; there was an error, and the walker's fault."""

FAULT = 4
"""Bit of a status at which the walker's fault begins."""


@dataclass(frozen=True)
class JobRun:
    """A job that was run, and gave what it must.

    Attributes
    ----------
    words:
        The results, H_out x W_out x N of the program's layer, as ``Job.expected`` but where a read failed.
    cycles:
        From the first command's offer to the last result; of an AXI4 master from ``start`` to ``status``.
    went_in, came_out:
        Streams or the memory, and what came of them.
    """

    words: npt.NDArray[Any]
    cycles: int
    went_in: LayerStreams | GridStreams | MemoryImage
    came_out: EngineRun | GridRun | AxiRun

    @property
    def failed(self) -> bool:
        """Whether memory answered an access with an error."""
        return isinstance(self.came_out, AxiRun) and self.came_out.answered != 0


def require_whole_bytes(config: EngineConfig) -> None:
    """Raise UserError for an AXI4 master whose activations or results are less than a byte."""
    if config.port is not EnginePort.AXI4:
        return
    for name, bits in (("activation", config.element_bits), ("accumulator", config.result_bits)):
        if bits % 8:
            raise UserError(
                f"{name}: {bits} bits are no whole bytes of memory; simulate this one with streams (port)"
            )


def run_jobs(
    design: Design, jobs: Sequence[Job], *, waves: Path | None = None, mutant: int | None = None
) -> list[JobRun]:
    """Run jobs after one another on the engine that they are all for; ``mutant`` as in ``run_layers``.

    Raises CheckError where hardware and golden model differ in a bit, or the hardware does what it must not;
    ToolError where a tool is missing or fails.
    """
    config = jobs[0].config
    if config.port is EnginePort.AXI4:
        runs = _on_axi(design, jobs, waves, mutant)
    else:
        runs = (_on_grid if config.is_grid else _on_streams)(design, jobs, waves, mutant)
    for number, (job, run, faults) in enumerate(zip(jobs, runs, _faults(jobs), strict=True)):
        _compare(f"layer {number}, {job.program.layer}", job, run, faults)
    return runs


def _faults(jobs: Sequence[Job]) -> list[int]:
    """Return what ``fault`` says behind each job: it stays until a reset, and is looked at when all rests."""
    found: list[int] = []
    faults, since = 0, 0
    for place, job in enumerate(jobs):
        if not job.follows:
            found += [faults] * (place - since)
            since = place
        faults = job.faults | (0 if job.abandoned else faults)
    return found + [faults] * (len(jobs) - since)


def _on_streams(design: Design, jobs: Sequence[Job], waves: Path | None, mutant: int | None) -> list[JobRun]:
    groups = together(jobs)
    streams = [joined([job.streams for job in some]) for some in groups]
    done = []
    for some, run in zip(groups, run_layers(design, streams, waves=waves, mutant=mutant), strict=True):
        for place, (job, own) in enumerate(zip(some, apart(run, [job.streams for job in some]), strict=True)):
            words = outputs(job.program, own, job.config.result_bits)
            # The cycles of all are those of the first.
            cycles = 0 if place else run.cycles
            done.append(JobRun(words.astype(job.expected.dtype), cycles, job.streams, own))
    return done


def _on_grid(design: Design, jobs: Sequence[Job], waves: Path | None, mutant: int | None) -> list[JobRun]:
    groups = together(jobs)
    streams = [joined_grid([job.grid_streams for job in some]) for some in groups]
    done = []
    for some, run in zip(groups, run_grid(design, streams, waves=waves, mutant=mutant), strict=True):
        own = grid_apart(run, [job.grid_streams for job in some])
        for place, (job, mine) in enumerate(zip(some, own, strict=True)):
            words = outputs_of_grid(job.grid, mine, job.config.result_bits)
            cycles = 0 if place else run.cycles
            done.append(JobRun(words.astype(job.expected.dtype), cycles, job.grid_streams, mine))
    return done


def _on_axi(design: Design, jobs: Sequence[Job], waves: Path | None, mutant: int | None) -> list[JobRun]:
    config = jobs[0].config
    programs = [
        AxiProgram(job.image, job.waits, job.seed, job.failing, 2 + job.seed % 2, job.abandoned)
        for job in jobs
    ]
    runs = run_programs(design, config, programs, waves=waves, mutant=mutant)
    return [
        JobRun(words_of(job, program.image, run.content), run.cycles, program.image, run)
        for job, program, run in zip(jobs, programs, runs, strict=True)
    ]


def words_of(job: Job, image: MemoryImage, content: bytes | bytearray) -> npt.NDArray[Any]:
    """Return a job's results, as ``expected``, from all bytes of its memory."""
    words = image.outputs(content)
    return words.view(f"u{words.dtype.itemsize}").astype(job.expected.dtype)


def _compare(where: str, job: Job, run: JobRun, faults: int) -> None:
    wrong = _wrong(job, run)
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise CheckError(
            f"{where}: {int(wrong.sum())} of {wrong.size} results differ, the first at "
            f"[{', '.join(map(str, place))}]: {run.words[place]}, golden model {job.expected[place]}"
        )
    if not isinstance(run.came_out, AxiRun):
        if run.came_out.fault != faults:
            raise CheckError(f"{where}: fault is {run.came_out.fault}; the index calls for {faults}")
        if not _ends_right(job, run.came_out):
            raise CheckError(f"{where}: `last` is not with the last transfer of each block column alone")
        return
    status, answered = run.came_out.status, run.came_out.answered | faults << FAULT
    # Without an error the rest says nothing.
    if status != answered if run.failed else status & ERROR_AND_FAULT != answered:
        raise CheckError(f"{where}: status is {status:#x}; what came from memory calls for {answered:#x}")
    if job.config.wrapper and not run.failed and job.entries is None:
        rows, weights = [job.program], job.weights
        if job.config.is_grid:
            rows, weights = [row[0] for row in job.grid.engines], job.grid.weights(weights)
        skipped = sum(skipped_blocks(program, weights) for program in rows)
        if run.came_out.skipped != skipped:
            raise CheckError(f"{where}: BLOCKS_SKIPPED counts {run.came_out.skipped}; there were {skipped}")
    assert isinstance(run.went_in, MemoryImage)
    before, after = map(run.went_in.without_results, (run.went_in.content, run.came_out.content))
    if before != after:
        raise CheckError(f"{where}: the engine changed memory outside of the results")


def _ends_right(job: Job, run: EngineRun | GridRun) -> bool:
    """Return whether `last` is where it should be, in the packets of each engine."""
    if isinstance(run, EngineRun):
        return np.array_equal(run.last, packet_ends(job.program))
    pairs = zip(chain.from_iterable(run.last), chain.from_iterable(job.grid.engines), strict=True)
    return all(np.array_equal(last, packet_ends(program)) for last, program in pairs)


def _wrong(job: Job, run: JobRun) -> npt.NDArray[np.bool_]:
    """Return which results are wrong.

    Where a read failed, what was read is noise: of operands any result may be wrong, and of what says what is
    to be done, whatever was not written yet is as it was before. Rows that there are not may be anything, and
    floats are added in the order of the index.
    """
    wrong = run.words != job.expected
    if job.faults and (job.faults & 1 or job.config.core is Core.SYSTOLIC):
        return np.zeros_like(wrong)
    if not isinstance(run.came_out, AxiRun) or run.came_out.answered & ON_B or not run.came_out.answered:
        return wrong
    assert isinstance(run.went_in, MemoryImage)
    assert job.failing is not None
    if not run.went_in.says_what_to_do(job.failing, job.config.bus // 8):
        return np.zeros_like(wrong)
    return wrong & (run.words != words_of(job, run.went_in, run.went_in.content))
