"""What a random program is made of, its layout in memory, and its text for the assembler.

Memory of a program, words little-endian::

    0x8000_0000  code: crt0.S, torture.S with the trap handler, then the random body
    0x800f_ff00  x0 to x31 at the end, then what the handler counts (``TRAPS`` and so on) and saves
    0x8010_0000  DATA, random bytes that the body loads and stores
    0x8020_0000  LOG, words that the body stores one behind the other
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..compile import PROGRAMS, Program, compile_program

STATE = 0x800F_FF00
DATA = 0x8010_0000
DATA_BYTES = 1 << 20
LOG = DATA + DATA_BYTES
LOG_BYTES = 1 << 18
RESULT_WORDS = (LOG + LOG_BYTES - STATE) // 4
"""What is compared: from STATE to the end of LOG."""

TRAPS, CAUSES, INTERRUPTS, WRONG = 32, 33, 34, 35
"""Words from STATE: exceptions, the sum of their causes, interrupts, wrong results in the handler."""

COMPARED_STATE = 34
"""Words from STATE that are the same whatever interrupts there are."""

ILLEGAL, BREAKPOINT, ENVIRONMENT_CALL = 2, 3, 11
"""Causes of the exceptions that a program may take; the handler goes on behind the instruction."""


class Hart(Protocol):
    """What an instruction that Unicorn does not know can see and change.

    Attributes
    ----------
    pc:
        Address of the instruction.
    loops:
        Of the hardware loops 0 and 1: start, end, and count; 0 when it is not running.
    state:
        What an extension keeps, by a name of its own.
    """

    pc: int
    loops: list[tuple[int, int, int]]
    state: dict[str, Any]

    def read(self, register: int) -> int:
        """Return a register, 0 to 2**32 - 1."""

    def write(self, register: int, value: int) -> None:
        """Write a register modulo 2**32; x0 stays 0."""

    def load(self, address: int, size: int) -> int:
        """Return ``size`` bytes, little-endian, as an unsigned number."""

    def store(self, address: int, size: int, value: int) -> None:
        """Write the low ``size`` bytes of a value."""

    def trap(self, cause: int) -> None:
        """Take an exception."""


Effect = Callable[[Hart], None]
"""Does to a hart what an instruction does, but for the pc, which moves on by itself."""


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes
    ----------
    mnemonic:
        What it is counted as; one of 16 bits starts with ``c.``.
    operands:
        For the assembler.
    effect:
        What it does, if it is not of what Unicorn executes.
    text:
        What the assembler gets if that is not mnemonic and operands.
    rd:
        Register that holds a result worth logging, or 0.
    """

    mnemonic: str
    operands: str = ""
    effect: Effect | None = None
    text: str = ""
    rd: int = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return 2 if self.mnemonic.startswith("c.") else 4

    @property
    def line(self) -> str:
        """The instruction in assembly."""
        return self.text or f"{self.mnemonic} {self.operands}".rstrip()


@dataclass(frozen=True)
class Label:
    """A place to jump to."""

    name: str


@dataclass(frozen=True)
class Aligned:
    """From here on addresses are multiples of 4, by a ``c.nop`` if need be."""


Item = Instruction | Label | Aligned


def scratch(save: int) -> tuple[int, int, int, int]:
    """Return the registers that the trap handler calls T0 to T3, where ``save`` is its own."""
    a, b, c, d = [register for register in (5, 6, 7, 28, 29) if register != save][:4]
    return a, b, c, d


@dataclass(frozen=True)
class RandomProgram:
    """A program.

    Attributes
    ----------
    items:
        The body: instructions and labels, in order.
    save:
        Register that the body leaves alone: the trap handler's, which points at STATE.
    handler:
        Assembly that the trap handler executes; it may change the registers T0 to T3 (``scratch``), and finds
        the register SAVE and STATE + 0xa0 on for its own use.
    """

    items: Sequence[Item]
    save: int
    handler: str = ""

    def laid_out(self) -> Iterator[tuple[int, Instruction | Label]]:
        """Yield what there is, and how many bytes it is from the start of the body, which is aligned."""
        at = 0
        for item in self.items:
            if isinstance(item, Aligned):
                if at % 4:
                    yield at, Instruction("c.nop")
                    at += 2
                continue
            yield at, item
            at += item.size if isinstance(item, Instruction) else 0

    def assemble(self, core: str) -> Assembled:
        """Return the program in memory. Raises ToolError as ``compile_program``."""
        lines, labels, instructions, end = [], {}, {}, 0
        for at, item in self.laid_out():
            if isinstance(item, Label):
                lines.append(f"{item.name}:")
                labels[item.name] = at
                continue
            instructions[at] = item
            end = at + item.size
            short = item.size == 2
            lines.append(f".option rvc\n{item.line}\n.option norvc" if short else item.line)
        frame = (PROGRAMS / "torture.S").read_text()
        defines = {f"T{i}": f"x{register}" for i, register in enumerate(scratch(self.save))}
        sources = {"torture.S": frame, "handler.h": self.handler, "body.h": "\n".join(lines) + "\n"}
        program = compile_program(
            core, sources, main=["torture.S"], defines={"SAVE": f"x{self.save}", **defines}
        )
        body = program.symbols["body"]
        # The assembler must have made of each line what its size here says.
        placed = {**labels, "finish": end}
        assert all(program.symbols[name] == body + at for name, at in placed.items()), "another layout"
        return Assembled(program, body, {body + at: item for at, item in instructions.items()})


@dataclass(frozen=True)
class Assembled:
    """A program in memory: where its body starts, and the body's instructions by address."""

    program: Program
    body: int
    instructions: dict[int, Instruction]
