"""Decode: which of the unit's instructions a word is. Combinational."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import XfuConfig
from .instruction import FUNCT2, FUNCT2_COUNTER, FUNCT3, OPCODE, RS3_OFFSETS


class Decode(wiring.Component):
    """Takes the fields of a 32-bit instruction apart. No register.

    Members
    -------
    word:
        The instruction, of any opcode.
    decimate:
        It is an xdecimate whose group size is built.
    swap:
        It is xdecimate.counter. Where none is set, the instruction is not one of the unit's.
    swap_offsets:
        It is xdecimate.offsets; only of a unit for two operands.
    funct2:
        Of an xdecimate, its group size as ``Execute`` takes it.
    rd:
        Destination; of an xdecimate also the register whose byte is replaced.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        ports = {"word": In(32), "decimate": Out(1), "swap": Out(1), "funct2": Out(2), "rd": Out(5)}
        super().__init__(ports | ({"swap_offsets": Out(1)} if config.sources == 2 else {}))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        rs2, rs3 = self.word[20:25], self.word[27:32]
        ours = Signal()
        two = self.config.sources == 2
        rd_again = (rs2 == self.rd) & (rs3 == 0) if two else rs3 == self.rd
        swaps = ours & (self.funct2 == FUNCT2_COUNTER) & (rs2 == 0)
        m.d.comb += [
            self.rd.eq(self.word[7:12]),
            self.funct2.eq(self.word[25:27]),
            ours.eq((self.word[0:7] == OPCODE) & (self.word[12:15] == FUNCT3)),
            self.decimate.eq(
                ours & self.funct2.matches(*map(FUNCT2.get, self.config.group_sizes)) & rd_again
            ),
            self.swap.eq(swaps & (rs3 == 0)),
        ]
        if two:
            m.d.comb += self.swap_offsets.eq(swaps & (rs3 == RS3_OFFSETS))
        return m
