"""What a random program does, by Unicorn; what Unicorn does not know, by the instruction's own effect.

Unicorn is QEMU's RISC-V as a library, and shares nothing with the cores. Where an instruction has an effect
of its own, Unicorn finds a nop, and just before that the effect is applied. So exceptions take no handler,
and there are no interrupts: neither may change anything but what is counted.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.errors import ToolError

from ..system import MEMORY_BASE
from .program import CAUSES, DATA, LOG, RESULT_WORDS, STATE, TRAPS, Assembled, Instruction

MEMORY_BYTES = 4 << 20
NOP, SHORT_NOP = (0x13).to_bytes(4, "little"), (0x01).to_bytes(2, "little")
LIMIT = 1_000_000
"""Instructions after which a program is no program of ours."""

MIN, MINUS_ONE = 0x8000_0000, 0xFFFF_FFFF
CONDITIONAL = ("beq", "bne", "blt", "bge", "bltu", "bgeu", "c.beqz", "c.bnez")
DIVISIONS = ("div", "divu", "rem", "remu")


@dataclass(frozen=True)
class Expected:
    """What is there when a program has ended.

    Attributes
    ----------
    words:
        From STATE to the end of the log.
    executed:
        Instructions by mnemonic.
    cases:
        Executions of what a random program must not miss: each branch both ways, divisions by zero and their
        overflow, loads and stores off their alignment.
    logged:
        For each word of the log the instruction before the one that stored it.
    """

    words: npt.NDArray[np.uint32]
    executed: Counter[str]
    cases: Counter[str]
    logged: list[tuple[int, str]]


def execute(assembled: Assembled, save: int, data: bytes) -> Expected:
    """Return what a program does, with ``data`` at DATA and ``save`` as its register SAVE.

    Raises ToolError where Unicorn is not installed.
    """
    return _Model(assembled, save, data).run()


class _Model:
    """One run; also the ``Hart`` of the effects."""

    def __init__(self, assembled: Assembled, save: int, data: bytes) -> None:
        if importlib.util.find_spec("unicorn") is None:
            raise ToolError("unicorn, a model of RV32IMC, is not installed: pip install 'tileloom[verify]'")
        self.unicorn: Any = importlib.import_module("unicorn")
        unicorn, riscv_const = self.unicorn, importlib.import_module("unicorn.riscv_const")
        self.registers = [getattr(riscv_const, f"UC_RISCV_REG_X{index}") for index in range(32)]
        self.pc_register = riscv_const.UC_RISCV_REG_PC
        engine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        self.engine = engine
        engine.mem_map(MEMORY_BASE, MEMORY_BYTES)
        for address, segment in assembled.program.segments.items():
            engine.mem_write(address, segment)
        engine.mem_write(DATA, data)
        for address, instruction in assembled.instructions.items():
            if instruction.effect is not None:
                engine.mem_write(address, NOP if instruction.size == 4 else SHORT_NOP)
        engine.hook_add(unicorn.UC_HOOK_CODE, self._before)
        engine.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, self._access)
        self.instructions = assembled.instructions
        self.body, self.end = assembled.body, assembled.program.symbols["finish"]
        self.pc = 0
        self.loops = [(0, 0, 0), (0, 0, 0)]
        self.state: dict[str, Any] = {}
        self.executed: Counter[str] = Counter()
        self.cases: Counter[str] = Counter()
        self.logged: list[tuple[int, str]] = []
        self.traps = self.causes = 0
        self.last: tuple[int, Instruction] | None = None
        self.before_last: tuple[int, Instruction] | None = None
        self.raised: BaseException | None = None
        self.write(save, STATE)

    def run(self) -> Expected:
        """Execute the program and return what came of it."""
        try:
            self.engine.emu_start(self.body, self.end, count=LIMIT)
        except self.unicorn.UcError as error:
            raise AssertionError(f"Unicorn at {self.pc:#010x}, {self._name(self.pc)}: {error}") from None
        if self.raised is not None:
            raise self.raised
        assert self.engine.reg_read(self.pc_register) == self.end, f"no end after {LIMIT} instructions"
        assert self.loops == [(start, end, 0) for start, end, _ in self.loops], "ended within a hardware loop"
        words = np.frombuffer(self.engine.mem_read(STATE, 4 * RESULT_WORDS), "<u4").copy()
        words[:32] = [self.read(register) for register in range(32)]
        words[TRAPS], words[CAUSES] = self.traps, self.causes
        return Expected(words, self.executed, self.cases, self.logged)

    def read(self, register: int) -> int:
        """Return a register."""
        return int(self.engine.reg_read(self.registers[register]))

    def write(self, register: int, value: int) -> None:
        """Write a register modulo 2**32; x0 stays 0."""
        if register:
            self.engine.reg_write(self.registers[register], value & 0xFFFF_FFFF)

    def load(self, address: int, size: int) -> int:
        """Return ``size`` bytes as an unsigned number."""
        return int.from_bytes(self.engine.mem_read(address, size), "little")

    def store(self, address: int, size: int, value: int) -> None:
        """Write the low ``size`` bytes of a value."""
        self.engine.mem_write(address, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def trap(self, cause: int) -> None:
        """Take an exception."""
        self.traps += 1
        self.causes += cause

    def _name(self, address: int) -> str:
        instruction = self.instructions.get(address)
        return instruction.line if instruction is not None else "not in the program"

    def _before(self, engine: Any, address: int, size: int, _: object) -> None:
        """Count an instruction and apply its effect; Unicorn calls this before each."""
        try:
            self._step(address, size)
        except BaseException as error:
            self.raised = error
            engine.emu_stop()

    def _step(self, address: int, size: int) -> None:
        for number, (start, end, count) in enumerate(self.loops):
            if count and address == end:
                self.loops[number] = (start, end, count - 1)
                if count > 1:
                    self.engine.reg_write(self.pc_register, start)
                    return
        instruction = self.instructions[address]
        assert size == instruction.size, f"{instruction.line} at {address:#010x} has {size} bytes"
        self._see(address)
        self.pc, self.before_last, self.last = address, self.last, (address, instruction)
        self.executed[instruction.mnemonic] += 1
        if instruction.mnemonic in DIVISIONS:
            self._divides(instruction)
        if instruction.effect is not None:
            instruction.effect(self)

    def _see(self, address: int) -> None:
        """Count which way a branch went, now that the next instruction is known."""
        if self.last is not None and self.last[1].mnemonic in CONDITIONAL:
            taken = address != self.last[0] + self.last[1].size
            self.cases[f"{self.last[1].mnemonic} {'taken' if taken else 'not taken'}"] += 1

    def _divides(self, instruction: Instruction) -> None:
        _, a, b = (self.read(int(name.strip(" x"))) for name in instruction.operands.split(","))
        if b == 0:
            self.cases[f"{instruction.mnemonic} by zero"] += 1
        elif (a, b) == (MIN, MINUS_ONE) and not instruction.mnemonic.endswith("u"):
            self.cases[f"{instruction.mnemonic} overflow"] += 1

    def _access(self, engine: Any, kind: int, address: int, size: int, value: int, _: object) -> None:
        """Count and name a load or store; Unicorn calls this for each of its own."""
        assert self.last is not None
        if address % 4 + size > 4:
            self.cases[f"{self.last[1].mnemonic} over a word's end"] += 1
        if address == LOG + 4 * len(self.logged) and self.before_last is not None:
            at, before = self.before_last
            self.logged.append((at, before.line))
