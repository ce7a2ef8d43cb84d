"""Writing: results into runs of memory, with the bytes that are not theirs left alone.

```
 jobs --> JobBursts --.--> AW --> lengths, addresses --.-----------------> B: errors
                      |                                |
                      '--> runs --> Beats <-- units    |
                                      '----------------+--> W
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...stream.queue import Queue
from ..config import EngineConfig
from .read import ERROR, OUTSTANDING
from .runs import JobBursts
from .signals import JobBits, beat_layout, job_layout, request_layout, run_layout, write_layout


def write_members(config: EngineConfig) -> dict[str, In | Out]:
    """Return the ports of who writes: channels of AXI4, and control, as ``WriteClient`` says."""
    return {
        "aw": Out(stream.Signature(request_layout(config))),
        "w": Out(stream.Signature(write_layout(config))),
        "b": In(stream.Signature(2)),
        "stop": In(1),
        "error": Out(1),
        "response": Out(2),
        "address": Out(config.address_bits),
        "idle": Out(1),
        "stopped": Out(1),
    }


class Beats(wiring.Component):
    """Puts units together to beats; strobes say which bytes are there.

    Ports: streams ``runs``, ``units`` (in), ``beats`` (out, ``data`` and ``strb``), a unit per cycle;
    ``idle`` (out).
    """

    def __init__(self, config: EngineConfig, unit_bits: int, bits: JobBits) -> None:
        self.config = config
        self.unit_bits = unit_bits
        super().__init__(
            {
                "runs": In(stream.Signature(run_layout(config, bits))),
                "units": In(stream.Signature(unit_bits)),
                "beats": Out(stream.Signature(beat_layout(config))),
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
        left = Signal(len(run.bytes) - low)
        running, last, transfer = Signal(), Signal(), Signal()
        strobes = Signal(per_beat, reset_less=True)
        held = Signal(self.config.bus, reset_less=True)
        m.d.comb += [
            last.eq(left == 1),
            self.runs.ready.eq(~running | (transfer & last)),
            self.units.ready.eq(running & (~self.beats.valid | self.beats.ready)),
            transfer.eq(self.units.valid & self.units.ready),
            beat.data.eq(held),
            beat.strb.eq(Cat(strobe.replicate(unit_bytes) for strobe in strobes)),
            self.idle.eq(~running & ~self.beats.valid),
        ]
        with m.If(self.runs.ready):
            m.d.sync += [
                running.eq(self.runs.valid),
                place.eq(run.address >> low),
                left.eq(run.bytes >> low),
            ]
        with m.Elif(transfer):
            m.d.sync += [place.eq(place + 1), left.eq(left - 1)]

        # A beat leaves when its last place or the run's last unit is there; the next unit starts another.
        first_of_beat = Signal(init=1)
        with m.If(self.beats.ready):
            m.d.sync += self.beats.valid.eq(0)
        with m.If(transfer):
            whole = last | (place == per_beat - 1)
            m.d.sync += [
                held.word_select(place, self.unit_bits).eq(self.units.payload),
                strobes.eq(Mux(first_of_beat, 0, strobes) | (1 << place)),
                self.beats.valid.eq(whole),
                first_of_beat.eq(whole),
            ]
        return m


class WriteClient(wiring.Component):
    """Writes jobs to memory, as units of ``unit_bits``.

    Ports
    -----
    jobs, units:
        Streams in.
    aw, w, b:
        Streams out, and in: ``b`` is ready while a burst is outstanding.
    stop:
        In: write nothing more, forget what was to be written, until it falls. What is offered is held until
        it is taken; the other beats of the bursts that were offered go out without strobes. Jobs may come
        from the second cycle after on.
    error, response, address:
        Out: in the cycle of an error response, that, and where its burst began.
    idle:
        Out: every job is done, or forgotten, and every burst is answered.
    stopped:
        Out: nothing is on offer that ``stop`` came too late for, and all jobs are forgotten.
    """

    def __init__(self, config: EngineConfig, unit_bits: int, bits: JobBits) -> None:
        self.config = config
        self.unit_bits = unit_bits
        self.bits = bits
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config, bits))),
                "units": In(stream.Signature(unit_bits)),
                **write_members(config),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        cutter = JobBursts(config, self.bits, 2)
        beats = Beats(config, self.unit_bits, self.bits)
        # What was offered stays: only what comes before is forgotten, once no beat is on offer.
        dropping = Signal()
        m.submodules.cutter = ResetInserter(dropping)(cutter)
        m.submodules.beats = ResetInserter(dropping)(beats)
        m.submodules.lengths = lengths = Queue(8, OUTSTANDING)
        m.submodules.addresses = addresses = Queue(config.address_bits, OUTSTANDING)
        wiring.connect(m, wiring.flipped(self.jobs), cutter.jobs)
        wiring.connect(m, cutter.runs, beats.runs)
        m.d.comb += [
            beats.units.payload.eq(self.units.payload),
            beats.units.valid.eq(self.units.valid & ~dropping),
            self.units.ready.eq(beats.units.ready & ~dropping),
        ]

        # A burst goes to AW and to what remembers it, or waits.
        burst, taking = cutter.bursts, Signal()
        free = ~self.aw.valid | self.aw.ready
        m.d.comb += [
            burst.ready.eq(lengths.incoming.ready & addresses.incoming.ready & free & ~self.stop),
            taking.eq(burst.valid & burst.ready),
            lengths.incoming.valid.eq(taking),
            lengths.incoming.payload.eq(burst.payload.len),
            addresses.incoming.valid.eq(taking),
            addresses.incoming.payload.eq(burst.payload.addr),
        ]
        with m.If(self.aw.ready):
            m.d.sync += self.aw.valid.eq(0)
        with m.If(taking):
            m.d.sync += [self.aw.valid.eq(1), self.aw.payload.eq(burst.payload)]

        # Data, burst by burst.
        sent = Signal(8)
        transfer = Signal()
        m.d.comb += [
            self.w.valid.eq((beats.beats.valid | dropping) & lengths.outgoing.valid),
            self.w.payload.data.eq(beats.beats.payload.data),
            self.w.payload.strb.eq(Mux(dropping, 0, beats.beats.payload.strb)),
            self.w.payload.last.eq(sent == lengths.outgoing.payload),
            transfer.eq(self.w.valid & self.w.ready),
            beats.beats.ready.eq(self.w.ready & lengths.outgoing.valid),
            lengths.outgoing.ready.eq(transfer & self.w.payload.last),
        ]
        with m.If(transfer):
            m.d.sync += sent.eq(Mux(self.w.payload.last, 0, sent + 1))
        with m.If(~self.w.valid | self.w.ready):
            m.d.sync += dropping.eq(self.stop)

        m.d.comb += [
            self.b.ready.eq(addresses.outgoing.valid),
            addresses.outgoing.ready.eq(self.b.valid),
            self.error.eq(self.b.valid & self.b.ready & (self.b.payload >= ERROR)),
            self.response.eq(self.b.payload),
            self.address.eq(addresses.outgoing.payload),
            self.idle.eq(cutter.idle & beats.idle & addresses.empty),
            self.stopped.eq(dropping),
        ]
        return m
