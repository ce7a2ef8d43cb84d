"""Names of instructions, and the hardware loops of a function: to see what a kernel's inner loop is made of.

The disassemblers that come as wheels know no CORE-V instructions, and Debian's no xDecimate. This one knows
the names of RV32IM and of the CORE-V and xDecimate instructions that the kernels are written in, not their
operands (RISC-V Unprivileged ISA, "RV32/64G Instruction Set Listings"; CV32E40P user manual, "CORE-V
Instruction Set Custom Extensions").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tileloom.xfu.instruction import FUNCT2, FUNCT2_COUNTER, FUNCT3, OPCODE

FUNCT3_MASK = 0x0000_707F
R4_MASK = 0x0600_707F
FUNCT7_MASK = 0xFE00_707F
HARDWARE_LOOP = 0x0000_472B
"""cv.setup; bit 7 is the number of the loop, bits 31 to 20 the words to its end."""

_BRANCHES = ("beq", "bne", "", "", "blt", "bge", "bltu", "bgeu")
_LOADS = ("lb", "lh", "lw", "", "lbu", "lhu")
_STORES = ("sb", "sh", "sw")
_IMMEDIATE = ("addi", "", "slti", "sltiu", "xori", "", "ori", "andi")
_REGISTER = ("add", "sll", "slt", "sltu", "xor", "srl", "or", "and")
_MULTIPLY = ("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")


def _by_funct3(opcode: int, names: Sequence[str], prefix: str = "") -> list[tuple[int, int, str]]:
    return [(FUNCT3_MASK, i << 12 | opcode, prefix + name) for i, name in enumerate(names) if name]


def _by_funct7(opcode: int, funct7: int, names: Sequence[str]) -> list[tuple[int, int, str]]:
    return [(FUNCT7_MASK, funct7 << 25 | i << 12 | opcode, name) for i, name in enumerate(names) if name]


# Mask, what a word is under it, name; the first that fits counts.
_TABLE = [
    *((R4_MASK, f2 << 25 | FUNCT3 << 12 | OPCODE, f"xdecimate.{m}") for m, f2 in FUNCT2.items()),
    (R4_MASK, FUNCT2_COUNTER << 25 | FUNCT3 << 12 | OPCODE, "xdecimate.counter"),
    (0x0000_7F7F, HARDWARE_LOOP, "cv.setup"),
    *_by_funct3(0x0B, _LOADS, "cv."),
    *_by_funct3(0x2B, _STORES, "cv."),
    (0xC000_707F, 0x8000_005B, "cv.insert"),
    (FUNCT7_MASK, 0x5600_302B, "cv.min"),
    (FUNCT7_MASK, 0xF000_007B, "cv.pack"),
    (FUNCT7_MASK, 0xF800_107B, "cv.packlo.b"),
    (FUNCT7_MASK, 0xFA00_107B, "cv.packhi.b"),
    (FUNCT7_MASK, 0xE000_107B, "cv.shuffle2.b"),
    (FUNCT7_MASK, 0xA800_107B, "cv.sdotsp.b"),
    *_by_funct3(0x63, _BRANCHES),
    *_by_funct3(0x03, _LOADS),
    *_by_funct3(0x23, _STORES),
    *_by_funct7(0x13, 0x00, ("", "slli", "", "", "", "srli")),
    *_by_funct7(0x13, 0x20, ("", "", "", "", "", "srai")),
    *_by_funct3(0x13, _IMMEDIATE),
    *_by_funct7(0x33, 0x00, _REGISTER),
    *_by_funct7(0x33, 0x20, ("sub", "", "", "", "", "sra")),
    *_by_funct7(0x33, 0x01, _MULTIPLY),
    (0x7F, 0x37, "lui"),
    (0x7F, 0x17, "auipc"),
    (0x7F, 0x6F, "jal"),
    (FUNCT3_MASK, 0x67, "jalr"),
    *_by_funct3(0x73, ("", "csrrw", "csrrs", "csrrc", "", "csrrwi", "csrrsi", "csrrci")),
]


@dataclass(frozen=True)
class HardwareLoop:
    """A hardware loop: its number, 0 or 1, and the names of the instructions in its body."""

    number: int
    body: tuple[str, ...]


def mnemonic(word: int) -> str:
    """Return the name of a 32-bit instruction, or ``.word`` and its digits for one that is not known."""
    for mask, match, name in _TABLE:
        if word & mask == match:
            return name
    return f".word {word:#010x}"


def hardware_loops(words: Sequence[int]) -> list[HardwareLoop]:
    """Return the hardware loops that a function, given as its 32-bit words, sets up, in order."""
    loops = []
    for index, word in enumerate(words):
        if mnemonic(word) == "cv.setup":
            end = index + (word >> 20)
            loops.append(HardwareLoop(word >> 7 & 1, tuple(map(mnemonic, words[index + 1 : end]))))
    return loops
