"""Recognises the array's instructions. Combinational."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import SystolicConfig
from .instruction import FUNCT3, OPCODE, forms

OPERATION_BITS = 4


class Decode(wiring.Component):
    """Says whether a word is an instruction of this array.

    Members
    -------
    word:
        An instruction word.
    legal:
        It is one of the array's; any other of its opcode and funct3, or with a register that its operation
        does not use, is not.
    operation:
        Of a legal one, an ``Operation``.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        super().__init__({"word": In(32), "legal": Out(1), "operation": Out(OPERATION_BITS)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        word = self.word
        fields = {"rd": word[7:12], "rs1": word[15:20], "rs2": word[20:25]}
        m.d.comb += self.operation.eq(word[25:])
        ours = (word[:7] == OPCODE) & (word[12:15] == FUNCT3)
        with m.Switch(word[25:]):
            for operation, form in forms(self.config).items():
                with m.Case(operation):
                    unused = [field for name, field in fields.items() if not getattr(form, name)]
                    legal = ours
                    for field in unused:
                        legal = legal & (field == 0)
                    m.d.comb += self.legal.eq(legal)
        return m
