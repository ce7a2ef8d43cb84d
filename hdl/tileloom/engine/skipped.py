"""Counting the blocks of B that are not in the index, beside the walker, for the register block."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .config import ROW_BITS, EngineConfig
from .layouts import INDEX

SKIPPED_BITS = ROW_BITS + 1
"""Width of a number of blocks of a column: there are up to 16,384."""


def skipped_bits(config: EngineConfig) -> int:
    """Return the width of a number of blocks of a column of every row of a grid."""
    return SKIPPED_BITS + ceil_log2(config.grid[0])


class Skipped(wiring.Component):
    """Says with each entry of the index how many block rows it leaves out.

    Those are the rows between the entry before and this one, and with the last of a column also those behind
    it. Of an index that breaks the rules it says nothing of use.

    Ports: ``entry`` (in), taken in the cycles in which ``taken`` (in) is high; ``blocks`` (in), the block
    rows of its column; ``skipped`` (out), in the same cycle, 0 in others.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "entry": In(INDEX),
                "taken": In(1),
                "blocks": In(SKIPPED_BITS),
                "skipped": Out(SKIPPED_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        # The row behind the entry before: the first that may be left out.
        following = Signal(SKIPPED_BITS)
        end = Mux(self.entry.last, self.blocks, self.entry.row)
        with m.If(self.taken):
            # Of a last entry that is not empty the rows up to the end are left out, but for its own.
            m.d.comb += self.skipped.eq(end - following - (self.entry.last & ~self.entry.empty))
            m.d.sync += following.eq(Mux(self.entry.last, 0, self.entry.row + 1))
        return m
