"""The cores of the functional model: their buffers' halves, and the chains that run through them.

Each iteration of a chain is a job. A job's activations go to one half of the input buffer, its results to one
half of the output buffer; the halves take turns. Jobs are loaded as early as the halves and the locks allow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import CheckError
from tileloom_golden.integers import wrap_int32
from tileloom_golden.requantise import Requantisation

from .arithmetic import Image, results, sums
from .graph import Kind
from .program import NEVER, Conv, LoadFM, LoadWM, WriteFM
from .weights import Filters, unpack
from .work import SUM_BYTES, ceil

if TYPE_CHECKING:
    from .machine import Machine

Columns = list[npt.NDArray[Any]]
"""What the cores of each column have, those of all rows together along the channels."""

Observer = Callable[[str, int, Conv, Sequence[Columns], "Filters | None", Columns], None]
"""Is told of what is computed: node, iteration, CONV, operands, weights of all rows of cores, results."""


@dataclass(frozen=True, eq=False)
class _Job:
    """An iteration of a chain of a node; ``result`` counts those before it that were written."""

    node: str
    loads: tuple[LoadFM, ...]
    stream: LoadWM | None
    conv: Conv
    write: WriteFM | None
    iteration: int
    result: int

    @property
    def last(self) -> bool:
        return self.iteration + 1 == self.conv.iterations


class Cores:
    """All cores of a machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.grid = machine, machine.grid
        self.observer: Observer | None = None
        self.queue: list[tuple[str, LoadFM | LoadWM | Conv | WriteFM]] = []
        self.locks: set[int] = set()
        self.written = self.results = 0
        self.inputs: dict[int, list[Columns]] = {}
        self.outputs: dict[int, Columns] = {}
        self.rows: list[npt.NDArray[np.uint8]] = []
        self.decoded: dict[tuple[int, int, int], Filters] = {}

    def fill(self, step: LoadWM) -> None:
        """Take compressed weights, of each row of cores its own. Raises CheckError where there is no room."""
        if 0 < self.grid.weight_bytes < step.bytes:
            raise CheckError(f"{step.bytes} bytes of weights in {self.grid.weight_bytes} of a core")
        self.rows = self.machine.row_weights(step)
        self.decoded.clear()

    def run(self) -> None:
        """Carry out the chains of the queue. Raises CheckError where a step is wrong, or waits for ever."""
        jobs = self._jobs()
        self.queue.clear()
        loaded = computed = 0
        writes = [index for index, job in enumerate(jobs) if job.write]
        node = ""
        try:
            while computed < len(jobs) or writes:
                if loaded < min(len(jobs), computed + 2) and self._may_load(jobs[loaded]):
                    node = jobs[loaded].node
                    self._load(jobs[loaded], loaded % 2)
                    loaded += 1
                elif computed < loaded and self._free(jobs[computed]):
                    node = jobs[computed].node
                    self._compute(jobs[computed], computed % 2)
                    computed += 1
                elif writes and writes[0] < computed and self._may_write(jobs[writes[0]]):
                    node = jobs[writes[0]].node
                    self._write(jobs[writes.pop(0)])
                else:
                    node = jobs[min(computed, len(jobs) - 1)].node
                    raise CheckError(f"chains wait for ever, {loaded} of {len(jobs)} iterations loaded")
        except CheckError as error:
            raise CheckError(f"{node}: {error}") from None

    def _jobs(self) -> list[_Job]:
        """Return the iterations of the queue's chains."""
        jobs: list[_Job] = []
        loads: list[LoadFM] = []
        stream: LoadWM | None = None
        for index, (node, step) in enumerate(self.queue):
            if isinstance(step, LoadFM):
                loads.append(step)
            elif isinstance(step, LoadWM):
                stream = step
            elif isinstance(step, Conv):
                following = self.queue[index + 1][1] if index + 1 < len(self.queue) else None
                write = following if isinstance(following, WriteFM) else None
                chain = [each for each in (*loads, stream, step, write) if each]
                if len({each.iterations for each in chain}) > 1:
                    raise CheckError(f"{node}: steps of a chain have different iterations")
                for iteration in range(step.iterations):
                    jobs.append(_Job(node, tuple(loads), stream, step, write, iteration, self.results))
                    self.results += write is not None
                loads, stream = [], None
        if loads:
            raise CheckError("a LOADFM without CONV")
        return jobs

    def _may_load(self, job: _Job) -> bool:
        """Return whether the locks that loads wait for are there, and the half for sums is free."""
        own = {load.lock for load in job.loads}
        ready = all(self._set(load.after) or load.after in own for load in job.loads)
        return (ready or job.iteration > 0) and (self._free(job) or not any(load.sums for load in job.loads))

    def _free(self, job: _Job) -> bool:
        """Return whether a job's half of the output buffer was written, or has never had anything."""
        return self.written >= job.result - 1

    def _may_write(self, job: _Job) -> bool:
        return job.iteration > 0 or job.write is None or self._set(job.write.after)

    def _set(self, lock: int) -> bool:
        return lock == NEVER or lock in self.locks

    def _release(self, lock: int) -> None:
        if lock in self.locks:
            raise CheckError(f"lock {lock} is set twice")
        self.locks.add(lock)

    def _load(self, job: _Job, half: int) -> None:
        operands: list[Columns] = []
        for load in job.loads:
            down = load.y + job.iteration * load.step, load.rows
            buffer = self.machine.buffers[load.buffer]
            found = [
                self.machine.strip(buffer, column, down, across, (load.channel, load.limit))
                for column, across in enumerate(zip(load.x, load.width, strict=True))
            ]
            if load.sums:
                self.outputs[job.result % 2] = [each.view("<i4") for each in found]
            else:
                end = load.core + load.rows * max(load.width) * load.channels
                if end > self.grid.input_bytes:
                    raise CheckError(f"LOADFM to {end} of {self.grid.input_bytes} bytes of a core's input")
                operands.append([each.view(np.int8) for each in found])
            if job.last:
                self._release(load.lock)
        self.inputs[half] = operands

    def _compute(self, job: _Job, half: int) -> None:
        conv, kind, own = job.conv, Kind(job.conv.kind), job.result % 2
        operands = self.inputs.pop(half)
        if job.stream and not job.iteration:
            self.fill(job.stream)
        before = self.outputs.pop(own, None)
        if conv.accumulate and before is None:
            raise CheckError("sums are added to before there are any")
        split = bool(conv.accumulate or not conv.finish or job.stream)
        each = self.grid.block if job.stream else conv.outputs
        size = conv.rows * max(conv.width) * each * (SUM_BYTES if split else 1)
        if size > self.grid.output_bytes:
            raise CheckError(f"{size} bytes of results in {self.grid.output_bytes} of a core")
        filters = self._filters(conv) if kind is Kind.CONV else None
        found: Columns = []
        for column, width in enumerate(conv.width):
            if not width:
                found.append(np.zeros((conv.rows, 0, conv.limit), np.int8 if conv.finish else np.int32))
                continue
            images: Sequence[Image] = [operand[column] for operand in operands]
            pads = (conv.above, conv.below, conv.left[column], conv.right[column])
            kernel = conv.kernel[0], conv.kernel[1]
            exact = sums(kind, images, kernel, conv.stride, pads, filters.weights if filters else None)
            if exact.shape != (conv.rows, width, conv.limit):
                raise CheckError(f"CONV makes {exact.shape}, not {(conv.rows, width, conv.limit)}")
            if conv.accumulate and before is not None:
                exact = wrap_int32(exact.astype(np.int64) + before[column])
            found.append(
                results(
                    kind,
                    exact,
                    conv.scale,
                    conv.shift,
                    filters.parameters if filters else None,
                    relu=bool(conv.relu),
                )
                if conv.finish
                else exact
            )
        self.outputs[own] = found
        if self.observer:
            self.observer(job.node, job.iteration, conv, operands, filters, found)

    def _filters(self, conv: Conv) -> Filters:
        """Return dense weights of all rows of cores together."""
        key = conv.limit, conv.outputs, conv.inputs
        if key not in self.decoded:
            block, each = self.grid.block, []
            for row in range(ceil(conv.limit, conv.outputs)):
                outputs = min(conv.outputs, conv.limit - row * conv.outputs) // block
                kernel = conv.kernel[0], conv.kernel[1]
                each.append(unpack(self.rows[row], outputs, conv.inputs // block, kernel, block))
            parameters = [own.parameters for own in each]
            together = Requantisation(
                *(
                    np.concatenate([np.asarray(getattr(own, name)) for own in parameters])
                    for name in ("bias", "scale", "shift", "zero_point")
                )
            )
            self.decoded[key] = Filters(np.concatenate([own.weights for own in each]), together)
        return self.decoded[key]

    def _write(self, job: _Job) -> None:
        write, content = job.write, self.outputs.pop(job.result % 2)
        assert write
        buffer = self.machine.buffers[write.buffer]
        kind = np.int8 if buffer.item == 1 else np.dtype("<i4")
        for column, (x, width) in enumerate(zip(write.x, write.width, strict=True)):
            if width:
                self.machine.put(
                    buffer,
                    column,
                    (write.y + job.iteration * write.step, write.rows),
                    x,
                    write.channel,
                    np.ascontiguousarray(content[column], kind).view(np.uint8),
                )
        self.written += 1
        if job.last:
            self._release(write.lock)
