"""Counting locks: how many of the two halves of a buffer are there for the taking."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Lock(wiring.Component):
    """Counts halves, 0 to 2.

    Ports: ``give``, ``take`` (in), both may come in one cycle; ``available`` (out), a half may be taken. What
    is given can be taken in the next cycle.
    """

    def __init__(self, initial: int) -> None:
        self.initial = initial
        super().__init__({"give": In(1), "take": In(1), "available": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        count = Signal(2, init=self.initial)
        with m.If(self.give & ~self.take):
            m.d.sync += count.eq(count + 1)
        with m.Elif(self.take & ~self.give):
            m.d.sync += count.eq(count - 1)
        m.d.comb += self.available.eq(count != 0)
        return m
