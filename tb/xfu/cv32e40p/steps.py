"""Steps of a program: assembly for the core, and the same for the machine that it is compared with.

A program is a tree (a loop or a branch has a body), so that what it means needs no program counter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tileloom.xfu.instruction import FUNCT2_COUNTER, FUNCT3, OPCODE
from tileloom_golden.xfu.xdecimate import Decimate, decode

from .machine import Machine

POOL = tuple(range(10, 18))
"""Registers that hold anything."""

BASE_REGISTERS = (8, 9, 18, 19)
"""Registers that hold addresses."""

LOG, TABLE, SCRATCH = 20, 21, 28
"""Registers: where the log goes on, the table of bases, and one that a step may use within itself."""


class Step:
    """One or more instructions: ``lines`` of assembly, and ``run`` for what they do."""

    def lines(self) -> list[str]:
        """Return assembly."""
        raise NotImplementedError

    def run(self, machine: Machine) -> None:
        """Do to the machine what the assembly does to the core."""
        raise NotImplementedError


@dataclass
class Simple(Step):
    """One instruction other than the unit's."""

    text: str
    effect: Callable[[Machine], None]

    def lines(self) -> list[str]:
        """Return assembly."""
        return [self.text]

    def run(self, machine: Machine) -> None:
        """Execute it."""
        machine.executed += 1
        self.effect(machine)


@dataclass
class Unit(Step):
    """A word of the unit's opcode and funct3 with any fields; the golden model says whether it is legal."""

    funct2: int
    rd: int
    rs1: int
    rs2: int
    rs3: int
    built: Sequence[int]

    def lines(self) -> list[str]:
        """Return the word."""
        word = self.rs3 << 27 | self.funct2 << 25 | self.rs2 << 20 | self.rs1 << 15
        return [f".word {word | FUNCT3 << 12 | self.rd << 7 | OPCODE:#010x}"]

    def run(self, machine: Machine) -> None:
        """Execute it; the trap handler goes on behind an illegal one."""
        fields = {"funct2": self.funct2, "rd": self.rd, "rs1": self.rs1, "rs2": self.rs2, "rs3": self.rs3}
        instruction = decode(**fields, built=self.built)
        machine.executed += 1
        if instruction is None:
            machine.illegal += 1
            return
        machine.decimated += isinstance(instruction, Decimate)
        machine.hart.execute(instruction)


@dataclass
class Loop(Step):
    """A hardware loop: cv.setupi, number ``level`` (the inner one 0), around a body of at least 3."""

    level: int
    count: int
    body: list[Step]

    def lines(self) -> list[str]:
        """Return cv.setupi and the body."""
        body = [line for step in self.body for line in step.lines()]
        assert 3 <= len(body) <= 30
        # count in bits 31 to 20; the distance to the loop's end, in words, in bits 19 to 15
        setup = self.count << 20 | len(body) + 1 << 15 | 4 << 12 | 0b0110 << 8 | self.level << 7 | 0x2B
        return [f".word {setup:#010x}", *body]

    def run(self, machine: Machine) -> None:
        """Run the body ``count`` times."""
        machine.executed += 1
        for _ in range(self.count):
            for step in self.body:
                step.run(machine)


@dataclass
class Skip(Step):
    """A branch or jump over a body."""

    branch: str
    a: int
    b: int
    body: list[Step]

    def lines(self) -> list[str]:
        """Return the branch and the body."""
        operands = "" if self.branch == "j" else f"x{self.a}, x{self.b}, "
        return [f"{self.branch} {operands}1f", *(line for step in self.body for line in step.lines()), "1:"]

    def run(self, machine: Machine) -> None:
        """Run the body where the branch is not taken."""
        machine.executed += 1
        a, b = machine.hart.registers[self.a], machine.hart.registers[self.b]
        if not {"beq": a == b, "bne": a != b, "bltu": a < b, "j": True}[self.branch]:
            for step in self.body:
                step.run(machine)


@dataclass
class Log(Step):
    """Writes all registers of the pool and the counter to the log."""

    def lines(self) -> list[str]:
        """Return stores; reading the counter writes zero to it, so that it is written back."""
        stores = [f"sw x{register}, {4 * i}(x{LOG})" for i, register in enumerate(POOL)]
        read, restore = (Unit(FUNCT2_COUNTER, *r, 0, 0, ()).lines()[0] for r in ((SCRATCH, 0), (0, SCRATCH)))
        size = 4 * (len(POOL) + 1)
        return [read, *stores, f"sw x{SCRATCH}, {size - 4}(x{LOG})", restore, f"addi x{LOG}, x{LOG}, {size}"]

    def run(self, machine: Machine) -> None:
        """Append to the machine's log."""
        machine.executed += len(self.lines())
        machine.log += [machine.hart.registers[register] for register in POOL] + [machine.hart.counter]
