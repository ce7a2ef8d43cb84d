"""How each instruction of RV32IMC, and of Zicsr and Zifencei, is drawn (RISC-V Unprivileged ISA).

Left out are those that would need a system around them: wfi, mret, and CSRs but mscratch, which only stores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .program import BREAKPOINT, ENVIRONMENT_CALL, ILLEGAL, Effect, Hart, Instruction, Item, Label

if TYPE_CHECKING:
    from .generator import Generator

SP = 2
ALU = ("add", "sub", "sll", "slt", "sltu", "xor", "srl", "sra", "or", "and")
MULTIPLY = ("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu")
REGISTER = (*ALU, *MULTIPLY)
IMMEDIATE = ("addi", "slti", "sltiu", "xori", "ori", "andi")
SHIFT = ("slli", "srli", "srai")
LOAD = ("lb", "lh", "lw", "lbu", "lhu")
STORE = ("sb", "sh", "sw")
CSR = ("csrrw", "csrrs", "csrrc")
BRANCH = ("beq", "bne", "blt", "bge", "bltu", "bgeu")
SHORT_REGISTER = ("c.and", "c.or", "c.xor", "c.sub")
SHORT_SHIFT = ("c.srli", "c.srai")

ILLEGAL_WORDS = (0xFFFF_FFFF, 0xC000_1073, 0x0000_706F ^ 0x8)
"""No instruction; a write to the read-only CSR cycle; no opcode."""
ILLEGAL_SHORT = (0x0000, 0x9C01)
"""What zeroed memory is, and a code of RV64 alone."""


def register_register(g: Generator, name: str, a: int | None = None, b: int | None = None) -> list[Item]:
    """Return ``name rd, rs1, rs2``, on registers that are given or drawn."""
    rd, a, b = g.rd(), g.rs() if a is None else a, g.rs() if b is None else b
    return [Instruction(name, f"x{rd}, x{a}, x{b}", rd=rd)]


def branch(g: Generator, name: str, a: int | None = None, b: int | None = None) -> list[Item]:
    """Return a branch over some instructions, on registers that are given or drawn."""
    label = g.label()
    a, b = g.rs() if a is None else a, g.rs() if b is None else b
    operands = f"x{a}, x{b}, {label}"
    if name.startswith("c."):
        operands = f"x{g.short()}, {label}"
    return [Instruction(name, operands), *g.body(1, 4), Label(label)]


def _immediate(g: Generator, name: str) -> list[Item]:
    rd = g.rd()
    return [Instruction(name, f"x{rd}, x{g.rs()}, {g.immediate(12)}", rd=rd)]


def _shift(g: Generator, name: str) -> list[Item]:
    rd = g.rd()
    return [Instruction(name, f"x{rd}, x{g.rs()}, {g.pick((0, 1, 31, int(g.rng.integers(32))))}", rd=rd)]


def _upper(g: Generator, name: str) -> list[Item]:
    rd = g.rd()
    return [Instruction(name, f"x{rd}, {g.pick((0, 0x80000, 0xFFFFF, int(g.rng.integers(1 << 20))))}", rd=rd)]


def _load(g: Generator, name: str) -> list[Item]:
    rd = g.rd()
    return [Instruction(name, f"x{rd}, {g.immediate(12)}(x{g.pick(g.bases)})", rd=rd)]


def _store(g: Generator, name: str) -> list[Item]:
    return [Instruction(name, f"x{g.rs()}, {g.immediate(12)}(x{g.pick(g.bases)})")]


def _csr(g: Generator, name: str) -> list[Item]:
    rd = g.rd()
    return [Instruction(name, f"x{rd}, mscratch, x{g.rs()}", rd=rd)]


def _csr_immediate(g: Generator, name: str) -> list[Item]:
    rd = g.rd()
    return [Instruction(name, f"x{rd}, mscratch, {g.rng.integers(32)}", rd=rd)]


def _plain(g: Generator, name: str) -> list[Item]:
    return [Instruction(name)]


def _short_register(g: Generator, name: str) -> list[Item]:
    rd = g.short()
    return [Instruction(name, f"x{rd}, x{g.short()}", rd=rd)]


def _short_shift(g: Generator, name: str) -> list[Item]:
    rd = g.short()
    return [Instruction(name, f"x{rd}, {g.pick((1, 31, int(g.rng.integers(1, 32))))}", rd=rd)]


def _c_andi(g: Generator, name: str) -> list[Item]:
    rd = g.short()
    return [Instruction(name, f"x{rd}, {g.immediate(6)}", rd=rd)]


def _c_addi(g: Generator, name: str) -> list[Item]:
    rd = g.rd(zero=False)
    return [Instruction(name, f"x{rd}, {g.immediate(6) or -32}", rd=rd)]


def _c_li(g: Generator, name: str) -> list[Item]:
    rd = g.rd(zero=False)
    return [Instruction(name, f"x{rd}, {g.immediate(6)}", rd=rd)]


def _c_lui(g: Generator, name: str) -> list[Item]:
    rd = g.rd(zero=False)
    upper = g.immediate(6) or 31
    return [Instruction(name, f"x{rd}, {upper & 0xFFFFF}", rd=rd)]


def _c_slli(g: Generator, name: str) -> list[Item]:
    rd = g.rd(zero=False)
    return [Instruction(name, f"x{rd}, {g.pick((1, 31, int(g.rng.integers(1, 32))))}", rd=rd)]


def _c_move(g: Generator, name: str) -> list[Item]:
    rd = g.rd(zero=False)
    return [Instruction(name, f"x{rd}, x{g.rs(zero=False)}", rd=rd)]


def _c_addi16sp(g: Generator, name: str) -> list[Item]:
    return [Instruction(name, f"sp, {16 * (g.immediate(6) or -32)}")]


def _c_addi4spn(g: Generator, name: str) -> list[Item]:
    rd = g.short()
    return [Instruction(name, f"x{rd}, sp, {4 * g.rng.integers(1, 256)}", rd=rd)]


def _c_lwsp(g: Generator, name: str) -> list[Item]:
    rd = g.rd(zero=False)
    return [Instruction(name, f"x{rd}, {4 * g.rng.integers(64)}(sp)", rd=rd)]


def _c_swsp(g: Generator, name: str) -> list[Item]:
    return [Instruction(name, f"x{g.rs()}, {4 * g.rng.integers(64)}(sp)")]


def _c_lw(g: Generator, name: str) -> list[Item]:
    rd = g.short()
    return [Instruction(name, f"x{rd}, {4 * g.rng.integers(32)}(x{g.short_base})", rd=rd)]


def _c_sw(g: Generator, name: str) -> list[Item]:
    return [Instruction(name, f"x{g.short()}, {4 * g.rng.integers(32)}(x{g.short_base})")]


def _jump(g: Generator, name: str) -> list[Item]:
    """Return a jump over some instructions, to an address in the instruction or in a register."""
    label = g.label()
    to = g.rd(zero=False)
    rd = {"jal": g.rd(), "jalr": g.rd(), "c.jal": 1, "c.jalr": 1}.get(name, 0)
    link = f"x{rd}, " if name in ("jal", "jalr") else ""
    before: list[Item] = []
    operands = f"{link}{label}"
    if name == "jalr":
        # Bit 0 of the sum does not count.
        place = f"{label}+{g.rng.integers(2)}"
        before = [Instruction("lui", f"x{to}, %hi({place})")]
        operands = f"{link}%lo({place})(x{to})"
    elif name in ("c.jr", "c.jalr"):
        before = [
            Instruction("lui", f"x{to}, %hi({label})"),
            Instruction("addi", f"x{to}, x{to}, %lo({label})"),
        ]
        operands = f"x{to}"
    jump = Instruction(name, operands, rd=rd)
    return [*before, jump, *g.body(1, 4), Label(label)]


def trap(cause: int) -> Effect:
    """Return the effect of an instruction that takes an exception."""

    def effect(hart: Hart) -> None:
        hart.trap(cause)

    return effect


def illegal(word: int, short: bool = False) -> Instruction:
    """Return an illegal instruction."""
    name, directive = ("c.illegal", ".half") if short else ("illegal", ".word")
    return Instruction(name, effect=trap(ILLEGAL), text=f"{directive} {word:#x}")


def _illegal(g: Generator, name: str) -> list[Item]:
    if name == "c.illegal":
        return [illegal(g.pick(ILLEGAL_SHORT), short=True)]
    return [illegal(g.pick(ILLEGAL_WORDS))]


def _exception(cause: int, g: Generator, name: str) -> list[Item]:
    return [Instruction(name, effect=trap(cause))]


Named = Callable[["Generator", str], list[Item]]
Draw = Callable[["Generator"], list[Item]]


def _draws(draw: Named, *names: str) -> dict[str, Draw]:
    def named(name: str) -> Draw:
        return lambda g: draw(g, name)

    return {name: named(name) for name in names}


STRAIGHT: dict[str, Draw] = {
    **_draws(register_register, *REGISTER),
    **_draws(_immediate, *IMMEDIATE),
    **_draws(_shift, *SHIFT),
    **_draws(_upper, "lui", "auipc"),
    **_draws(_load, *LOAD),
    **_draws(_store, *STORE),
    **_draws(_csr, *CSR),
    **_draws(_csr_immediate, *(f"{name}i" for name in CSR)),
}
"""Instructions of 32 bits that may be anywhere, by mnemonic."""

SHORT: dict[str, Draw] = {
    **_draws(_plain, "c.nop"),
    **_draws(_short_register, *SHORT_REGISTER),
    **_draws(_short_shift, *SHORT_SHIFT),
    **_draws(_c_andi, "c.andi"),
    **_draws(_c_addi, "c.addi"),
    **_draws(_c_li, "c.li"),
    **_draws(_c_lui, "c.lui"),
    **_draws(_c_slli, "c.slli"),
    **_draws(_c_move, "c.mv", "c.add"),
    **_draws(_c_addi16sp, "c.addi16sp"),
    **_draws(_c_addi4spn, "c.addi4spn"),
    **_draws(_c_lwsp, "c.lwsp"),
    **_draws(_c_swsp, "c.swsp"),
    **_draws(_c_lw, "c.lw"),
    **_draws(_c_sw, "c.sw"),
}
"""Compressed instructions that may be anywhere but in a hardware loop."""

STRUCTURES: dict[str, Draw] = {
    **_draws(branch, *BRANCH, "c.beqz", "c.bnez"),
    **_draws(_jump, "jal", "jalr", "c.j", "c.jal", "c.jr", "c.jalr"),
    **_draws(_plain, "fence", "fence.i"),
    **_draws(partial(_exception, ENVIRONMENT_CALL), "ecall"),
    **_draws(partial(_exception, BREAKPOINT), "ebreak", "c.ebreak"),
    **_draws(_illegal, "illegal", "c.illegal"),
}
"""Instructions that are not within another step."""
