"""The iterations of a command: handed out one after the other."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class Repeat(wiring.Component):
    """Offers a command ``iterations`` times.

    Ports: streams ``commands`` (in) and ``iterations`` (out), both of a layout with a field ``iterations``,
    which counts from 1; ``last`` (out), that on offer is the command's last. A command is taken with its last
    iteration; what is offered is what is at the input.
    """

    def __init__(self, layout: data.StructLayout) -> None:
        signature = stream.Signature(layout)
        super().__init__({"commands": In(signature), "iterations": Out(signature), "last": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        done = Signal.like(self.commands.payload.iterations, name="done")
        following = Signal.like(done, name="following")
        m.d.comb += [
            following.eq(done + 1),
            self.last.eq(following == self.commands.payload.iterations),
            Value.cast(self.iterations.payload).eq(Value.cast(self.commands.payload)),
            self.iterations.valid.eq(self.commands.valid),
            self.commands.ready.eq(self.iterations.ready & self.last),
        ]
        with m.If(self.iterations.valid & self.iterations.ready):
            m.d.sync += done.eq(following)
            with m.If(self.last):
                m.d.sync += done.eq(0)
        return m
