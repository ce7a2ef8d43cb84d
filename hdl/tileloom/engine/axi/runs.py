"""From a job to runs, and from a run to bursts.

```
 jobs --> queue --> Runs --.--> Bursts --> bursts
                           '--> queue ---> runs
```
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...stream.queue import Queue
from ..config import EngineConfig
from .signals import JobBits, job_layout, request_layout, run_layout


class Runs(wiring.Component):
    """Walks a job's iterations, planes and lines, of which a client may have no planes and lines.

    Ports: streams ``jobs`` (in), taken with the last run, and ``runs`` (out), one per cycle. Addresses are
    sums, modulo the address space.
    """

    def __init__(self, config: EngineConfig, bits: JobBits) -> None:
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config, bits))),
                "runs": Out(stream.Signature(run_layout(config, bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        job, run = self.jobs.payload, self.runs.payload
        walking, transfer, last = Signal(), Signal(), Signal()
        # A loop has a count, and the address at which its turn began; the innermost is first.
        addresses: list[Signal] = []
        ends: Value = Const(1)
        with m.If(~walking & self.jobs.valid):
            m.d.sync += walking.eq(1)
        for count, pitch in (("lines", "line"), ("planes", "plane"), ("iterations", "step")):
            if count not in job.shape().members:
                continue
            turn = Signal.like(job[count], name=pitch)
            following = Signal.like(turn, name=f"next_{pitch}")
            address = Signal.like(job.address, name=f"{pitch}_address")
            beyond = Signal.like(address, name=f"next_{pitch}_address")
            addresses.append(address)
            m.d.comb += [following.eq(turn + 1), beyond.eq(address + job[pitch])]
            with m.If(transfer & ends):
                m.d.sync += turn.eq(following)
                m.d.sync += [inner.eq(beyond) for inner in addresses]
            ended = Signal(name=f"last_{pitch}")
            m.d.comb += ended.eq(ends & (following == job[count]))
            with m.If(transfer & ended):
                m.d.sync += turn.eq(0)
            with m.If(~walking & self.jobs.valid):
                m.d.sync += address.eq(job.address)
            ends = ended
        with m.If(transfer & last):
            m.d.sync += walking.eq(0)
        m.d.comb += [
            last.eq(ends),
            self.runs.valid.eq(walking),
            run.address.eq(addresses[0]),
            run.bytes.eq(job.run),
            transfer.eq(walking & self.runs.ready),
            self.jobs.ready.eq(transfer & last),
        ]
        return m


class Bursts(wiring.Component):
    """Cuts runs into bursts of at most ``burst_beats`` beats that end where a multiple of that many would.

    So none crosses 4 KiB. A run that begins or ends within a beat has the whole beat. Ports: streams ``runs``
    (in), each taken before its first burst, and ``bursts`` (out).
    """

    def __init__(self, config: EngineConfig, bits: JobBits) -> None:
        self.config = config
        super().__init__(
            {
                "runs": In(stream.Signature(run_layout(config, bits))),
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
        left = Signal(len(run.bytes) + 1 - low)
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
    bits:
        Of the jobs.
    runs:
        Runs that may wait for their data.

    Ports: streams ``jobs`` (in), ``runs`` and ``bursts`` (out); ``idle`` (out), no job is waiting or under
    way.
    """

    def __init__(self, config: EngineConfig, bits: JobBits, runs: int) -> None:
        self.config = config
        self.bits = bits
        self.depth = runs
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config, bits))),
                "runs": Out(stream.Signature(run_layout(config, bits))),
                "bursts": Out(stream.Signature(request_layout(config))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        m.submodules.job_queue = job_queue = Queue(job_layout(config, self.bits), 2)
        m.submodules.runs = runs = Runs(config, self.bits)
        m.submodules.bursts = bursts = Bursts(config, self.bits)
        m.submodules.run_queue = run_queue = Queue(run_layout(config, self.bits), self.depth)
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
