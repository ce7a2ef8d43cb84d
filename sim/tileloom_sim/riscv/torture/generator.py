"""Draws random programs: straight code, branches, jumps, calls, bounded loops, traps, extensions' own.

Every program executes every mnemonic at least once, outside of what a branch may skip. Operands are
adversarial: values at the edges, few registers that everything is written to, so that hazards are frequent,
and addresses of every alignment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from . import base
from .base import Draw
from .program import DATA, LOG, Instruction, Item, Label, RandomProgram, scratch

T = TypeVar("T")
WORD = 0xFFFF_FFFF
EDGES = (0, 1, 2, 3, WORD, WORD - 1, 0x8000_0000, 0x8000_0001, 0x7FFF_FFFF, 0xFFFF_8000, 0x7F80_807F)
SP, RA = 2, 1
SHORT = range(8, 16)
"""Registers that most compressed instructions have."""

BASES = (DATA + (1 << 18), DATA + (1 << 18) + (1 << 15))
"""Where base registers point when they are set; what moves them stays within DATA."""

STEPS = 400
"""Random steps of a program, beside one of each mnemonic."""

HOT = 4
"""Registers that are drawn most often."""

DIVISIONS = ("div", "divu", "rem", "remu")
CORNERS = ((0x8000_0000, WORD), (0x8000_0000, 0), (0x1234_5678, 0), (WORD, 0))
"""Dividends and divisors that have rules of their own."""


class Extension(Protocol):
    """Instructions beyond RV32IMC."""

    @property
    def straight(self) -> Mapping[str, Draw]:
        """Steps by mnemonic that may be anywhere, also in a loop."""

    @property
    def structures(self) -> Mapping[str, Draw]:
        """Steps by mnemonic that are not within another step."""

    def handler(self, scratch: tuple[int, int, int, int]) -> str:
        """Return what the trap handler executes of them, with four registers that it may change."""


class Generator:
    """Draws programs.

    Parameters
    ----------
    rng:
        Where all that is random comes from.
    extensions:
        What there is beside RV32IMC.
    """

    def __init__(self, rng: np.random.Generator, extensions: Sequence[Extension] = ()) -> None:
        self.rng = rng
        self.extensions = extensions
        self.extra: dict[str, Draw] = {}
        self.structures: dict[str, Draw] = dict(base.STRUCTURES)
        for extension in extensions:
            self.extra |= extension.straight
            self.structures |= extension.structures
        self.long: dict[str, Draw] = base.STRAIGHT | self.extra
        self.straight: dict[str, Draw] = self.long | base.SHORT
        self._labels = 0
        # sp has loads and stores of its own, and c.jal writes ra.
        registers = [int(r) for r in rng.permutation(32) if r not in (0, SP, RA)]
        self.log, self.short_base = (short := [r for r in registers if r in SHORT])[:2]
        registers = [r for r in registers if r not in short[:2]]
        self.save, other_base, *rest = registers
        self.bases = (SP, self.short_base, other_base)
        self.pool = [RA, *rest]
        self.hot = [short[2], *rest[: HOT - 1]] if short[2] in rest else rest[:HOT]

    @property
    def mnemonics(self) -> set[str]:
        """What every program executes."""
        return {*self.straight, *self.structures}

    def program(self) -> RandomProgram:
        """Return a program; a generator draws one only, as its registers are drawn once."""
        items = self.constant(self.log, LOG)
        for register in self.bases:
            items += self.set_base(register)
        for register in self.pool:
            items += self.constant(register, self.value())
        corners = [partial(Generator.division, name=name) for name in DIVISIONS]
        once = [*self.straight.values(), *self.structures.values(), *corners]
        steps = [*once, *([Generator.step] * STEPS)]
        for index, number in enumerate(self.rng.permutation(len(steps))):
            items += self.logged(steps[number](self))
            if index % 10 == 0:
                items += self.set_base(self.bases[index // 10 % 3])
        # Unicorn stops at the end before it could be seen that a hardware loop ends there.
        items.append(Instruction("addi", "x0, x0, 0"))
        used = scratch(self.save)
        handler = "".join(extension.handler(used) for extension in self.extensions)
        return RandomProgram(items, self.save, handler)

    def step(self) -> list[Item]:
        """Return one step of any kind."""
        kind = self.rng.random()
        if kind < 0.08:
            return self.constant(self.rd(zero=False), self.value())
        if kind < 0.20:
            return self.corner()
        if kind < 0.28:
            return self.loop()
        if kind < 0.32:
            return self.call()
        if kind < 0.45:
            return self.pick(list(self.structures.values()))(self)
        return self.instruction(self.straight)

    def instruction(self, among: Mapping[str, Draw]) -> list[Item]:
        """Return one instruction that may be anywhere; a third of them are of the extensions."""
        if self.extra and self.rng.random() < 0.33:
            among = self.extra
        return self.pick(list(among.values()))(self)

    def body(self, least: int, most: int, *, short: bool = True) -> list[Item]:
        """Return instructions that may be anywhere, some logged; ``short``: compressed ones too."""
        items: list[Item] = []
        for _ in range(self.rng.integers(least, most + 1)):
            step = self.instruction(self.straight if short else self.long)
            items += self.logged(step, short=short)
        return items

    def corner(self) -> list[Item]:
        """Return an instruction on two values at the edges, often the same."""
        a, b = self.rd(zero=False), self.rd(zero=False)
        value = self.pick(EDGES)
        items = self.constant(a, value) + self.constant(b, self.pick((value, *EDGES)))
        name = self.pick((*base.REGISTER, *base.BRANCH))
        return items + (base.branch if name in base.BRANCH else base.register_register)(self, name, a, b)

    def division(self, name: str) -> list[Item]:
        """Return a division in each of the cases that have rules of their own."""
        items: list[Item] = []
        for values in CORNERS:
            a, b = (int(r) for r in self.rng.permutation(self.pool)[:2])
            items += self.constant(a, values[0]) + self.constant(b, values[1])
            items += self.log_register(self.division_result(items, name, a, b))
        return items

    def division_result(self, items: list[Item], name: str, a: int, b: int) -> int:
        """Add ``name rd, a, b`` and return rd."""
        (made,) = base.register_register(self, name, a, b)
        items.append(made)
        return made.rd if isinstance(made, Instruction) else 0

    def loop(self) -> list[Item]:
        """Return a loop that is run a few times."""
        name = self.pick(("bne", "blt", "bltu", "c.bnez"))
        counter, label = self.short() if name == "c.bnez" else self.rd(zero=False), self.label()
        operands = {"bne": f"x{counter}, x0, ", "c.bnez": f"x{counter}, "}.get(name, f"x0, x{counter}, ")
        with self.without(counter):
            body = self.body(2, 8)
        return [
            Instruction("addi", f"x{counter}, x0, {self.rng.integers(1, 7)}"),
            Label(label),
            *body,
            self.pick(
                (Instruction("addi", f"x{counter}, x{counter}, -1"), Instruction("c.addi", f"x{counter}, -1"))
            ),
            Instruction(name, f"{operands}{label}"),
        ]

    def call(self) -> list[Item]:
        """Return a function that is jumped over, and a call of it, backwards."""
        name = self.pick(("jal", "c.jal"))
        link = RA if name == "c.jal" else self.rd(zero=False)
        function, behind = self.label(), self.label()
        with self.without(link):
            body = self.body(1, 6)
        back = self.pick((Instruction("jalr", f"x0, 0(x{link})"), Instruction("c.jr", f"x{link}")))
        call = Instruction(name, function if name == "c.jal" else f"x{link}, {function}", rd=link)
        return [Instruction("c.j", behind), Label(function), *body, back, Label(behind), call]

    def constant(self, register: int, value: int) -> list[Item]:
        """Return instructions that put a value into a register."""
        low = (value & 0xFFF ^ 0x800) - 0x800
        if value in (low, low + (1 << 32)):
            return [Instruction("addi", f"x{register}, x0, {low}")]
        upper = Instruction("lui", f"x{register}, {(value - low >> 12) & 0xFFFFF}")
        return [upper, Instruction("addi", f"x{register}, x{register}, {low}")] if low else [upper]

    def set_base(self, register: int) -> list[Item]:
        """Return instructions that point a base register at a place in DATA, of any alignment."""
        return self.constant(register, int(self.rng.integers(*BASES)))

    def logged(self, items: list[Item], *, short: bool = True) -> list[Item]:
        """Return the items, and half of the time what logs the last one's result, just behind it."""
        last = items[-1]
        if not isinstance(last, Instruction) or not last.rd or self.rng.random() < 0.5:
            return items
        return items + self.log_register(last.rd, short=short)

    def log_register(self, register: int, *, short: bool = True) -> list[Item]:
        """Return what stores a register in the log."""
        if short and register in SHORT and self.rng.random() < 0.5:
            return [
                Instruction("c.sw", f"x{register}, 0(x{self.log})"),
                Instruction("c.addi", f"x{self.log}, 4"),
            ]
        return [
            Instruction("sw", f"x{register}, 0(x{self.log})"),
            Instruction("addi", f"x{self.log}, x{self.log}, 4"),
        ]

    @contextmanager
    def without(self, *registers: int) -> Iterator[None]:
        """Draw none of these registers meanwhile."""
        pool, hot = self.pool, self.hot
        self.pool = [r for r in pool if r not in registers]
        self.hot = [r for r in hot if r not in registers]
        yield
        self.pool, self.hot = pool, hot

    def label(self) -> str:
        """Return the name of a new label."""
        self._labels += 1
        return f"l{self._labels}"

    def rd(self, *, zero: bool = True) -> int:
        """Return a register to write: few of them most of the time; ``zero``: x0 now and then."""
        kind = self.rng.random()
        if zero and kind < 0.04:
            return 0
        return self.pick(self.hot if kind < 0.75 else self.pool)

    def rs(self, *, zero: bool = True) -> int:
        """Return a register to read: as ``rd``, and now and then one that holds an address."""
        if self.rng.random() < 0.03:
            return self.pick((*self.bases, self.save, self.log))
        return self.rd(zero=zero)

    def short(self) -> int:
        """Return a register of most compressed instructions."""
        return self.pick([r for r in self.pool if r in SHORT])

    def immediate(self, bits: int) -> int:
        """Return a signed number, often at the edges."""
        half = 1 << bits - 1
        return self.pick(
            (0, 1, -1, half - 1, -half, *(int(self.rng.integers(-half, half)) for _ in range(6)))
        )

    def value(self) -> int:
        """Return a word: at the edges, a power of two or near one, or any."""
        kind = self.rng.random()
        if kind < 0.4:
            return self.pick(EDGES)
        if kind < 0.6:
            return (1 << int(self.rng.integers(32))) + int(self.rng.integers(-1, 2)) & WORD
        return int(self.rng.integers(1 << 32))

    def pick(self, among: Sequence[T]) -> T:
        """Return one of them."""
        return among[int(self.rng.integers(len(among)))]
