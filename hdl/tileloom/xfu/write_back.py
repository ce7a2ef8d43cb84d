"""Write back: the loaded byte into its place in rd. Combinational."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class WriteBack(wiring.Component):
    """Replaces one byte of rd. No register.

    Members
    -------
    rd:
        The register before the instruction: from the register file, or the result of the xdecimate before.
    loaded, lane:
        What to write, and where: 0 is bits 7 to 0.
    result:
        The register after it.
    """

    def __init__(self) -> None:
        super().__init__({"rd": In(32), "loaded": In(8), "lane": In(2), "result": Out(32)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.d.comb += self.result.eq(self.rd)
        m.d.comb += self.result.word_select(self.lane, 8).eq(self.loaded)
        return m
