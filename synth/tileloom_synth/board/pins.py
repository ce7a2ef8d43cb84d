"""The outermost module of a board: its clock, its power-on reset, its serial port, and the block's top.

```
 oscillator --> [PLL] --> clk ---------------.
                 locked --> [timer] --> rst --+--> NAME --- receive, transmit --- pins
```
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer

from ..fpga.clocks import Pll, Setting

SETTLED = 20e-6
"""Seconds from power-on, or lock, to the end of the reset: an iCE40's memories read as 0 for some before."""


class Pins(Elaboratable):
    """The pins of a board around a block's top.

    Parameters
    ----------
    top:
        Name of the top, a Verilog module with ``clk``, ``rst``, ``receive`` and ``transmit``.
    hertz:
        Of the block's clock.
    pll, setting:
        Of the PLL that makes it, or None where it is the board's oscillator.
    """

    def __init__(self, top: str, hertz: float, pll: Pll, setting: Setting | None) -> None:
        self.top, self.hertz, self.pll, self.setting = top, hertz, pll, setting

    def elaborate(self, platform: Any) -> Module:
        """Build the hardware."""
        m = Module()
        m.domains.sync = ClockDomain()
        # Its registers begin as configured: what resets all else needs no reset.
        m.domains.power = ClockDomain(reset_less=True, local=True)
        source = platform.request(platform.default_clk, dir="-")
        locked: Any = Const(1)
        if self.setting is not None and self.pll.pad:
            locked = self.pll.add(m, source.io, self.setting, "sync")
        else:
            m.submodules.clock_buffer = clock = io.Buffer("i", source)
            if self.setting is None:
                m.d.comb += ClockSignal("sync").eq(clock.i)
            else:
                locked = self.pll.add(m, clock.i, self.setting, "sync")
        held = ~locked
        if platform.default_rst is not None:
            m.submodules.reset_buffer = button = io.Buffer(
                "i", platform.request(platform.default_rst, dir="-")
            )
            held = held | button.i
        holding, settled = Signal(), Signal()
        timer = Signal(range(round(SETTLED * self.hertz) + 1), init=round(SETTLED * self.hertz))
        m.submodules.holding = FFSynchronizer(held, holding, o_domain="power")
        m.d.comb += [ClockSignal("power").eq(ClockSignal("sync")), ResetSignal("sync").eq(~settled)]
        m.d.power += [timer.eq(timer - (timer != 0)), settled.eq(timer == 0)]
        with m.If(holding):
            m.d.power += [timer.eq(timer.init), settled.eq(0)]

        uart = platform.request("uart", dir="-")
        m.submodules.receive = receive = io.Buffer("i", uart.rx)
        m.submodules.transmit = transmit = io.Buffer("o", uart.tx)
        m.submodules.top = Instance(
            self.top,
            i_clk=ClockSignal("sync"),
            i_rst=ResetSignal("sync"),
            i_receive=receive.i,
            o_transmit=transmit.o,
        )
        return m
