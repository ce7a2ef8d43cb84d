"""Skew registers: each word of a vector is delayed by its own number of cycles at the array's edges."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class Skew(wiring.Component):
    """A chain of registers per lane.

    Parameters
    ----------
    width, captures:
        Bits of a word; for each lane, the cycles at whose ends its registers take their words, first to last
        (``Timetable.captures``).
    every_cycle:
        The registers move in every enabled cycle, and not only in those (a step interval of 1).

    Ports: ``enable``; ``wave`` (in, bit ``n`` is high in cycle ``n`` of a vector; only without
    ``every_cycle``); ``words_in``, ``words_out`` (a word per lane). No register has a reset.
    """

    def __init__(self, width: int, captures: Sequence[Sequence[int]], *, every_cycle: bool) -> None:
        self.width = width
        self.captures = captures
        self.every_cycle = every_cycle
        lanes = data.ArrayLayout(width, len(captures))
        wave_bits = 1 + max((cycle for lane in captures for cycle in lane), default=0)
        super().__init__(
            {
                "enable": In(1),
                "words_in": In(lanes),
                "words_out": Out(lanes),
                **({} if every_cycle else {"wave": In(wave_bits)}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        for lane, cycles in enumerate(self.captures):
            word = self.words_in[lane]
            if not cycles:
                m.d.comb += self.words_out[lane].eq(word)
                continue
            # One wide register per lane keeps the Verilog short: the newest word lowest.
            chain = Signal(self.width * len(cycles), name=f"lane_{lane}", reset_less=True)
            moved = Cat(word, chain)
            for position, cycle in enumerate(cycles):
                here = slice(position * self.width, (position + 1) * self.width)
                if self.every_cycle:
                    with m.If(self.enable):
                        m.d.sync += chain.eq(moved)
                    break
                with m.If(self.enable & self.wave[cycle]):
                    m.d.sync += chain[here].eq(moved[here])
            m.d.comb += self.words_out[lane].eq(chain[-self.width :])
        return m


class DelayLine(wiring.Component):
    """A one-bit shift register with every bit visible: where a vector is in the array.

    Ports: ``enable``, ``start`` (in); ``taps`` (out, ``length + 1`` bits): bit ``n`` is ``start`` of ``n``
    enabled cycles ago, bit 0 ``start`` itself. Reset clears it.
    """

    def __init__(self, length: int) -> None:
        super().__init__({"enable": In(1), "start": In(1), "taps": Out(length + 1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        line = Signal(len(self.taps) - 1)
        with m.If(self.enable):
            m.d.sync += line.eq(Cat(self.start, line))
        m.d.comb += self.taps.eq(Cat(self.start, line))
        return m
