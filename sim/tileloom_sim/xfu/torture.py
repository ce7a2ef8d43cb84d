"""Random programs on a core with the unit: every other instruction does what it did, in as many cycles.

Of two programs one has xDecimate instructions among the others. All are run with single-cycle memory, wait
states and interrupts, and held to Unicorn and to the golden model (``riscv/torture``); those without are run
on the core as it is installed too, which must end in the same cycle with the same words.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tileloom import processes
from tileloom.cli.console import Sheet, step
from tileloom.errors import CheckError
from tileloom.families import design_name
from tileloom.xfu.config import XfuConfig, refuse_others

from ..riscv.run import Conditions, ProgramError, ProgramRun, Waits
from ..riscv.system import System
from ..riscv.torture import base
from ..riscv.torture.compare import CYCLES, DifferenceError, compare, run
from ..riscv.torture.corev import CoreV
from ..riscv.torture.generator import Extension, Generator
from ..riscv.torture.model import Expected, execute
from ..riscv.torture.program import DATA_BYTES, INTERRUPTS, Assembled
from .extension import Unit
from .hosts import plain_system, xfu_system

SEEDS = (1 << 31) - 1
"""The largest that is drawn."""

OTHERS = ("lui", "auipc", "jal", "jalr", "fence", "ecall", "ebreak")
SHORT = [name for name in (*base.SHORT, *base.STRUCTURES) if name[:2] == "c." and name != "c.illegal"]
GROUPS: dict[str, Sequence[str]] = {
    "RV32I": (*base.ALU, *base.IMMEDIATE, *base.SHIFT, *base.LOAD, *base.STORE, *base.BRANCH, *OTHERS),
    "M": base.MULTIPLY,
    "C": SHORT,
    "Zicsr, Zifencei": (*base.CSR, *(f"{name}i" for name in base.CSR), "fence.i"),
    "illegal": ("illegal", "c.illegal"),
    "CORE-V": (*CoreV.straight, *CoreV.structures),
}
"""Mnemonics by extension, as the report has them; what is left is xDecimate's."""


@dataclass
class Count:
    """What was run.

    Attributes
    ----------
    executed:
        Instructions of the model by mnemonic, once for each program.
    cases:
        As ``torture.model.Expected`` has them.
    programs, plain:
        All, and those that were run on the core without the unit too.
    runs, cycles, interrupts, instructions:
        On the core with the unit: runs, their cycles, interrupts taken, instructions compared.
    """

    executed: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    programs: int = 0
    plain: int = 0
    runs: int = 0
    cycles: int = 0
    interrupts: int = 0
    instructions: int = 0

    def add(self, other: Count) -> None:
        """Add what another has."""
        self.executed.update(other.executed)
        self.cases.update(other.cases)
        for name in ("programs", "plain", "runs", "cycles", "interrupts", "instructions"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Torture:
    """What came of random programs.

    Attributes
    ----------
    name, core, seed:
        Of the design; what it was run on; of the programs.
    count:
        What was compared.
    required:
        Mnemonics of which each must have been executed.
    """

    name: str
    core: str
    seed: int
    count: Count
    required: frozenset[str]

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Mnemonics by extension."""
        known = {name for names in GROUPS.values() for name in names}
        groups = {title: [n for n in names if n in self.required] for title, names in GROUPS.items()}
        groups["xDecimate"] = sorted(self.required - known)
        return {title: names for title, names in groups.items() if names}

    def sheets(self) -> list[Sheet]:
        """Return the tables for people."""
        executed, count = self.count.executed, self.count
        rows = []
        for title, names in self.groups.items():
            least = min(names, key=lambda name: executed[name])
            total = sum(executed[name] for name in names)
            rows.append((title, f"{len(names)}", f"{total:,}", f"{least}, {executed[least]:,}"))
        summary = [
            ("programs", f"{count.programs:,}"),
            ("runs, with waits and interrupts", f"{count.runs:,}"),
            ("instructions compared", f"{count.instructions:,}"),
            ("cycles", f"{count.cycles:,}"),
            ("interrupts taken", f"{count.interrupts:,}"),
            ("programs in as many cycles as without the unit", f"{count.plain:,}"),
        ]
        return [
            Sheet(f"{self.name} on {self.core}: random programs", ("", ""), summary),
            Sheet("Instructions", ("extension", "mnemonics", "executed", "least often"), rows),
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        count = self.count
        return {
            "name": self.name,
            "core": self.core,
            "seed": self.seed,
            "programs": count.programs,
            "programs_on_the_core_alone": count.plain,
            "runs": count.runs,
            "instructions": count.instructions,
            "cycles": count.cycles,
            "interrupts": count.interrupts,
            "executed": {name: count.executed[name] for names in self.groups.values() for name in names},
            "cases": dict(sorted(count.cases.items())),
        }

    def require(self) -> None:
        """Raise CheckError where an instruction was never executed."""
        missed = sorted(name for name in self.required if not self.count.executed[name])
        if missed:
            raise CheckError(f"{', '.join(missed)}: in no program")


def torture(config: XfuConfig, programs: int, seed: int) -> Torture:
    """Run random programs on the core with the unit, and compare all that they leave.

    Parameters
    ----------
    config:
        The unit, in a core.
    programs:
        How many.
    seed:
        Of the programs, their data, waits and interrupts.

    Raises
    ------
    CheckError
        Registers, memory, exceptions or cycles differ; the message says where, and replays it.
    ConfigError
        The unit has no host.
    ToolError
        The core, the compiler or Unicorn is not installed, or a tool fails.
    """
    refuse_others(config, "--programs")
    with_unit = xfu_system(config)
    plain = plain_system(with_unit.core)
    for system in (with_unit, plain):
        with step(f"Building {system.core}{'' if system is plain else ' with the unit'}"):
            system.build()
    count = Count()
    with (
        step(f"Running programs on {with_unit.core}") as shown,
        processes.threads(os.cpu_count() or 1) as pool,
    ):
        shown.show(total=programs)
        runs = [
            pool.submit(check_program, with_unit, plain, config, seed, index) for index in range(programs)
        ]
        for index, done in enumerate(runs):
            try:
                count.add(done.result())
            except (DifferenceError, ProgramError) as error:
                replay = f"--programs {index + 1} --seed {seed}"
                raise CheckError(f"program {index + 1}, {error}; replayed by {replay}") from None
            shown.show(f"{count.instructions:,} instructions", completed=index + 1)
    required = Generator(np.random.default_rng(0), extensions(with_unit, config, with_unit=True)).mnemonics
    if programs == 1:
        required -= set(Unit(config).straight)
    return Torture(design_name(config), with_unit.core, seed, count, frozenset(required))


def extensions(system: System, config: XfuConfig, *, with_unit: bool) -> list[Extension]:
    """Return what programs have beside RV32IMC."""
    found: list[Extension] = [CoreV()] if system.traits.xpulp else []
    return [*found, Unit(config)] if with_unit else found


@dataclass(frozen=True)
class Drawn:
    """A random program, its data, what it must leave, and under what it is run, by name."""

    assembled: Assembled
    data: bytes
    expected: Expected
    conditions: Mapping[str, Conditions]

    def run(self, system: System, name: str, mutant: int | None = None) -> ProgramRun:
        """Run it under one of the conditions; ``mutant`` as of ``run_program``.

        Raises DifferenceError where it leaves something else, ProgramError where it does not end.
        """
        conditions = self.conditions[name]
        found = run(system, self.assembled, self.data, conditions, mutant)
        compare(self.expected, found)
        interrupts = int(found.results[INTERRUPTS])
        if (interrupts > 0) != (conditions.interrupts is not None):
            raise DifferenceError(f"{interrupts} interrupts")
        return found


def drawn(system: System, config: XfuConfig, seed: int, index: int, *, with_unit: bool) -> Drawn:
    """Return a random program for a core, with or without the unit's instructions."""
    rng = np.random.default_rng([seed, index])
    program = Generator(rng, extensions(system, config, with_unit=with_unit)).program()
    data = rng.integers(256, size=DATA_BYTES, dtype=np.uint8).tobytes()
    assembled = program.assemble(system.core)
    expected = execute(assembled, program.save, data)
    limit = CYCLES * sum(expected.executed.values())
    return Drawn(assembled, data, expected, drawn_conditions(rng, limit))


def check_program(system: System, plain: System, config: XfuConfig, seed: int, index: int) -> Count:
    """Run one program under all conditions; every second has the unit's instructions.

    Raises DifferenceError or ProgramError that starts with the conditions.
    """
    with_unit = index % 2 == 1
    program = drawn(system, config, seed, index, with_unit=with_unit)
    expected = program.expected
    executed = sum(expected.executed.values())
    count = Count(expected.executed, expected.cases, programs=1, plain=int(not with_unit))
    for name, conditions in program.conditions.items():
        try:
            found = program.run(system, name)
            interrupts = int(found.results[INTERRUPTS])
            if not with_unit:
                alone = run(plain, program.assembled, program.data, conditions)
                if (alone.cycles, alone.results.tobytes()) != (found.cycles, found.results.tobytes()):
                    compare(expected, alone)
                    raise DifferenceError(f"{found.cycles} cycles, not {alone.cycles} as without the unit")
        except (DifferenceError, ProgramError) as error:
            raise DifferenceError(f"{name}: {error}") from None
        count.runs += 1
        count.cycles += found.cycles
        count.interrupts += interrupts
        count.instructions += executed
    return count


def drawn_conditions(rng: np.random.Generator, limit: int) -> dict[str, Conditions]:
    """Return what surrounds the core, by name."""

    def number(least: int, most: int) -> int:
        return int(rng.integers(least, most + 1))

    def slow() -> Conditions:
        instruction, data = (Waits(grant=number(0, 3), response=number(0, 3)) for _ in range(2))
        return Conditions(instruction_waits=instruction, data_waits=data, limit=limit)

    def interrupts(least: int, most: int) -> tuple[int, int]:
        return number(0, SEEDS), number(least, most)

    # From one interrupt to the next there must be time for the handler and a division, which an interrupt
    # begins anew: on CV32E40X about 125 and 40 cycles. With a mean of 60 a program stands still for ever.
    return {
        "single-cycle memory": Conditions(limit=limit),
        "wait states": slow(),
        "random wait states": replace(slow(), random_seed=number(0, SEEDS)),
        "interrupts": Conditions(interrupts=interrupts(120, 240), limit=limit),
        "random wait states and interrupts": replace(
            slow(), random_seed=number(0, SEEDS), interrupts=interrupts(400, 800)
        ),
    }
