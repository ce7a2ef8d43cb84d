"""From a job to runs, and from a run to bursts.

```
 jobs --> queue --> Runs --.--> Bursts --> bursts
                           '--> queue ---> runs
```
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...stream.queue import Queue
from ..config import EngineConfig
from .signals import job_layout, request_layout, run_layout


class Runs(wiring.Component):
    """Walks a job's iterations, planes and lines.

    Ports: streams ``jobs`` (in), taken with the last run, and ``runs`` (out), one per cycle. Addresses are
    sums, modulo the address space.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config))),
                "runs": Out(stream.Signature(run_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        job, run = self.jobs.payload, self.runs.payload
        line, plane, iteration = (Signal(16, name=name) for name in ("line", "plane", "iteration"))
        next_line, next_plane, next_iteration = (
            Signal(16, name=f"next_{name}") for name in ("line", "plane", "iteration")
        )
        line_at, plane_at, iteration_at = (
            Signal.like(job.address, name=f"{name}_address") for name in ("line", "plane", "iteration")
        )
        next_plane_at, next_iteration_at = (
            Signal.like(job.address, name=f"next_{name}_address") for name in ("plane", "iteration")
        )
        walking, last_line, last_plane, last = Signal(), Signal(), Signal(), Signal()
        transfer = Signal()
        m.d.comb += [
            next_line.eq(line + 1),
            next_plane.eq(plane + 1),
            next_iteration.eq(iteration + 1),
            next_plane_at.eq(plane_at + job.plane),
            next_iteration_at.eq(iteration_at + job.step),
            last_line.eq(next_line == job.lines),
            last_plane.eq(last_line & (next_plane == job.planes)),
            last.eq(last_plane & (next_iteration == job.iterations)),
            self.runs.valid.eq(walking),
            run.address.eq(line_at),
            run.bytes.eq(job.run),
            transfer.eq(walking & self.runs.ready),
            self.jobs.ready.eq(transfer & last),
        ]
        with m.If(~walking & self.jobs.valid):
            m.d.sync += [
                walking.eq(1),
                line_at.eq(job.address),
                plane_at.eq(job.address),
                iteration_at.eq(job.address),
            ]
        with m.If(transfer):
            m.d.sync += [line.eq(next_line), line_at.eq(line_at + job.line)]
            with m.If(last_line):
                m.d.sync += [line.eq(0), plane.eq(next_plane), plane_at.eq(next_plane_at)]
                m.d.sync += line_at.eq(next_plane_at)
            with m.If(last_plane):
                m.d.sync += [plane.eq(0), iteration.eq(Mux(last, 0, next_iteration))]
                m.d.sync += [value.eq(next_iteration_at) for value in (iteration_at, plane_at, line_at)]
            with m.If(last):
                m.d.sync += walking.eq(0)
        return m


class Bursts(wiring.Component):
    """Cuts runs into bursts of at most ``burst_beats`` beats that end where a multiple of that many would.

    So none crosses 4 KiB. A run that begins or ends within a beat has the whole beat. Ports: streams ``runs``
    (in), each taken before its first burst, and ``bursts`` (out).
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "runs": In(stream.Signature(run_layout(config))),
                "bursts": Out(stream.Signature(request_layout(config))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        width = config.bus // 8
        low = ceil_log2(width)
        run, burst = self.runs.payload, self.bursts.payload
        # Of the burst: number of its first beat in memory; beats of the run from there on, less 1.
        beat = Signal(config.address_bits - low)
        left = Signal(len(run.bytes))
        started = Signal()
        last = Signal()
        room, length = Signal(8), Signal(8)
        last_byte = Signal(len(run.bytes) + 1)
        m.d.comb += [
            last_byte.eq(run.address[:low] + run.bytes - 1),
            # Beats to the end of the piece, less 1.
            room.eq(~beat & (config.burst_beats - 1)),
            last.eq(left <= room),
            length.eq(Mux(last, left, room)),
            self.bursts.valid.eq(started),
            burst.addr.eq(beat << low),
            burst.len.eq(length),
            self.runs.ready.eq(~started | (self.bursts.ready & last)),
        ]
        with m.If(self.runs.ready):
            m.d.sync += [
                started.eq(self.runs.valid),
                beat.eq(run.address >> low),
                left.eq(last_byte >> low),
            ]
        with m.Elif(self.bursts.ready):
            m.d.sync += [
                beat.eq(beat + length + 1),
                left.eq(left - length - 1),
            ]
        return m


class JobBursts(wiring.Component):
    """Turns jobs into bursts, and remembers the runs that the bursts' data belong to.

    Parameters
    ----------
    runs:
        Runs that may wait for their data.

    Ports: streams ``jobs`` (in), ``runs`` and ``bursts`` (out); ``idle`` (out), no job is waiting or under
    way.
    """

    def __init__(self, config: EngineConfig, runs: int) -> None:
        self.config = config
        self.depth = runs
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config))),
                "runs": Out(stream.Signature(run_layout(config))),
                "bursts": Out(stream.Signature(request_layout(config))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        m.submodules.job_queue = job_queue = Queue(job_layout(config), 2)
        m.submodules.runs = runs = Runs(config)
        m.submodules.bursts = bursts = Bursts(config)
        m.submodules.run_queue = run_queue = Queue(run_layout(config), self.depth)
        wiring.connect(m, wiring.flipped(self.jobs), job_queue.incoming)
        wiring.connect(m, job_queue.outgoing, runs.jobs)
        wiring.connect(m, run_queue.outgoing, wiring.flipped(self.runs))
        wiring.connect(m, bursts.bursts, wiring.flipped(self.bursts))

        # A run goes to both or waits.
        m.d.comb += [
            bursts.runs.payload.eq(runs.runs.payload),
            run_queue.incoming.payload.eq(runs.runs.payload),
            bursts.runs.valid.eq(runs.runs.valid & run_queue.incoming.ready),
            runs.runs.ready.eq(bursts.runs.ready & run_queue.incoming.ready),
            run_queue.incoming.valid.eq(runs.runs.valid & bursts.runs.ready),
            self.idle.eq(job_queue.empty & run_queue.empty & ~bursts.bursts.valid),
        ]
        return m
