"""The unit's instructions as an extension of the random programs: drawn, and executed by the golden model."""

from __future__ import annotations

from functools import partial

import numpy as np

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.instruction import FUNCT2, FUNCT2_COUNTER, FUNCT3, OPCODE, encode_counter, encode_decimate
from tileloom_golden.xfu import xdecimate as golden

from ..riscv.torture import base
from ..riscv.torture.generator import Generator
from ..riscv.torture.program import Hart, Instruction, Item

HANDLER_BYTES = bytes(range(0xA0, 0xE0))
HANDLER_OFFSETS = 0x6135_0724
"""What the trap handler decimates."""

HANDLER = """\
    .word   {save}
    sw      T0, 0xa0(SAVE)
    la      T1, 9f
    li      T2, {offsets}
    li      T0, 0
    .rept   8
    .word   {decimate}
    .endr
    li      T2, {expected}
    beq     T0, T2, 7f
    lw      T0, 0x8c(SAVE)
    addi    T0, T0, 1
    sw      T0, 0x8c(SAVE)
7:  lw      T0, 0xa0(SAVE)
    .word   {restore}
    j       8f
    .balign 4
9:  .byte   {bytes}
8:
"""
"""Keeps the counter, decimates, counts a wrong result, and puts the counter back."""


class Unit:
    """The unit's instructions as an extension of the random programs.

    Parameters
    ----------
    config:
        The unit.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.groups = config.group_sizes
        self.straight: dict[str, base.Draw] = {
            **{f"xdecimate.{m}": partial(self._decimate, m=m) for m in self.groups},
            "xdecimate.counter": self._counter,
        }
        self.structures: dict[str, base.Draw] = {"illegal": self._illegal}

    def handler(self, scratch: tuple[int, int, int, int]) -> str:
        """Return what the trap handler does with the unit."""
        t0, t1, t2, _ = scratch
        m = self.groups[0]
        hart = golden.Hart(golden.Memory(np.frombuffer(HANDLER_BYTES, np.uint8)).load)
        hart.registers[2] = HANDLER_OFFSETS
        hart.run([golden.Decimate(m, 3, 1, 2)] * 8)
        return HANDLER.format(
            save=encode_counter(t0, 0),
            decimate=encode_decimate(m, t0, t1, t2),
            restore=encode_counter(0, t0),
            offsets=HANDLER_OFFSETS,
            expected=hart.registers[3],
            bytes=", ".join(map(str, HANDLER_BYTES)),
        )

    def _decimate(self, g: Generator, m: int) -> list[Item]:
        rd, rs1, rs2 = g.rd(), g.pick(g.bases), g.rs()
        word = encode_decimate(m, rd, rs1, rs2)
        effect = partial(_execute, instruction=golden.Decimate(m, rd, rs1, rs2))
        return [Instruction(f"xdecimate.{m}", f"x{rd}, x{rs1}, x{rs2}", effect, f".word {word:#x}", rd)]

    def _counter(self, g: Generator) -> list[Item]:
        rd, rs1 = g.rd(), g.rs()
        effect = partial(_execute, instruction=golden.SwapCounter(rd, rs1))
        return [
            Instruction(
                "xdecimate.counter", f"x{rd}, x{rs1}", effect, f".word {encode_counter(rd, rs1):#x}", rd
            )
        ]

    def _illegal(self, g: Generator) -> list[Item]:
        """Return a word that is none of the unit's for one field, or is none of anybody's."""
        funct2 = g.pick((*FUNCT2.values(), FUNCT2_COUNTER))
        rd, rs1, rs2, rs3 = (int(field) for field in g.rng.integers(32, size=4))
        fields = {"funct2": funct2, "rd": rd, "rs1": rs1, "rs2": rs2, "rs3": rs3}
        if g.rng.random() < 0.3 or golden.decode(**fields, built=self.groups) is not None:
            return base.STRUCTURES["illegal"](g)
        return [
            base.illegal(rs3 << 27 | funct2 << 25 | rs2 << 20 | rs1 << 15 | FUNCT3 << 12 | rd << 7 | OPCODE)
        ]


def _execute(hart: Hart, instruction: golden.Instruction) -> None:
    """Do to a hart what the golden model does."""
    unit = hart.state.setdefault("xdecimate", golden.Hart(lambda address: hart.load(address, 1)))
    unit.registers[:] = [hart.read(register) for register in range(32)]
    unit.execute(instruction)
    hart.write(instruction.rd, unit.registers[instruction.rd])
