"""The xDecimate instruction, its counter, and sequences of instructions, from the paper's definition.

Daghero et al., "Lightweight Software Kernels and Hardware Extensions for Efficient Sparse DNNs on MCUs":
`csr` is a 16-bit counter that every xDecimate adds one to, M is 4, 8 or 16, and with o modulo M

    o    = rs2[csr[2:0]*4 + 3 : csr[2:0]*4]            M = 8, 16
    o    = rs2[csr[3:0]*2 + 1 : csr[3:0]*2]            M = 4
    addr = rs1 + M*csr[15:1] + o                       modulo 2**32
    rd[csr[2:1]*8 + 7 : csr[2:1]*8] = MEM8[addr];  csr = csr + 1

Four things are ours. The instruction takes the low log2(M) bits of the offset's field, which matters to
M = 8 alone: packed offsets are below M, so that bit 3 of their field is 0. A load that faults changes
nothing, so that a handler can return to the instruction. `counter` swaps the counter with a register. A
host that gives an instruction two registers has it with the offsets in a word that the unit keeps, which
`offsets` swaps with a register.

The functions up to `merge` compute on Python integers or, element by element, on int64 arrays: one call
then is the same instruction on many independent harts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..checks import check_integers, check_ndim, refuse
from .sparsity import GROUPS, check_m

COUNTER_FUNCT2 = 3
"""funct2 of the instruction that swaps the counter."""

OFFSETS_FUNCT7 = 7
"""funct7 of the instruction that swaps the word of offsets."""

Value = Any
"""An int, or an int64 array; arrays broadcast, and the result is of what its operands are."""

Load = Callable[[Value], Value]
"""Reads the byte (0 to 255) at an address, and raises `LoadError` where there is none to read."""


class LoadError(Exception):
    """A load that memory answers with an error; nothing has changed.

    Attributes
    ----------
    address:
        Of the byte.
    """

    def __init__(self, address: int) -> None:
        super().__init__(f"load at 0x{address:08x} faults")
        self.address = address


@dataclass(frozen=True)
class Decimate:
    """xdecimate.M rd, rs1, rs2: register numbers, with M 4, 8 or 16."""

    m: int
    rd: int
    rs1: int
    rs2: int


@dataclass(frozen=True)
class SwapCounter:
    """xdecimate.counter rd, rs1: rd gets the counter, zero-extended, and the counter rs1[15:0]."""

    rd: int
    rs1: int


@dataclass(frozen=True)
class DecimateHeld:
    """xdecimate.M rd, rs1, for two operands: the same with the unit's own word of offsets as rs2."""

    m: int
    rd: int
    rs1: int


@dataclass(frozen=True)
class SwapOffsets:
    """xdecimate.offsets rd, rs1, for two operands: rd gets the word of offsets, and that rs1."""

    rd: int
    rs1: int


Instruction = Decimate | SwapCounter
HeldInstruction = DecimateHeld | SwapOffsets | SwapCounter
"""Of a host that gives an instruction two registers."""


def decode(
    *, funct2: int, rd: int, rs1: int, rs2: int, rs3: int, built: Iterable[int] = GROUPS
) -> Instruction | None:
    """Return what the fields of an instruction of our opcode and funct3 mean.

    Parameters
    ----------
    funct2:
        0, 1, 2 for M = 4, 8, 16 (the field of rs3 must repeat rd); 3 to swap the counter (the
        fields of rs2 and rs3 must be 0).
    rd:
        The five bits of this field, as in the ones below.
    rs1:
        See rd.
    rs2:
        See rd.
    rs3:
        See rd.
    built:
        The M that the unit was built for.

    Returns
    -------
    The instruction, or None for a bad encoding: not accepted, the core traps.
    """
    if funct2 == COUNTER_FUNCT2:
        return SwapCounter(rd, rs1) if rs2 == rs3 == 0 else None
    m = GROUPS[funct2]  # the encoding counts through them
    return Decimate(m, rd, rs1, rs2) if rs3 == rd and m in built else None


def decode_held(
    *, funct7: int, rd: int, rs1: int, rs2: int, built: Iterable[int] = GROUPS
) -> HeldInstruction | None:
    """Return what the fields of an R-type instruction of our opcode and funct3 mean, for two operands.

    ``funct7`` is 0, 1, 2 for M = 4, 8, 16 (rs2 must repeat rd), 3 and 7 to swap counter and offsets (rs2 must
    be 0); the others are as in ``decode``.
    """
    if funct7 in (COUNTER_FUNCT2, OFFSETS_FUNCT7):
        swap = SwapCounter if funct7 == COUNTER_FUNCT2 else SwapOffsets
        return swap(rd, rs1) if rs2 == 0 else None
    if funct7 >= len(GROUPS) or rs2 != rd or GROUPS[funct7] not in built:
        return None
    return DecimateHeld(GROUPS[funct7], rd, rs1)


def offset(m: int, rs2: Value, counter: Value) -> Value:
    """Return o, 0 to M - 1: the field of rs2 that the counter points at, modulo M.

    >>> [offset(4, 0b11_01_10_00, i) for i in range(5)]
    [0, 2, 1, 3, 0]
    """
    bits = 2 if m == 4 else 4
    return rs2 >> counter % (32 // bits) * bits & m - 1


def address(m: int, rs1: Value, rs2: Value, counter: Value) -> Value:
    """Return the address that the instruction loads from, 0 to 2**32 - 1."""
    return rs1 + m * (counter >> 1) + offset(m, rs2, counter) & 0xFFFFFFFF


def merge(rd: Value, byte: Value, counter: Value) -> Value:
    """Return rd with the byte in the lane that the counter points at, csr[2:1].

    >>> hex(merge(0x44332211, 0xAA, 5))
    '0x44aa2211'
    """
    lane = (counter >> 1) % 4 * 8
    return rd & ~(0xFF << lane) | byte << lane


def step(counter: Value) -> Value:
    """Return the 16-bit counter after an xDecimate."""
    return counter + 1 & 0xFFFF


def decimate(m: int, *, rd: Value, rs1: Value, rs2: Value, counter: Value, load: Load) -> Value:
    """Return rd after xdecimate.M; the counter is `step(counter)` then.

    Parameters
    ----------
    m:
        4, 8 or 16.
    rd:
        The register's value before, 0 to 2**32 - 1, like rs1 and rs2.
    rs1:
        Where the activations start.
    rs2:
        Offsets, the first in the least significant bits.
    counter:
        0 to 65535.
    load:
        Reads the byte.

    Raises
    ------
    LoadError
        From `load`.
    ValueError
        M is not 4, 8 or 16.
    """
    check_m(m)
    return merge(rd, load(address(m, rs1, rs2, counter)), counter)


@dataclass
class Memory:
    """An image of a part of the address space, to load from and to inject errors into.

    Attributes
    ----------
    data:
        Bytes, 0 to 255 or -128 to 127, one-dimensional.
    base:
        Address of data[0].
    faulty:
        Addresses within it that answer with an error, as every address outside it does.

    Raises
    ------
    ValueError
        Data is not one-dimensional, not of integers, or does not fit a byte (the message has
        the index); the image does not lie in 0 to 2**32 - 1.
    """

    data: npt.NDArray[Any]
    base: int = 0
    faulty: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        array = check_integers(self.data, "data")
        check_ndim(array, 1, "data")
        refuse((array < -128) | (array > 255), "data", "does not fit a byte")
        if self.base < 0 or self.base + array.size > 1 << 32:
            raise ValueError(f"{array.size} bytes at {self.base:#x} do not lie in 0 to 2**32 - 1")
        self.data = array.astype(np.int64) & 0xFF

    def load(self, address: Value) -> Value:
        """Return the byte at an address, or the bytes at an array of addresses.

        Raises
        ------
        LoadError
            An address answers with an error; of an array, the first that does.
        """
        index = np.asarray(address) - self.base
        bad = (index < 0) | (index >= self.data.size)
        if self.faulty:
            bad |= np.isin(address, list(self.faulty))
        if bad.any():
            raise LoadError(int(np.asarray(address)[bad].flat[0]))
        return self.data[index] if index.ndim else int(self.data[index])


@dataclass
class Hart:
    """What an xDecimate can see and change: 32 registers, the counter, and memory to load from.

    An instruction that the core kills is one not executed here. What other instructions do to registers
    is written to `registers` directly; register 0 stays 0 when only `execute` and `write` write.

    >>> hart = Hart(Memory(np.arange(64), base=0x100).load)
    >>> hart.write(11, 0x100)           # a1: activations
    >>> hart.write(12, 0b10_10_01_01)   # a2: offsets 1, 1, 2, 2: every one for two patches
    >>> hart.run([Decimate(4, 10, 11, 12)] * 4)
    >>> hex(hart.registers[10]), hart.counter   # bytes at 0x100 + 1, then 0x100 + 4 + 2
    ('0x601', 4)

    Attributes
    ----------
    load:
        Reads a byte, as `Memory.load` does.
    counter:
        0 to 65535.
    registers:
        32 values, 0 to 2**32 - 1.
    offsets:
        The word of offsets that a unit for two operands keeps, 0 to 2**32 - 1.
    """

    load: Load
    counter: int = 0
    registers: list[int] = field(default_factory=lambda: [0] * 32)
    offsets: int = 0

    def write(self, register: int, value: int) -> None:
        """Write a register modulo 2**32; register 0 stays 0."""
        if register:
            self.registers[register] = value & 0xFFFFFFFF

    def execute(self, instruction: Instruction | HeldInstruction) -> None:
        """Execute one instruction.

        With rd = x0 an xDecimate loads and counts all the same.

        Raises
        ------
        LoadError
            The load faults; registers and counter are as they were.
        ValueError
            The instruction's m is not 4, 8 or 16.
        """
        rs1 = self.registers[instruction.rs1]
        if isinstance(instruction, SwapCounter):
            self.write(instruction.rd, self.counter)
            self.counter = rs1 & 0xFFFF
            return
        if isinstance(instruction, SwapOffsets):
            self.write(instruction.rd, self.offsets)
            self.offsets = rs1
            return
        offsets = self.offsets if isinstance(instruction, DecimateHeld) else self.registers[instruction.rs2]
        value = decimate(
            instruction.m,
            rd=self.registers[instruction.rd],
            rs1=rs1,
            rs2=offsets,
            counter=self.counter,
            load=self.load,
        )
        self.write(instruction.rd, value)
        self.counter = step(self.counter)

    def run(self, instructions: Iterable[Instruction | HeldInstruction]) -> None:
        """Execute instructions in order; a LoadError leaves the state from before its instruction."""
        for instruction in instructions:
            self.execute(instruction)
