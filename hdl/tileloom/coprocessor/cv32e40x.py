"""When CV32E40X 0.6.0 may be given an instruction's acceptance: what its CV-X-IF leaves to the coprocessor.

The core offers an instruction in ID. Two things go wrong if it is accepted in just any cycle (line numbers in
docs/xdecimate.md):

- ``rs[2]`` comes from the register file as it is, with no forwarding: a value that the instructions in EX and
  WB are about to write is not seen.
- ``writeback`` is looked at in the cycle in which the instruction goes on to EX. If EX is not ready in the
  cycle of the acceptance, the result is never written.

Both need to know what is in EX and WB, which CV-X-IF does not say. But the core drives the word in ID all the
time, and ``mem_ready`` too: while no request is made, it is 1 exactly if what is in EX, if anything, leaves
it, apart from the few instructions that EX holds on to for other reasons.
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

OP, MISC_MEM, SYSTEM = 0x33, 0x0F, 0x73
"""Opcodes (RISC-V Unprivileged ISA, "RV32/64G Instruction Set Listings")."""

DIVIDE_CYCLES = 40
"""More than a division needs from ID to the register file: 35 cycles in EX, one in WB."""

OTHER_CYCLES = 8
"""More than the same for MULH (4 cycles in EX) and for an access to a CSR and what waits for it in EX."""


class IssueGuard(wiring.Component):
    """Follows which registers the instructions in EX and WB may write.

    Parameters
    ----------
    reads_rd:
        Whether the coprocessor's instructions read rd, as rs[2]. Of those that do not, only what keeps EX
        matters.

    Members
    -------
    word:
        The instruction in ID, valid or not: ``issue_req.instr`` at any time.
    ours:
        It is one that the coprocessor accepts, whose result the coprocessor itself forwards.
    moving:
        In this cycle ID and EX hand over what they have: ``mem_ready`` with no request of the coprocessor's.
    clear:
        In this cycle EX takes the instruction in ID, and its rs[2] is up to date.

    One that is not ``clear`` soon is: at most ``DIVIDE_CYCLES`` cycles of ``moving`` later.
    """

    def __init__(self, *, reads_rd: bool = True) -> None:
        self.reads_rd = reads_rd
        super().__init__({"word": In(32), "ours": In(1), "moving": In(1), "clear": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        word = self.word

        # What may stay in EX although the pipeline seems to move. Not in a coprocessor's sight, it is waited
        # for as long as it can take.
        opcode, funct3, multiplies = word[0:7], word[12:15], word[25:32] == 1
        divides, stays = Signal(), Signal()
        m.d.comb += [
            divides.eq((opcode == OP) & multiplies & funct3[2]),
            stays.eq(
                divides
                | (opcode == OP) & multiplies & (funct3 != 0)
                | (opcode == MISC_MEM)
                | (opcode == SYSTEM)
            ),
        ]
        wait = Signal(range(DIVIDE_CYCLES + 1))
        with m.If(stays):
            m.d.sync += wait.eq(Mux(divides, DIVIDE_CYCLES, OTHER_CYCLES))
        with m.Elif(self.moving & (wait != 0)):
            m.d.sync += wait.eq(wait - 1)

        stale = self._stale(m) if self.reads_rd else Const(0)
        m.d.comb += self.clear.eq(self.moving & (wait == 0) & ~stale)
        return m

    def _stale(self, m: Module) -> Value:
        """Return whether an instruction in EX or WB may write what the one in ID reads as rs[2]."""
        rd = self.word[7:12]
        # A superset of the instructions in EX and in WB: whatever is in ID while the pipeline moves, invalid
        # or killed or not going on at all, is taken to be in EX next. Stores and branches have no rd, but
        # are not worth telling apart. Registers reset to what delays nothing.
        in_ex = Signal(5)
        in_wb = Signal(5)
        ex_writes = Signal()
        wb_writes = Signal()
        with m.If(self.moving):
            m.d.sync += [
                in_ex.eq(rd),
                ex_writes.eq(~self.ours),
                in_wb.eq(in_ex),
                wb_writes.eq(ex_writes),
            ]
        return ex_writes & (in_ex == rd) | wb_writes & (in_wb == rd)
