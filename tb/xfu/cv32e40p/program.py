"""Random programs.

The few registers that everything is written to make hazards frequent: rd of an xDecimate is written just
before by loads, by the ALU, by multi-cycle instructions and by other xDecimates, and is read just after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tileloom.xfu.instruction import FUNCT2_COUNTER
from tileloom_golden.xfu.xdecimate import GROUPS

from .machine import Machine, arithmetic
from .steps import BASE_REGISTERS, POOL, TABLE, Log, Loop, Simple, Skip, Step, Unit

DATA = 0x8010_0000
DATA_BYTES = 1 << 20
BASES = (DATA + (1 << 16), DATA + (1 << 17))
"""Where base registers point, at first; 16 * 32767 bytes further on is still data."""

TABLE_WORDS = 64
"""Addresses in the table that the data starts with."""


class Generator:
    """Draws programs.

    Parameters
    ----------
    rng:
        Where all that is random comes from.
    built:
        The M of the unit.
    """

    def __init__(self, rng: np.random.Generator, built: Sequence[int] = GROUPS) -> None:
        self.rng = rng
        self.built = built

    def program(self, steps: int) -> list[Step]:
        """Return that many steps, with the log written between them."""
        program: list[Step] = [self.load_base(register) for register in BASE_REGISTERS]
        program += [self.load(register) for register in POOL]
        for index in range(steps):
            program += self.step()
            if index % 8 == 7:
                program.append(Log())
        return [*program, Log()]

    def step(self) -> list[Step]:
        """Return one step of any kind, or two."""
        kind = self.rng.random()
        if kind < 0.12:
            return [self.loop()]
        if kind < 0.24:
            return self.skip()
        if kind < 0.32:
            return [self.any_word()]
        if kind < 0.36:
            return [self.csr()]
        return [self.instruction()]

    def skip(self) -> list[Step]:
        """Return a branch; half of them between a load and an xDecimate of the same rd."""
        branch, a, b = self.pick(("beq", "bne", "bltu", "j")), self.pick(POOL), self.pick((*POOL, 0))
        body = [self.instruction() for _ in range(self.rng.integers(1, 4))]
        if self.rng.random() < 0.5:
            return [Skip(branch, a, b, body)]
        rd = self.pick(POOL)
        return [self.load(rd), Skip(branch, a, b, [self.decimate(rd), *body])]

    def loop(self) -> Step:
        """Return a hardware loop, in a quarter of the cases with one inside; an xDecimate often ends it."""
        if self.rng.random() < 0.25:
            inner = self.body(int(self.rng.integers(3, 6)), 0)
            before = [self.instruction() for _ in range(self.rng.integers(1, 3))]
            after = [self.instruction() for _ in range(self.rng.integers(2, 4))]
            return Loop(1, int(self.rng.integers(1, 5)), [*before, inner, *after])
        return self.body(int(self.rng.integers(3, 14)), int(self.rng.integers(0, 2)))

    def body(self, size: int, level: int) -> Loop:
        """Return a loop of ``size`` instructions."""
        body = [self.instruction() for _ in range(size)]
        if self.rng.random() < 0.6:
            body[-1] = self.decimate()
        return Loop(level, int(self.rng.integers(1, 9)), body)

    def instruction(self) -> Step:
        """Return one instruction that may be anywhere, in a hardware loop too."""
        kind = self.rng.random()
        if kind < 0.50:
            return self.decimate()
        if kind < 0.56:
            return self.swap()
        if kind < 0.70:
            return self.alu()
        if kind < 0.80:
            return self.load(self.pick(POOL))
        if kind < 0.84:
            return self.load_base(self.pick(BASE_REGISTERS))
        if kind < 0.90:
            return self.load_increment()
        return self.store()

    def decimate(self, rd: int | None = None) -> Step:
        """Return an xDecimate; a register that is not given often stays the same from one to the next."""
        rd = self.pick((10, 11, *POOL, 0)) if rd is None else rd
        funct2 = GROUPS.index(self.pick(self.built))
        return Unit(funct2, rd, self.pick(BASE_REGISTERS), self.pick((*POOL, 0)), rd, self.built)

    def swap(self) -> Step:
        """Return xdecimate.counter."""
        return Unit(FUNCT2_COUNTER, self.pick((*POOL, 0)), self.pick((*POOL, 0)), 0, 0, self.built)

    def any_word(self) -> Step:
        """Return a word with the unit's opcode and funct3: any, or one field away from a legal one."""
        step = self.decimate() if self.rng.random() < 0.5 else self.swap()
        assert isinstance(step, Unit)
        name = self.pick(("funct2", "rs2", "rs3", "rd"))
        setattr(step, name, int(self.rng.integers(4 if name == "funct2" else 32)))
        # What the program needs must stay, and what the golden model does not know must not be read.
        safe = step.rd in (*POOL, 0) and step.rs2 in (*POOL, 0)
        if not safe or (step.funct2 != FUNCT2_COUNTER and step.rs1 not in BASE_REGISTERS):
            step.rs3 = 2 if step.rd == 1 else 1
        return step

    def alu(self) -> Step:
        """Return an instruction between registers of the pool."""
        weights = {
            "add": 4,
            "sub": 2,
            "xor": 4,
            "mul": 2,
            "mulhu": 1,
            "divu": 0.3,
            "cv.max": 1,
            "cv.sdotsp.b": 2,
        }
        chances = np.array(list(weights.values()))
        name = str(self.rng.choice(list(weights), p=chances / chances.sum()))
        rd, a, b = (self.pick(POOL) for _ in range(3))

        def effect(machine: Machine) -> None:
            registers = machine.hart.registers
            machine.hart.write(rd, arithmetic(name, registers[a], registers[b], registers[rd]))

        return Simple(f"{name} x{rd}, x{a}, x{b}", effect)

    def load(self, rd: int) -> Step:
        """Return a load of any width, aligned or not."""
        name, size, is_signed = self.pick(
            (("lw", 4, True), ("lw", 4, True), ("lh", 2, True), ("lbu", 1, False), ("lb", 1, True))
        )
        base, offset = self.pick(BASE_REGISTERS), int(self.rng.integers(-64, 64))

        def effect(machine: Machine) -> None:
            address = machine.hart.registers[base] + offset
            machine.hart.write(rd, machine.load(address, size, is_signed=is_signed))

        return Simple(f"{name} x{rd}, {offset}(x{base})", effect)

    def load_base(self, rd: int) -> Step:
        """Return a load of a base register from the table of bases."""
        offset = 4 * int(self.rng.integers(TABLE_WORDS))

        def effect(machine: Machine) -> None:
            address = machine.hart.registers[TABLE] + offset
            machine.hart.write(rd, machine.load(address, 4, is_signed=False))

        return Simple(f"lw x{rd}, {offset}(x{TABLE})", effect)

    def load_increment(self) -> Step:
        """Return a load that adds to its base register."""
        rd, base, step = self.pick(POOL), self.pick(BASE_REGISTERS), int(self.rng.integers(-8, 9))

        def effect(machine: Machine) -> None:
            address = machine.hart.registers[base]
            machine.hart.write(base, address + step)
            machine.hart.write(rd, machine.load(address, 4, is_signed=True))

        return Simple(f"cv.lw x{rd}, (x{base}), {step}", effect)

    def store(self) -> Step:
        """Return a store of any width to where an xDecimate may load from."""
        name, size = self.pick((("sw", 4), ("sh", 2), ("sb", 1)))
        source, base, offset = self.pick(POOL), self.pick(BASE_REGISTERS), int(self.rng.integers(-64, 64))

        def effect(machine: Machine) -> None:
            registers = machine.hart.registers
            machine.store(registers[base] + offset, size, registers[source])

        return Simple(f"{name} x{source}, {offset}(x{base})", effect)

    def csr(self) -> Step:
        """Return an access to a CSR: one that flushes the pipeline, or one that does not."""
        rd = self.pick(POOL)
        if self.rng.random() < 0.5:
            return Simple("csrsi mstatus, 8", lambda machine: None)
        return Simple(f"csrr x{rd}, mhartid", lambda machine: machine.hart.write(rd, 0))

    def pick(self, items: Sequence[Any]) -> Any:
        """Return one of the items."""
        return items[int(self.rng.integers(len(items)))]
