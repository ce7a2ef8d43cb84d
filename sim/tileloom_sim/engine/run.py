"""Jobs on an engine, with streams or as an AXI4 master: run, and compared with the golden model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.design import Design
from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.errors import CheckError, UserError

from .axi_harness import AxiProgram, AxiRun, run_programs
from .harness import EngineRun, LayerStreams, run_layers
from .job import Job
from .layers import outputs
from .memory import MemoryImage


@dataclass(frozen=True)
class JobRun:
    """A job that was run, and gave what it must.

    Attributes
    ----------
    words:
        The results, H_out x W_out x N of the program's layer, as ``Job.expected``.
    cycles:
        From the first command's offer to the last result; of an AXI4 master from ``start`` to ``status``.
    went_in, came_out:
        Streams or the memory, and what came of them.
    """

    words: npt.NDArray[Any]
    cycles: int
    went_in: LayerStreams | MemoryImage
    came_out: EngineRun | AxiRun


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
    axi = jobs[0].config.port is EnginePort.AXI4
    runs = (_on_axi if axi else _on_streams)(design, jobs, waves, mutant)
    for number, (job, run) in enumerate(zip(jobs, runs, strict=True)):
        _compare(f"layer {number}, {job.program.layer}", job, run)
    return runs


def _on_streams(design: Design, jobs: Sequence[Job], waves: Path | None, mutant: int | None) -> list[JobRun]:
    streams = [job.streams() for job in jobs]
    done = []
    runs = run_layers(design, streams, waves=waves, mutant=mutant)
    for job, given, run in zip(jobs, streams, runs, strict=True):
        words = outputs(job.program, run, job.config.result_bits)
        done.append(JobRun(words.astype(job.expected.dtype), run.cycles, given, run))
    return done


def _on_axi(design: Design, jobs: Sequence[Job], waves: Path | None, mutant: int | None) -> list[JobRun]:
    config = jobs[0].config
    programs = [AxiProgram(job.image, job.waits, job.seed) for job in jobs]
    runs = run_programs(design, config, programs, waves=waves, mutant=mutant)
    done = []
    for job, program, run in zip(jobs, programs, runs, strict=True):
        image = program.image
        words = image.outputs(run.content[_results_of(image)])
        unsigned = words.view(f"u{words.dtype.itemsize}")
        done.append(JobRun(unsigned.astype(job.expected.dtype), run.cycles, image, run))
    return done


def _results_of(image: MemoryImage) -> slice:
    begin = image.results - image.base
    return slice(begin, begin + image.results_size)


def _compare(where: str, job: Job, run: JobRun) -> None:
    wrong = run.words != job.expected
    if wrong.any():
        place = tuple(int(index) for index in np.argwhere(wrong)[0])
        raise CheckError(
            f"{where}: {int(wrong.sum())} of {wrong.size} results differ, the first at "
            f"[{', '.join(map(str, place))}]: {run.words[place]}, golden model {job.expected[place]}"
        )
    if isinstance(run.came_out, EngineRun):
        if run.came_out.fault:
            raise CheckError(f"{where}: the results are right, but fault is {run.came_out.fault}")
        return
    if run.came_out.status & 0x3F:
        raise CheckError(f"{where}: the results are right, but status is {run.came_out.status:#x}")
    assert isinstance(run.went_in, MemoryImage)
    before, after = bytearray(run.went_in.content), bytearray(run.came_out.content)
    results = _results_of(run.went_in)
    before[results] = after[results] = b""
    if before != after:
        raise CheckError(f"{where}: the engine changed memory outside of the results")
