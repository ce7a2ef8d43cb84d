"""The column stepper: from a column of the strip to the next, as the A buffer has them.

Columns are dealt out first over the phases of the stride and then over the banks, so that output pixels in a
row, ``stride`` columns apart, are in different banks. Loader and sequencer both step through columns: the one
through those of the strip, the other through those of the kernel.
"""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .config import EngineConfig
from .layouts import STRIDE_BITS, address_bits


class ColumnStepper(wiring.Component):
    """Where a column of the strip is, in its row.

    Ports: ``stride``, ``phase_pitch``, ``blocks`` (in), constant while it steps; ``restart`` (in), to column
    0, before ``step`` (in), to the next column; ``bank`` and ``offset`` (out), the column's bank and address
    relative to its row. Addresses are modulo the size of a bank.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.banks = config.m
        address = address_bits(config)
        super().__init__(
            {
                "stride": In(STRIDE_BITS),
                "phase_pitch": In(address),
                "blocks": In(address),
                "restart": In(1),
                "step": In(1),
                "bank": Out(ceil_log2(config.m)),
                "offset": Out(address),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        phase = Signal.like(self.stride, name="phase")
        following = Signal.like(self.stride, name="following_phase")
        base = Signal.like(self.offset, name="base")
        wrapped = Signal.like(self.offset, name="wrapped")
        m.d.comb += [
            following.eq(phase + 1),
            wrapped.eq(base),
        ]
        with m.If(self.bank == self.banks - 1):
            m.d.comb += wrapped.eq(base + self.blocks)
        with m.If(self.step):
            m.d.sync += [phase.eq(following), self.offset.eq(self.offset + self.phase_pitch)]
            with m.If(following == self.stride):
                # Modulo the number of banks, a power of two.
                m.d.sync += [
                    phase.eq(0),
                    self.bank.eq(self.bank + 1),
                    base.eq(wrapped),
                    self.offset.eq(wrapped),
                ]
        with m.If(self.restart):
            m.d.sync += [phase.eq(0), self.bank.eq(0), base.eq(0), self.offset.eq(0)]
        return m
