"""What a program means: the golden model of xDecimate, and beside it the few other instructions of the test.

Values of registers and words are Python integers from 0 to 2**32 - 1.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tileloom_golden.xfu.xdecimate import Hart, Memory

WORD = 0xFFFF_FFFF


def signed(value: int, bits: int = 32) -> int:
    """Return the two's complement number in the low bits of a value."""
    value &= (1 << bits) - 1
    return value - (value >> bits - 1 << bits)


@dataclass
class Machine:
    """A hart, its memory, and what the program has logged.

    Attributes
    ----------
    memory:
        Every byte that the program can reach.
    hart:
        Registers, and the counter of xDecimate.
    log:
        Words, in order.
    illegal:
        Illegal instructions so far.
    executed:
        Instructions so far, and how many of them were of the unit.
    """

    memory: Memory
    hart: Hart = field(init=False)
    log: list[int] = field(default_factory=list)
    illegal: int = 0
    executed: int = 0
    decimated: int = 0

    def __post_init__(self) -> None:
        self.hart = Hart(self.memory.load)

    def load(self, address: int, size: int, *, is_signed: bool) -> int:
        """Return ``size`` bytes, little-endian, extended to a word."""
        at = address - self.memory.base
        value = int.from_bytes(bytes(self.memory.data[at : at + size].astype(np.uint8)), "little")
        return (signed(value, 8 * size) if is_signed else value) & WORD

    def store(self, address: int, size: int, value: int) -> None:
        """Write the low ``size`` bytes of a value, little-endian."""
        at = address - self.memory.base
        self.memory.data[at : at + size] = list((value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def words(self) -> npt.NDArray[np.uint32]:
        """Return all of memory as little-endian words."""
        return self.memory.data.astype(np.uint8).view("<u4")


def arithmetic(name: str, a: int, b: int, d: int) -> int:
    """Return what instruction ``name`` makes of rs1, rs2 and rd."""
    if name == "add":
        return a + b
    if name == "sub":
        return a - b
    if name == "xor":
        return a ^ b
    if name == "mul":
        return a * b
    if name == "mulhu":
        return a * b >> 32
    if name == "divu":
        return a // b if b else WORD
    if name == "cv.max":
        return max(signed(a), signed(b))
    assert name == "cv.sdotsp.b"
    return d + sum(signed(a >> lane, 8) * signed(b >> lane, 8) for lane in range(0, 32, 8))
