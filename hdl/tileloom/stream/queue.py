"""A queue between a producer and a consumer of a stream, that passes a payload in every cycle."""

from __future__ import annotations

from amaranth.hdl import Module, ShapeLike, Signal, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out


class Queue(wiring.Component):
    """Holds up to ``depth`` payloads of ``shape``; none comes out in the cycle in which it goes in.

    A queue of 1 takes a payload in the cycle in which it gives one: there ``incoming.ready`` follows
    ``outgoing.ready``. With ``buffered`` and a depth of 3 or more the storage is read a cycle ahead into a
    register, as block RAM and macros want it, and what comes out went in two cycles before or earlier.
    Ports: streams ``incoming`` and ``outgoing``; ``empty`` (out).
    """

    def __init__(self, shape: ShapeLike, depth: int, *, buffered: bool = False) -> None:
        self.depth = depth
        self.buffered = buffered
        super().__init__(
            {
                "incoming": In(stream.Signature(shape)),
                "outgoing": Out(stream.Signature(shape)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        if self.depth == 1:
            payload = Signal.like(self.incoming.payload, name="storage", reset_less=True)
            m.d.comb += [
                self.outgoing.payload.eq(payload),
                self.incoming.ready.eq(~self.outgoing.valid | self.outgoing.ready),
                self.empty.eq(~self.outgoing.valid),
            ]
            with m.If(self.incoming.ready):
                m.d.sync += [payload.eq(self.incoming.payload), self.outgoing.valid.eq(self.incoming.valid)]
            return m
        # Amaranth's buffered FIFO of 2 has a storage of 1, which takes a payload every other cycle.
        kind = fifo.SyncFIFOBuffered if self.buffered and self.depth > 2 else fifo.SyncFIFO
        width = len(Value.cast(self.incoming.payload))
        m.submodules.storage = storage = kind(width=width, depth=self.depth)
        m.d.comb += [
            storage.w_data.eq(Value.cast(self.incoming.payload)),
            storage.w_en.eq(self.incoming.valid),
            self.incoming.ready.eq(storage.w_rdy),
            Value.cast(self.outgoing.payload).eq(storage.r_data),
            self.outgoing.valid.eq(storage.r_rdy),
            storage.r_en.eq(self.outgoing.ready),
            self.empty.eq(storage.level == 0),
        ]
        return m
