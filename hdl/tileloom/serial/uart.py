"""Bytes on a serial line: a start bit, eight data bits, the lowest first, a stop bit (8N1); it rests at 1.

```
 line  ----+     +-----+-----+-- ... --+-----+------
           |start|  0  |  1  |         |  7  | stop
           +-----+-----+-----+-- ... --+-----+
                ^     ^     ^              ^     ^     sampled in the middle
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

BITS = 10
"""Of a byte on the line."""

LEAST = 4
"""Cycles of a bit, at least: its middle is found to a quarter of it."""


class Receiver(wiring.Component):
    """Takes bytes from a line; those without a stop bit are dropped.

    Parameters
    ----------
    divisor:
        Clock cycles of a bit, from ``LEAST``.

    Ports
    -----
    line:
        In, of any clock.
    data, valid:
        Out: a byte, for one cycle. Nobody can make it wait.
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"line": In(1, init=1), "data": Out(8), "valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        level, busy = Signal(init=1), Signal()
        count, place = Signal(range(self.divisor)), Signal(range(BITS))
        shift = Signal(8, reset_less=True)
        m.submodules.synchronizer = FFSynchronizer(self.line, level, init=1)
        m.d.comb += self.data.eq(shift)
        with m.If(~busy):
            m.d.sync += [count.eq(self.divisor // 2 - 1), place.eq(0), busy.eq(~level)]
        with m.Elif(count != 0):
            m.d.sync += count.eq(count - 1)
        with m.Else():
            m.d.sync += [count.eq(self.divisor - 1), place.eq(place + 1)]
            with m.Switch(place):
                with m.Case(0):  # a start bit that is over already was none
                    m.d.sync += busy.eq(~level)
                with m.Case(BITS - 1):
                    m.d.comb += self.valid.eq(level)
                    m.d.sync += busy.eq(0)
                with m.Default():
                    m.d.sync += shift.eq(Cat(shift[1:], level))
        return m


class Transmitter(wiring.Component):
    """Puts bytes on a line.

    Parameters
    ----------
    divisor:
        Clock cycles of a bit, from ``LEAST``.

    Ports
    -----
    bytes:
        Stream in; one is taken when the one before has left.
    line:
        Out, from a register.
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"bytes": In(stream.Signature(8)), "line": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        shift = Signal(BITS, init=(1 << BITS) - 1)
        left, count = Signal(range(BITS + 1)), Signal(range(self.divisor))
        m.d.comb += [self.line.eq(shift[0]), self.bytes.ready.eq(left == 0)]
        with m.If(left == 0):
            m.d.sync += count.eq(self.divisor - 1)
            with m.If(self.bytes.valid):
                m.d.sync += [shift.eq(Cat(Const(0, 1), self.bytes.payload, Const(1, 1))), left.eq(BITS)]
        with m.Elif(count != 0):
            m.d.sync += count.eq(count - 1)
        with m.Else():
            m.d.sync += [shift.eq(Cat(shift[1:], Const(1, 1))), left.eq(left - 1), count.eq(self.divisor - 1)]
        return m
