"""The encoding of the xDecimate instructions, for decoders, compilers and tests. No Amaranth here.

All are R4-type instructions of the opcode custom-1 with funct3 = 6, which CV32E40P (COREV_PULP = 1) and
CV32E40X leave free (RISC-V Unprivileged ISA, "RV32/64G Instruction Set Listings", R4-type)::

     31    27 26    25 24   20 19   15 14  12 11    7 6       0
    +--------+--------+-------+-------+------+-------+---------+
    |  rs3   | funct2 |  rs2  |  rs1  | 110  |  rd   | 0101011 |
    +--------+--------+-------+-------+------+-------+---------+
    |  = rd  |  0     |offsets| base  |      |  rd   |         |  xdecimate.4
    |  = rd  |  1     |offsets| base  |      |  rd   |         |  xdecimate.8
    |  = rd  |  2     |offsets| base  |      |  rd   |         |  xdecimate.16
    |  = 0   |  3     |  = 0  | value |      |  rd   |         |  xdecimate.counter
    +--------+--------+-------+-------+------+-------+---------+

An xdecimate replaces one byte of rd, so that it reads rd too: rs3 says so to a core that decodes nothing
else. ``xdecimate.counter`` swaps: rd gets the counter, zero-extended, and the counter the low 16 bits of rs1.
With x0 as rd and rs1 it is ``clear``. Every other word of this opcode and funct3 is illegal.

A host that gives an instruction two registers has R-type instructions of the same opcode and funct3. The
offsets come from a register of the unit, and rs2 is rd as it is::

     31      25 24   20 19   15 14  12 11    7 6       0
    +----------+-------+-------+------+-------+---------+
    |  funct7  |  rs2  |  rs1  | 110  |  rd   | 0101011 |
    +----------+-------+-------+------+-------+---------+
    |  0, 1, 2 | = rd  | base  |      |  rd   |         |  xdecimate.4, .8, .16
    |  3       | = 0   | value |      |  rd   |         |  xdecimate.counter
    |  7       | = 0   | word  |      |  rd   |         |  xdecimate.offsets
    +----------+-------+-------+------+-------+---------+

``xdecimate.offsets`` swaps, too. But for the counter's and those with rd = x0, where both mean the same, no
word of one form is legal in the other.
"""

from __future__ import annotations

from .config import GROUP_SIZES, XfuConfig

OPCODE = 0x2B
"""Bits 6 to 0: custom-1."""

FUNCT3 = 6
"""Bits 14 to 12."""

FUNCT2 = {4: 0, 8: 1, 16: 2}
"""Bits 26 and 25 of xdecimate, by group size."""

FUNCT2_COUNTER = 3
"""Bits 26 and 25 of xdecimate.counter."""

RS3_OFFSETS = 1
"""Bits 31 to 27 of xdecimate.offsets, whose bits 26 and 25 are those of xdecimate.counter."""

COUNTER_BITS = 16
"""Width of the counter."""

OFFSET_BITS = {4: 2, 8: 4, 16: 4}
"""Bits that one packed offset takes in rs2, by group size; of these the low log2(M) count."""


def encoding(config: XfuConfig) -> dict[str, object]:
    """Return a manifest's account of the instructions that ``config`` builds."""
    functs = {f"xdecimate.{size}": FUNCT2[size] for size in config.group_sizes}
    functs["xdecimate.counter"] = FUNCT2_COUNTER
    if config.sources == 2:
        functs["xdecimate.offsets"] = RS3_OFFSETS << 2 | FUNCT2_COUNTER
    return {"opcode": OPCODE, "funct3": FUNCT3, "funct2" if config.sources == 3 else "funct7": functs}


def encode_decimate(group_size: int, rd: int, rs1: int, rs2: int) -> int:
    """Return the word of ``xdecimate.<group_size> rd, rs1, rs2``; registers are numbers from 0 to 31.

    Raises ValueError for another group size than 4, 8, 16 or another register.
    """
    if group_size not in GROUP_SIZES:
        raise ValueError(f"group_size: must be 4, 8 or 16, not {group_size!r}")
    return _encode(rs3=rd, funct2=FUNCT2[group_size], rs2=rs2, rs1=rs1, rd=rd)


def encode_held(group_size: int, rd: int, rs1: int) -> int:
    """Return the word of ``xdecimate.<group_size> rd, rs1`` of a unit for two operands.

    Raises ValueError as ``encode_decimate``.
    """
    if group_size not in GROUP_SIZES:
        raise ValueError(f"group_size: must be 4, 8 or 16, not {group_size!r}")
    return _encode(rs3=0, funct2=FUNCT2[group_size], rs2=rd, rs1=rs1, rd=rd)


def encode_offsets(rd: int, rs1: int) -> int:
    """Return the word of ``xdecimate.offsets rd, rs1``, of a unit for two operands.

    Raises ValueError for another register.
    """
    return _encode(rs3=RS3_OFFSETS, funct2=FUNCT2_COUNTER, rs2=0, rs1=rs1, rd=rd)


def encode_counter(rd: int, rs1: int) -> int:
    """Return the word of ``xdecimate.counter rd, rs1``; registers are numbers from 0 to 31.

    Raises ValueError for another register.
    """
    return _encode(rs3=0, funct2=FUNCT2_COUNTER, rs2=0, rs1=rs1, rd=rd)


def _encode(*, rs3: int, funct2: int, rs2: int, rs1: int, rd: int) -> int:
    for name, register in (("rd", rd), ("rs1", rs1), ("rs2", rs2)):
        if not 0 <= register < 32:
            raise ValueError(f"{name}: must be a register from 0 to 31, not {register!r}")
    return rs3 << 27 | funct2 << 25 | rs2 << 20 | rs1 << 15 | FUNCT3 << 12 | rd << 7 | OPCODE


HEADER = """\
/* Intrinsics of the xDecimate instructions. Generated by Tileloom; do not edit. */
#ifndef TILELOOM_XDECIMATE_H
#define TILELOOM_XDECIMATE_H

#include <stdint.h>

/* Swap the counter: it becomes the low 16 bits of value; what it was is returned, zero-extended. */
static inline uint32_t xdecimate_counter(uint32_t value) {{
    uint32_t old;
    __asm__ volatile(".insn r4 {opcode:#x}, {funct3}, {counter}, %0, %1, x0, x0" : "=r"(old) : "r"(value));
    return old;
}}

/* Set the counter to zero, before the first xdecimate of a sequence. In inline assembly: XDECIMATE_CLEAR. */
#define XDECIMATE_CLEAR ".insn r4 {opcode:#x}, {funct3}, {counter}, x0, x0, x0, x0\\n"
static inline void xdecimate_clear(void) {{ __asm__ volatile(XDECIMATE_CLEAR); }}
{decimate}
#endif
"""

HELD = """
/* The instructions have two operands: offsets come from a word that the unit keeps. */
#define XDECIMATE_TWO_OPERANDS 1

/* Swap the word of offsets; what it was is returned. */
static inline uint32_t xdecimate_offsets(uint32_t offsets) {{
    __asm__ volatile(".insn r {opcode:#x}, {funct3}, {funct7}, %0, %0, x0" : "+r"(offsets));
    return offsets;
}}

/* Set it, before the first xdecimate that takes from it. In inline assembly: XDECIMATE_SET_OFFSETS. */
#define XDECIMATE_SET_OFFSETS(offsets) ".insn r {opcode:#x}, {funct3}, {funct7}, x0, " offsets ", x0\\n"
static inline void xdecimate_set_offsets(uint32_t offsets) {{
    __asm__ volatile(XDECIMATE_SET_OFFSETS("%0") : : "r"(offsets));
}}
"""

DECIMATE_HELD = """
/* Return rd with one byte replaced by the activation that the next 1:{m} offset points at.
   The array tells the compiler that memory from base on is read; it may keep all else in registers.
   In inline assembly: XDECIMATE_{m}, whose operands are strings such as "%0". */
#define XDECIMATE_{m}(rd, base) ".insn r {opcode:#x}, {funct3}, {funct7}, " rd ", " base ", " rd "\\n"
static inline uint32_t xdecimate_{m}(uint32_t rd, const void *base) {{
    __asm__ volatile(XDECIMATE_{m}("%0", "%1")
                     : "+r"(rd) : "r"(base), "m"(*(const uint8_t (*)[0x7fffffff])base));
    return rd;
}}
"""

DECIMATE = """
/* Return rd with one byte replaced by the activation that the next 1:{m} offset of offsets points at.
   The array tells the compiler that memory from base on is read; it may keep all else in registers.
   In inline assembly: XDECIMATE_{m}, whose operands are strings such as "%0". */
#define XDECIMATE_{m}(rd, base, offsets) \\
    ".insn r4 {opcode:#x}, {funct3}, {funct2}, " rd ", " base ", " offsets ", " rd "\\n"
static inline uint32_t xdecimate_{m}(uint32_t rd, const void *base, uint32_t offsets) {{
    __asm__ volatile(XDECIMATE_{m}("%0", "%1", "%2")
                     : "+r"(rd) : "r"(base), "r"(offsets), "m"(*(const uint8_t (*)[0x7fffffff])base));
    return rd;
}}
"""


def intrinsics_header(config: XfuConfig | None = None) -> str:
    """Return a C header with the intrinsics of the instructions that ``config`` builds, by default of all.

    ``xdecimate_4``, ``_8`` and ``_16`` take rd, the base address and the offsets, and return the new rd;
    ``xdecimate_counter`` swaps the counter; ``xdecimate_clear`` sets it to zero. For two operands they take
    rd and the base address, and ``xdecimate_offsets`` swaps the word of offsets. GCC and Clang take it.
    """
    config = config or XfuConfig()
    fields = {"opcode": OPCODE, "funct3": FUNCT3}
    if config.sources == 2:
        texts = [HELD.format(**fields, funct7=RS3_OFFSETS << 2 | FUNCT2_COUNTER)]
        texts += [DECIMATE_HELD.format(**fields, m=m, funct7=FUNCT2[m]) for m in config.group_sizes]
    else:
        texts = [DECIMATE.format(**fields, m=m, funct2=FUNCT2[m]) for m in config.group_sizes]
    return HEADER.format(**fields, counter=FUNCT2_COUNTER, decimate="".join(texts))
