"""Writing: results into runs of memory, with the bytes that are not theirs left alone.

```
 jobs --> Runs --.--> Bursts --> AW --> lengths, addresses --.-------------> B: errors
                 '--> Beats <-- units                        |
                        '------------------------------------+--> W
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...stream.queue import Queue
from ..config import EngineConfig
from .read import ERROR, OUTSTANDING
from .runs import Bursts, Runs
from .signals import job_layout, request_layout, run_layout, write_layout


class Beats(wiring.Component):
    """Puts units together to beats; strobes say which bytes are there.

    Ports: streams ``runs``, ``units`` (in), ``beats`` (out, ``data`` and ``strb``), a unit per cycle;
    ``idle`` (out).
    """

    def __init__(self, config: EngineConfig, unit_bits: int) -> None:
        self.config = config
        self.unit_bits = unit_bits
        beat = data.StructLayout({"data": config.bus, "strb": config.bus // 8})
        super().__init__(
            {
                "runs": In(stream.Signature(run_layout(config))),
                "units": In(stream.Signature(unit_bits)),
                "beats": Out(stream.Signature(beat)),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        unit_bytes = self.unit_bits // 8
        per_beat = self.config.bus // self.unit_bits
        low = ceil_log2(unit_bytes)
        run, beat = self.runs.payload, self.beats.payload
        place = Signal(ceil_log2(per_beat))
        left = Signal(len(run.bytes))
        running, last, moving = Signal(), Signal(), Signal()
        strobes = Signal(per_beat)
        m.d.comb += [
            last.eq(left == 1),
            self.runs.ready.eq(~running | (moving & last)),
            self.units.ready.eq(running & (~self.beats.valid | self.beats.ready)),
            moving.eq(self.units.valid & self.units.ready),
            beat.strb.eq(Cat(strobe.replicate(unit_bytes) for strobe in strobes)),
            self.idle.eq(~running & ~self.beats.valid),
        ]
        with m.If(self.runs.ready):
            m.d.sync += [
                running.eq(self.runs.valid),
                place.eq(run.address >> low),
                left.eq(run.bytes >> low),
            ]
        with m.Elif(moving):
            m.d.sync += [place.eq(place + 1), left.eq(left - 1)]

        # A beat leaves when its last place or the run's last unit is there; the next unit starts another.
        fresh = Signal(init=1)
        with m.If(self.beats.ready):
            m.d.sync += self.beats.valid.eq(0)
        with m.If(moving):
            whole = last | (place == per_beat - 1)
            m.d.sync += [
                beat.data.word_select(place, self.unit_bits).eq(self.units.payload),
                strobes.eq(Mux(fresh, 0, strobes) | (1 << place)),
                self.beats.valid.eq(whole),
                fresh.eq(whole),
            ]
        return m


class WriteClient(wiring.Component):
    """Writes jobs to memory, as units of ``unit_bits``.

    Ports: streams ``jobs``, ``units`` (in), ``aw``, ``w`` (out), ``b`` (in, ready while a burst is
    outstanding); ``error`` (out), in the cycle of an error response, with ``response`` and ``address``, that
    of its burst; ``idle`` (out): every job is done and answered.
    """

    def __init__(self, config: EngineConfig, unit_bits: int) -> None:
        self.config = config
        self.unit_bits = unit_bits
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config))),
                "units": In(stream.Signature(unit_bits)),
                "aw": Out(stream.Signature(request_layout(config))),
                "w": Out(stream.Signature(write_layout(config))),
                "b": In(stream.Signature(2)),
                "error": Out(1),
                "response": Out(2),
                "address": Out(config.address_bits),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        m.submodules.job_queue = jobs = Queue(job_layout(config), 2)
        m.submodules.runs = runs = Runs(config)
        m.submodules.bursts = bursts = Bursts(config)
        m.submodules.run_queue = run_queue = Queue(run_layout(config), 2)
        m.submodules.beats = beats = Beats(config, self.unit_bits)
        m.submodules.lengths = lengths = Queue(8, OUTSTANDING)
        m.submodules.addresses = addresses = Queue(config.address_bits, OUTSTANDING)
        wiring.connect(m, wiring.flipped(self.jobs), jobs.incoming)
        wiring.connect(m, jobs.outgoing, runs.jobs)
        wiring.connect(m, run_queue.outgoing, beats.runs)
        wiring.connect(m, wiring.flipped(self.units), beats.units)

        # A run goes to both or waits; so does a burst, to AW and to what remembers it.
        room = Signal()
        m.d.comb += [
            bursts.runs.payload.eq(runs.runs.payload),
            run_queue.incoming.payload.eq(runs.runs.payload),
            bursts.runs.valid.eq(runs.runs.valid & run_queue.incoming.ready),
            runs.runs.ready.eq(bursts.runs.ready & run_queue.incoming.ready),
            run_queue.incoming.valid.eq(runs.runs.valid & bursts.runs.ready),
            room.eq(lengths.incoming.ready & addresses.incoming.ready & (~self.aw.valid | self.aw.ready)),
            bursts.bursts.ready.eq(room),
            lengths.incoming.valid.eq(bursts.bursts.valid & room),
            lengths.incoming.payload.eq(bursts.bursts.payload.len),
            addresses.incoming.valid.eq(bursts.bursts.valid & room),
            addresses.incoming.payload.eq(bursts.bursts.payload.addr),
        ]
        with m.If(self.aw.ready):
            m.d.sync += self.aw.valid.eq(0)
        with m.If(bursts.bursts.valid & room):
            m.d.sync += [self.aw.valid.eq(1), self.aw.payload.eq(bursts.bursts.payload)]

        # Data, burst by burst.
        sent = Signal(8)
        moving = Signal()
        m.d.comb += [
            self.w.valid.eq(beats.beats.valid & lengths.outgoing.valid),
            self.w.payload.data.eq(beats.beats.payload.data),
            self.w.payload.strb.eq(beats.beats.payload.strb),
            self.w.payload.last.eq(sent == lengths.outgoing.payload),
            moving.eq(self.w.valid & self.w.ready),
            beats.beats.ready.eq(self.w.ready & lengths.outgoing.valid),
            lengths.outgoing.ready.eq(moving & self.w.payload.last),
        ]
        with m.If(moving):
            m.d.sync += sent.eq(Mux(self.w.payload.last, 0, sent + 1))

        m.d.comb += [
            self.b.ready.eq(addresses.outgoing.valid),
            addresses.outgoing.ready.eq(self.b.valid),
            self.error.eq(self.b.valid & self.b.ready & (self.b.payload >= ERROR)),
            self.response.eq(self.b.payload),
            self.address.eq(addresses.outgoing.payload),
            self.idle.eq(jobs.empty & run_queue.empty & beats.idle & addresses.empty & ~bursts.bursts.valid),
        ]
        return m
