"""The CORE-V instructions of CV32E40P that the kernels use, and all CORE-V loads and stores.

What each does is written from the CV32E40P user manual, "CORE-V Instruction Set Custom Extensions" and
"CORE-V Hardware Loop feature", as Unicorn does not know them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .base import Draw
from .generator import Generator
from .program import Aligned, Effect, Hart, Instruction, Item

LOADS = {
    "cv.lb": (1, True),
    "cv.lh": (2, True),
    "cv.lw": (4, True),
    "cv.lbu": (1, False),
    "cv.lhu": (2, False),
}
"""Bytes, and whether they are sign-extended."""

STORES = {"cv.sb": 1, "cv.sh": 2, "cv.sw": 4}

IMMEDIATE, REGISTER_STEP, INDEXED = "", " register", " indexed"
FORMS = {
    IMMEDIATE: "(x{base}), {step}",
    REGISTER_STEP: "(x{base}), x{register}",
    INDEXED: "x{register}(x{base})",
}
"""Operands of loads and stores, by what is added to the name that they are counted under."""

SETUP = ".insn i 0x2b, 4, x{rd}, x{count}, {words}"
"""cv.setup, which Clang's assembler has no name for; bit 7 of the word is the loop's number."""
SETUP_RD = 14


def signed(value: int, bits: int) -> int:
    """Return the two's complement number in the low bits of a value."""
    value &= (1 << bits) - 1
    return value - (value >> bits - 1 << bits)


def byte(value: int, index: int) -> int:
    """Return a byte of a word, 0 to 255; byte 0 is the lowest."""
    return value >> 8 * index & 0xFF


def insert(rd: int, rs1: int, is3: int, is2: int) -> int:
    """cv.insert: the low Is3 + 1 bits of rs1 at bit Is2 of rd; Is2 + Is3 is below 32."""
    mask = (2 << is3) - 1
    return rd & ~(mask << is2) | (rs1 & mask) << is2


def pack(rd: int, rs1: int, rs2: int) -> int:
    """cv.pack: the low half of rs1 above that of rs2."""
    return (rs1 & 0xFFFF) << 16 | rs2 & 0xFFFF


def packhi_b(rd: int, rs1: int, rs2: int) -> int:
    """cv.packhi.b: byte 0 of rs1 and of rs2 as bytes 3 and 2 of rd."""
    return byte(rs1, 0) << 24 | byte(rs2, 0) << 16 | rd & 0xFFFF


def packlo_b(rd: int, rs1: int, rs2: int) -> int:
    """cv.packlo.b: byte 0 of rs1 and of rs2 as bytes 1 and 0 of rd."""
    return rd & 0xFFFF_0000 | byte(rs1, 0) << 8 | byte(rs2, 0)


def shuffle2_b(rd: int, rs1: int, rs2: int) -> int:
    """cv.shuffle2.b: each byte is one of rs1 or rd, as bits 2 and 1:0 of the byte of rs2 there say."""
    result = 0
    for index in range(4):
        select = byte(rs2, index)
        result |= byte(rs1 if select & 4 else rd, select & 3) << 8 * index
    return result


def sdotsp_b(rd: int, rs1: int, rs2: int) -> int:
    """cv.sdotsp.b: the four products of signed bytes, added to rd."""
    return rd + sum(signed(byte(rs1, i), 8) * signed(byte(rs2, i), 8) for i in range(4))


def minimum(rd: int, rs1: int, rs2: int) -> int:
    """cv.min: the smaller of two signed numbers."""
    return min(rs1, rs2, key=lambda value: signed(value, 32))


REGISTER: dict[str, Callable[[int, int, int], int]] = {
    "cv.pack": pack,
    "cv.packhi.b": packhi_b,
    "cv.packlo.b": packlo_b,
    "cv.shuffle2.b": shuffle2_b,
    "cv.sdotsp.b": sdotsp_b,
    "cv.min": minimum,
}
"""What rd becomes of rd, rs1 and rs2."""


def _register(g: Generator, name: str) -> list[Item]:
    rd, a, b = g.rd(), g.rs(), g.rs()

    def effect(hart: Hart) -> None:
        hart.write(rd, REGISTER[name](hart.read(rd), hart.read(a), hart.read(b)))

    return [Instruction(name, f"x{rd}, x{a}, x{b}", effect, rd=rd)]


def _insert(g: Generator, name: str) -> list[Item]:
    rd, rs1 = g.rd(), g.rs()
    is2 = g.pick((0, 31, int(g.rng.integers(32))))
    is3 = int(g.rng.integers(32 - is2))

    def effect(hart: Hart) -> None:
        hart.write(rd, insert(hart.read(rd), hart.read(rs1), is3, is2))

    return [Instruction(name, f"x{rd}, x{rs1}, {is3}, {is2}", effect, rd=rd)]


def _step(g: Generator) -> int:
    return g.pick((0, 1, 2, 4, -4, 64, int(g.rng.integers(-64, 65))))


def _offset(g: Generator) -> tuple[list[Item], int]:
    """Return instructions that put a small number into a register, often by a load just before, and which."""
    register, base = g.rd(zero=False), g.pick(g.bases)
    small = f"x{register}, x0, {_step(g)}"
    loaded = f"x{register}, {g.immediate(12)}(x{base})"
    return [g.pick((Instruction("addi", small), Instruction("lb", loaded)))], register


def _load(g: Generator, name: str, form: str) -> list[Item]:
    """Return a load: by (rs1), with an increment that is an immediate or a register, or by rs1 + rs2."""
    rd, base, step = g.rd(), g.pick(g.bases), _step(g)
    before, register = ([], 0) if form == IMMEDIATE else _offset(g)
    size, is_signed = LOADS[name]

    def effect(hart: Hart) -> None:
        address, offset = hart.read(base), step if form == IMMEDIATE else hart.read(register)
        value = hart.load(address + (offset if form == INDEXED else 0) & 0xFFFF_FFFF, size)
        hart.write(rd, signed(value, 8 * size) if is_signed else value)
        if form != INDEXED:
            hart.write(base, address + offset)

    operands = FORMS[form].format(base=base, step=step, register=register)
    text = f"{name} x{rd}, {operands}"
    return [*before, Instruction(name + form, effect=effect, text=text, rd=rd)]


def _store(g: Generator, name: str, form: str) -> list[Item]:
    """Return a store, in the forms that loads have."""
    source, base, step = g.rs(), g.pick(g.bases), _step(g)
    before, register = ([], 0) if form == IMMEDIATE else _offset(g)

    def effect(hart: Hart) -> None:
        address, offset = hart.read(base), step if form == IMMEDIATE else hart.read(register)
        at = address + (offset if form == INDEXED else 0) & 0xFFFF_FFFF
        hart.store(at, STORES[name], hart.read(source))
        if form != INDEXED:
            hart.write(base, address + offset)

    operands = FORMS[form].format(base=base, step=step, register=register)
    return [*before, Instruction(name + form, effect=effect, text=f"{name} x{source}, {operands}")]


def _setup(number: int, count: int, words: int) -> Effect:
    """Return the effect of cv.setup: repeat the ``words`` instructions that follow."""

    def effect(hart: Hart) -> None:
        hart.loops[number] = (hart.pc + 4, hart.pc + 4 + 4 * words, hart.read(count))

    return effect


def _hardware_loop(g: Generator, number: int, most: int, body: list[Item]) -> list[Item]:
    """Return a loop around ``body``, of 32-bit instructions only."""
    count, words = g.rd(zero=False), len(body)
    text = SETUP.format(rd=SETUP_RD + number, count=f"{count}", words=words + 1)
    return [
        Instruction("addi", f"x{count}, x0, {g.rng.integers(1, most + 1)}"),
        Aligned(),
        Instruction("cv.setup", effect=_setup(number, count, words), text=text),
        *body,
    ]


def _loop(g: Generator, name: str) -> list[Item]:
    """Return a hardware loop, in a third of the cases within another."""
    if g.rng.random() < 0.67:
        return _hardware_loop(g, int(g.rng.integers(2)), 8, g.body(3, 12, short=False))
    inner = [
        item for item in _hardware_loop(g, 0, 5, g.body(3, 6, short=False)) if not isinstance(item, Aligned)
    ]
    # The outer one ends at least two instructions after the inner one.
    body = [*g.body(1, 3, short=False), *inner, *g.body(2, 4, short=False)]
    return _hardware_loop(g, 1, 4, body)


class CoreV:
    """The extension, for ``Generator``."""

    straight: dict[str, Draw] = {
        **{name: partial(_register, name=name) for name in REGISTER},
        **{name + form: partial(_load, name=name, form=form) for name in LOADS for form in FORMS},
        **{name + form: partial(_store, name=name, form=form) for name in STORES for form in FORMS},
        "cv.insert": partial(_insert, name="cv.insert"),
    }
    structures: dict[str, Draw] = {"cv.setup": partial(_loop, name="cv.setup")}

    def handler(self, scratch: tuple[int, int, int, int]) -> str:
        """Return nothing: the handler uses none of them."""
        return ""
