"""Reading: clients that know what they want and have room for it, and the channel that they share.

```
 jobs --> JobBursts --.--> requests --> ReadChannel --> AR
                      |                     R --> queue --.
                      '--> runs --------------------------+--> Units --> stream
```

A client asks for a burst only when its queue has room for all of it. So R never waits, and no client waits
for another longer than for its bursts.
"""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...stream.queue import Queue
from ...stream.turns import in_turn
from ..config import EngineConfig
from .runs import JobBursts
from .signals import JobBits, job_layout, read_layout, request_layout, run_layout

ERROR = 0b10
"""Responses from here on are errors: SLVERR and DECERR."""

OUTSTANDING = 4
"""Bursts that may be on their way."""


class Units(wiring.Component):
    """Takes beats apart: the units of each run, and nothing of what else is in its first and last beat.

    Ports: streams ``runs``, ``beats`` (in), ``units`` (out), a unit per cycle.
    """

    def __init__(self, config: EngineConfig, unit_bits: int, bits: JobBits) -> None:
        self.config = config
        self.unit_bits = unit_bits
        super().__init__(
            {
                "runs": In(stream.Signature(run_layout(config, bits))),
                "beats": In(stream.Signature(config.bus)),
                "units": Out(stream.Signature(unit_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        per_beat = self.config.bus // self.unit_bits
        low = ceil_log2(self.unit_bits // 8)
        run = self.runs.payload
        place = Signal(ceil_log2(per_beat))
        left = Signal(len(run.bytes) + 1 - low)
        running, last, transfer = Signal(), Signal(), Signal()
        m.d.comb += [
            last.eq(left == 1),
            self.runs.ready.eq(~running | (transfer & last)),
            self.units.payload.eq(self.beats.payload.word_select(place, self.unit_bits)),
            self.units.valid.eq(running & self.beats.valid),
            transfer.eq(self.units.valid & self.units.ready),
            self.beats.ready.eq(transfer & (last | (place == per_beat - 1))),
        ]
        with m.If(self.runs.ready):
            m.d.sync += [
                running.eq(self.runs.valid),
                place.eq(run.address >> low),
                left.eq((run.bytes + (1 << low) - 1) >> low),
            ]
        with m.Elif(transfer):
            m.d.sync += [place.eq(place + 1), left.eq(left - 1)]
        return m


class ReadClient(wiring.Component):
    """Reads jobs from memory, as units of ``unit_bits``.

    Ports: streams ``jobs`` (in), ``requests`` (out), ``units`` (out); ``beat``, ``beat_valid`` (in), data of
    the bursts asked for, in order.
    """

    def __init__(self, config: EngineConfig, unit_bits: int, bits: JobBits) -> None:
        self.config = config
        self.unit_bits = unit_bits
        self.bits = bits
        super().__init__(
            {
                "jobs": In(stream.Signature(job_layout(config, bits))),
                "requests": Out(stream.Signature(request_layout(config))),
                "beat": In(config.bus),
                "beat_valid": In(1),
                "units": Out(stream.Signature(unit_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        depth = 2 * config.burst_beats
        m.submodules.cutter = cutter = JobBursts(config, self.bits, 4)
        m.submodules.beats = beats = Queue(config.bus, depth, buffered=True)
        m.submodules.units = units = Units(config, self.unit_bits, self.bits)
        wiring.connect(m, wiring.flipped(self.jobs), cutter.jobs)
        wiring.connect(m, cutter.runs, units.runs)
        wiring.connect(m, beats.outgoing, units.beats)
        wiring.connect(m, units.units, wiring.flipped(self.units))

        # Room that no burst on its way will fill.
        room = Signal(range(depth + 1), init=depth)
        wanted, enough, asking, leaving = Signal(9), Signal(), Signal(), Signal()
        m.d.comb += [
            wanted.eq(cutter.bursts.payload.len + 1),
            enough.eq(room >= wanted),
            self.requests.payload.eq(cutter.bursts.payload),
            self.requests.valid.eq(cutter.bursts.valid & enough),
            cutter.bursts.ready.eq(self.requests.ready & enough),
            asking.eq(self.requests.valid & self.requests.ready),
            leaving.eq(beats.outgoing.valid & beats.outgoing.ready),
            beats.incoming.payload.eq(self.beat),
            beats.incoming.valid.eq(self.beat_valid),
        ]
        m.d.sync += room.eq(room - Mux(asking, wanted, 0) + leaving)
        return m


class ReadChannel(wiring.Component):
    """Gives the clients' requests, in turn, to AR, and each burst's data to who asked.

    Ports: streams ``requests_0`` and so on (in), ``ar`` (out), ``r`` (in, always ready); ``beat`` (out) and
    ``beat_valid`` (out, a bit per client); ``error`` (out), in the cycle of a beat with an error response,
    with ``response`` and ``address``, that of its burst; ``idle`` (out), no burst is on its way.
    """

    def __init__(self, config: EngineConfig, clients: int) -> None:
        self.config = config
        self.clients = clients
        request = stream.Signature(request_layout(config))
        super().__init__(
            {
                **{f"requests_{index}": In(request) for index in range(clients)},
                "ar": Out(request),
                "r": In(stream.Signature(read_layout(config))),
                "beat": Out(config.bus),
                "beat_valid": Out(clients),
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
        ports = [getattr(self, f"requests_{index}") for index in range(self.clients)]
        route = data.StructLayout({"client": ceil_log2(self.clients), "addr": config.address_bits})
        m.submodules.routes = routes = Queue(route, OUTSTANDING)

        served = Signal(range(self.clients))
        chosen, asks = in_turn(m, served, [port.valid for port in ports])
        taking = Signal()
        payloads = Array(port.payload.as_value() for port in ports)
        m.d.comb += taking.eq(
            asks & routes.incoming.ready & (~self.ar.valid | self.ar.ready),
        )
        m.d.comb += [port.ready.eq(taking & (chosen == index)) for index, port in enumerate(ports)]
        with m.If(self.ar.ready):
            m.d.sync += self.ar.valid.eq(0)
        with m.If(taking):
            m.d.sync += [
                self.ar.valid.eq(1),
                self.ar.payload.as_value().eq(payloads[chosen]),
                served.eq(chosen),
            ]
        m.d.comb += [
            routes.incoming.valid.eq(taking),
            routes.incoming.payload.client.eq(chosen),
            routes.incoming.payload.addr.eq(request_layout(config)(payloads[chosen]).addr),
        ]

        beat = self.r.payload
        m.d.comb += [
            self.r.ready.eq(1),
            self.beat.eq(beat.data),
            routes.outgoing.ready.eq(self.r.valid & beat.last),
            self.error.eq(self.r.valid & (beat.resp >= ERROR)),
            self.response.eq(beat.resp),
            self.address.eq(routes.outgoing.payload.addr),
            self.idle.eq(routes.empty),
        ]
        m.d.comb += [
            self.beat_valid[index].eq(self.r.valid & (routes.outgoing.payload.client == index))
            for index in range(self.clients)
        ]
        return m
