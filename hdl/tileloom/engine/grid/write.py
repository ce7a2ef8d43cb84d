"""Results of a grid on their way to memory: a buffer of each engine, and the channel that they share.

```
 jobs --> JobBursts --.--> queue --> burst, once its beats are there ---> WriteChannel --> AW, W, B
                      '--> runs --> Beats <-- units                            ^
                                      '--> queue --> beats --------------------'
```

A burst is offered when all of its beats are in the queue. So no burst that memory has accepted waits for an
engine, and none holds up those of others.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...hierarchy import add_shared
from ...stream.queue import Queue
from ...stream.turns import in_turn
from ..axi.read import ERROR, OUTSTANDING
from ..axi.runs import JobBursts
from ..axi.signals import beat_layout, job_layout, request_layout, result_job
from ..axi.write import Beats, write_members
from ..config import EngineConfig
from ..drain import result_layout


class ResultBuffer(wiring.Component):
    """Puts an engine's results together to bursts, each offered when it is whole.

    Ports: streams ``jobs`` and ``units`` (in); ``bursts`` (out), where a burst begins and its beats less 1;
    ``beats`` (out), those of the bursts in order, each there from two cycles after it went in; ``idle``
    (out), every job is done and every beat taken.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config, result_job(config)))),
                "units": In(stream.Signature(result_layout(config).size)),
                "bursts": Out(stream.Signature(request_layout(config))),
                "beats": Out(stream.Signature(beat_layout(config))),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        depth = config.burst_beats
        bits = result_job(config)
        m.submodules.cutter = cutter = JobBursts(config, bits, 2)
        m.submodules.assembly = assembly = Beats(config, result_layout(config).size, bits)
        m.submodules.queue = queue = Queue(beat_layout(config), depth, buffered=True)
        # Runs behind a burst that is not whole are put together already.
        m.submodules.waiting = waiting = Queue(request_layout(config), 2)
        wiring.connect(m, wiring.flipped(self.jobs), cutter.jobs)
        wiring.connect(m, cutter.runs, assembly.runs)
        wiring.connect(m, cutter.bursts, waiting.incoming)
        wiring.connect(m, wiring.flipped(self.units), assembly.units)
        wiring.connect(m, assembly.beats, queue.incoming)
        wiring.connect(m, queue.outgoing, wiring.flipped(self.beats))

        # Beats in the queue that are of no burst that was taken.
        there = Signal(range(depth + 1))
        burst, wanted, whole, coming = waiting.outgoing, Signal(9), Signal(), Signal()
        m.d.comb += [
            wanted.eq(burst.payload.len + 1),
            whole.eq(there >= wanted),
            self.bursts.payload.eq(burst.payload),
            self.bursts.valid.eq(burst.valid & whole),
            burst.ready.eq(self.bursts.ready & whole),
            coming.eq(queue.incoming.valid & queue.incoming.ready),
            self.idle.eq(cutter.idle & waiting.empty & assembly.idle & queue.empty),
        ]
        taken = self.bursts.valid & self.bursts.ready
        m.d.sync += there.eq(there - Mux(taken, wanted, 0) + coming)
        return m


class WriteChannel(wiring.Component):
    """Takes whole bursts of ``buffers``, in turn, and writes them.

    Ports
    -----
    bursts, beats:
        Of each buffer, streams in.
    aw, w, b:
        Streams out, and in: ``b`` is ready while a burst is outstanding.
    stop:
        In: begin nothing more until it falls. What is offered is held until it is taken; the other beats of
        the bursts that were taken go out without strobes.
    error, response, address:
        Out: in the cycle of an error response, that, and where its burst began.
    idle:
        Out: every burst is answered.
    stopped:
        Out: nothing is on offer that ``stop`` came too late for; buffers are to forget what they have.
    """

    def __init__(self, config: EngineConfig, buffers: int) -> None:
        self.config = config
        self.buffers = buffers
        super().__init__(
            {
                "bursts": In(stream.Signature(request_layout(config))).array(buffers),
                "beats": In(stream.Signature(beat_layout(config))).array(buffers),
                **write_members(config),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config, number = self.config, range(self.buffers)
        of_whom = data.StructLayout({"buffer": ceil_log2(self.buffers), "len": 8})
        m.submodules.routes = routes = Queue(of_whom, OUTSTANDING)
        m.submodules.addresses = addresses = Queue(config.address_bits, OUTSTANDING)

        # A burst goes to AW and to what remembers it, or waits.
        served = Signal(range(self.buffers))
        chosen, asks = in_turn(m, served, [port.valid for port in self.bursts])
        burst = request_layout(config)(Array(port.payload.as_value() for port in self.bursts)[chosen])
        taking = Signal()
        room = routes.incoming.ready & addresses.incoming.ready & (~self.aw.valid | self.aw.ready)
        m.d.comb += [
            taking.eq(asks & room & ~self.stop),
            routes.incoming.valid.eq(taking),
            routes.incoming.payload.buffer.eq(chosen),
            routes.incoming.payload.len.eq(burst.len),
            addresses.incoming.valid.eq(taking),
            addresses.incoming.payload.eq(burst.addr),
        ]
        m.d.comb += [self.bursts[index].ready.eq(taking & (chosen == index)) for index in number]
        with m.If(self.aw.ready):
            m.d.sync += self.aw.valid.eq(0)
        with m.If(taking):
            m.d.sync += [self.aw.valid.eq(1), self.aw.payload.eq(burst), served.eq(chosen)]

        # Data, burst by burst.
        sending, now = routes.outgoing.valid, routes.outgoing.payload
        beat = beat_layout(config)(Array(port.payload.as_value() for port in self.beats)[now.buffer])
        there = Array(port.valid for port in self.beats)[now.buffer]
        sent, transfer = Signal(8), Signal()
        m.d.comb += [
            self.w.valid.eq((there | self.stopped) & sending),
            # Queues that are in reset hold nothing still.
            self.w.payload.data.eq(Mux(self.stopped, 0, beat.data)),
            self.w.payload.strb.eq(Mux(self.stopped, 0, beat.strb)),
            self.w.payload.last.eq(sent == now.len),
            transfer.eq(self.w.valid & self.w.ready),
            routes.outgoing.ready.eq(transfer & self.w.payload.last),
        ]
        m.d.comb += [
            self.beats[index].ready.eq(self.w.ready & sending & (now.buffer == index)) for index in number
        ]
        with m.If(transfer):
            m.d.sync += sent.eq(Mux(self.w.payload.last, 0, sent + 1))
        with m.If(~self.w.valid | self.w.ready):
            m.d.sync += self.stopped.eq(self.stop)

        m.d.comb += [
            self.b.ready.eq(addresses.outgoing.valid),
            addresses.outgoing.ready.eq(self.b.valid),
            self.error.eq(self.b.valid & self.b.ready & (self.b.payload >= ERROR)),
            self.response.eq(self.b.payload),
            self.address.eq(addresses.outgoing.payload),
            self.idle.eq(addresses.empty),
        ]
        return m


class GridWriter(wiring.Component):
    """Writes the jobs of every engine of a grid: ``WriteClient`` with many ``jobs`` and ``units``.

    Ports: streams ``jobs[row][column]`` and ``units[row][column]`` (in); all others as a ``WriteClient``'s.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.rows, self.columns = config.grid
        jobs = stream.Signature(job_layout(config, result_job(config)))
        units = stream.Signature(result_layout(config).size)
        super().__init__(
            {
                "jobs": In(jobs).array(self.rows, self.columns),
                "units": In(units).array(self.rows, self.columns),
                **write_members(config),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        places = [(row, column) for row in range(self.rows) for column in range(self.columns)]
        m.submodules.channel = channel = WriteChannel(config, len(places))
        idle = [channel.idle]
        for index, (row, column) in enumerate(places):
            # What was offered stays: only what comes before is forgotten, once no beat is on offer.
            buffer: Any = add_shared(
                m,
                platform,
                "result_buffer",
                f"buffer_{row}_{column}",
                lambda: ResultBuffer(config),
                reset=channel.stopped,
            )
            wiring.connect(m, wiring.flipped(self.jobs[row][column]), buffer.jobs)
            wiring.connect(m, wiring.flipped(self.units[row][column]), buffer.units)
            wiring.connect(m, buffer.bursts, channel.bursts[index])
            wiring.connect(m, buffer.beats, channel.beats[index])
            idle.append(buffer.idle)
        for name in ("aw", "w", "b"):
            wiring.connect(m, getattr(channel, name), wiring.flipped(getattr(self, name)))
        m.d.comb += [channel.stop.eq(self.stop), self.idle.eq(Cat(idle).all())]
        m.d.comb += [
            getattr(self, name).eq(getattr(channel, name))
            for name in ("error", "response", "address", "stopped")
        ]
        return m
