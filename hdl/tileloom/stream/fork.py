"""A fork: a stream that several takers have, each of them every payload, each when it is ready."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Fork(wiring.Component):
    """The handshakes of a broadcast: the payload itself goes to all takers by wires.

    Each payload is offered to all that it is for, and goes when the last of them has it. A taker that has it
    is not offered it again, so that none waits for another by more than one payload. No cycle lies between
    the stream and its takers.

    Ports
    -----
    valid, ready:
        In, out: of the stream.
    to:
        In, a bit for each of the ``takers``: the payload on offer is for it. One for none is taken at once.
    offers, readies:
        Out, in, a bit for each: the ``valid`` and ``ready`` of the takers.
    """

    def __init__(self, takers: int) -> None:
        self.takers = takers
        bits = {"to": In(takers), "offers": Out(takers), "readies": In(takers)}
        super().__init__({"valid": In(1), "ready": Out(1), **bits})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        due, done = Signal(self.takers, name="due"), Signal(self.takers, name="done")
        m.d.comb += [
            due.eq(self.to & ~done),
            self.offers.eq(due & self.valid.replicate(self.takers)),
            self.ready.eq(~(due & ~self.readies).any()),
        ]
        # A single taker never has what is still on offer.
        if self.takers > 1:
            with m.If(self.valid & self.ready):
                m.d.sync += done.eq(0)
            with m.Elif(self.valid):
                m.d.sync += done.eq(done | self.readies)
        return m
