"""Random programs for a RISC-V core with the xDecimate unit, and what they have to leave behind.

A program is generated while it is executed: every instruction is chosen, appended to the image and carried
out here, its xDecimate instructions by the golden hart. Branches go forward, over instructions that must not
be executed. Interrupts and failed loads are invisible to the program, because the handler saves and restores
what it uses, counter included, and goes back; illegal instructions are counted by the handler and skipped.
"""

from collections.abc import Callable

import numpy as np

from tileloom.xfu.instruction import encode_counter, encode_decimate
from tileloom_golden.xfu import xdecimate as golden
from xfu import assembler as asm

from .assembler import arithmetic
from .handler import BASE, DATA, END, ERROR_LINE, HANDLER, PROGRAM, RANDOM_LINE, RESULTS, SIZE, handler

# What registers are for: results and operands, bases and offsets, the data pointer. x16 up to x31 are the
# handler's.
GENERAL = (1, 2, 3, 4, 5, 6, 7, 15)
BASES, OFFSETS, POINTER = (8, 9), (10, 11, 12), 13
RETURNED = tuple(range(1, 16))


class Program:
    """An image to run, and the golden state at its end.

    Attributes
    ----------
    hart:
        Registers and counter.
    memory:
        All of it, at BASE.
    traps, faults:
        Illegal instructions, and loads that failed.
    results:
        Every xDecimate instruction's word and, if it has a register to go to, what it puts there.

    With ``fails``, loads of the addresses that it is true of fail, and no interrupt tells of them.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        sizes: tuple[int, ...] = (4, 8, 16),
        fails: Callable[[int], bool] | None = None,
    ) -> None:
        self.rng, self.sizes, self.fails = rng, sizes, fails
        self.memory = bytearray(rng.integers(0, 256, SIZE, dtype=np.uint8).tobytes())
        self.image = bytearray(self.memory)
        self.hart = golden.Hart(self._load_byte)
        self.at = PROGRAM
        self.traps = self.faults = self.decimates = self.swaps = 0
        self.results: list[tuple[int, int | None]] = []
        self.mscratch = 0
        self.last = 1
        self._place(HANDLER, handler())
        self._start()

    def _load_byte(self, address: int) -> int:
        if self.fails is not None and self.fails(address):
            raise golden.LoadError(address)
        return self.memory[address - BASE]

    def _place(self, address: int, words: list[int]) -> None:
        for index, word in enumerate(words):
            at = address - BASE + 4 * index
            self.image[at : at + 4] = self.memory[at : at + 4] = word.to_bytes(4, "little")

    def emit(self, *words: int) -> None:
        """Append instructions."""
        self._place(self.at, list(words))
        self.at += 4 * len(words)
        assert self.at < DATA - 0x1000, "the program is too long"

    def _start(self) -> None:
        self._place(BASE, [asm.jal(0, PROGRAM - BASE)])
        self.emit(*asm.constant(16, HANDLER), asm.csrrw(0, asm.MTVEC, 16))
        lines = 1 << RANDOM_LINE | (1 << ERROR_LINE if self.fails is None else 0)
        self.emit(*asm.constant(16, lines), asm.csrrw(0, asm.MIE, 16))
        for register in (23, 26, 27, 28, 21):
            self.emit(asm.addi(register, 0, 0))
        self.emit(asm.csrrw(0, asm.MSCRATCH, 0))
        for register in (*GENERAL, *OFFSETS):
            self.set(register, int(self.rng.integers(1 << 32)))
        for register in BASES:
            self.set(register, self._some_base())
        self.set(POINTER, DATA + 0x800)
        self.emit(asm.addi(16, 0, 8), asm.csrrs(0, asm.MSTATUS, 16))

    def _some_base(self) -> int:
        return DATA + int(self.rng.integers(0x1000 if self.rng.random() < 0.7 else 0x40000))

    def set(self, register: int, value: int) -> None:
        """Put a value into a register, by instructions."""
        self.emit(*asm.constant(register, value))
        self.hart.write(register, value)

    def finish(self) -> None:
        """Write registers and counter to RESULTS, and end."""
        self.emit(asm.csrrci(0, asm.MSTATUS, 8), *asm.constant(16, RESULTS))
        for index, register in enumerate((*RETURNED, 26, 27, 28)):
            self.emit(asm.sw(register, 16, 4 * index))
        self.emit(encode_counter(17, 0), asm.sw(17, 16, 4 * (len(RETURNED) + 3)))
        self.emit(asm.lui(16, END >> 12), asm.sw(0, 16, 0), asm.jal(0, 0))

    def random_instructions(self, count: int) -> None:
        """Append at least so many random xDecimate instructions, with others among them."""
        while self.decimates + self.swaps < count:
            kind = self.rng.random()
            if kind < 0.62:
                self._run_of_decimates()
            elif kind < 0.66:
                self._swap()
            elif kind < 0.69:
                self.illegal(self._bad_word())
            elif kind < 0.76:
                self._jump()
            elif kind < 0.80:
                self._move_base()
            else:
                rd = self.last if self.rng.random() < 0.4 else self._pick(GENERAL)
                self.other(self.OTHERS[int(self.rng.integers(len(self.OTHERS)))], rd)

    def decimate(self, size: int, rd: int, rs1: int, rs2: int) -> None:
        """Append an xdecimate, and carry it out."""
        self._execute(encode_decimate(size, rd, rs1, rs2), golden.Decimate(size, rd, rs1, rs2))
        self.decimates += 1

    def _execute(self, word: int, instruction: golden.Instruction) -> None:
        self.emit(word)
        try:
            self.hart.execute(instruction)
        except golden.LoadError:
            self.faults += 1
        rd = instruction.rd
        self.results.append((word, self.hart.registers[rd] if rd else None))

    def _pick(self, registers: tuple[int, ...]) -> int:
        return int(self.rng.choice(registers))

    def _run_of_decimates(self) -> None:
        rds = [self._pick(GENERAL) if self.rng.random() < 0.6 else self.last, self._pick((*GENERAL, 0))]
        size, base = self._pick(self.sizes), self._pick(BASES)
        offsets = self._pick(OFFSETS if self.rng.random() < 0.8 else (0, *GENERAL))
        for index in range(int(self.rng.integers(1, 9))):
            self.decimate(size, rds[index & 1], base, offsets)

    def _swap(self) -> None:
        rd, rs1 = self._pick((0, *GENERAL)), self._pick((0, 0, *GENERAL))
        self._execute(encode_counter(rd, rs1), golden.SwapCounter(rd, rs1))
        self.swaps += 1

    def _bad_word(self) -> int:
        """Return an encoding of ours that is no instruction."""
        rd = self._pick(GENERAL)
        size = self._pick(golden.GROUPS)
        if size not in self.sizes and self.rng.random() < 0.5:
            return encode_decimate(size, rd, *BASES)
        if self.rng.random() < 0.5:
            return encode_decimate(self._pick(self.sizes), rd, *BASES) ^ 1 << int(self.rng.integers(27, 32))
        return encode_counter(rd, 0) | 1 << int(self.rng.choice([*range(20, 25), *range(27, 32)]))

    def illegal(self, word: int) -> None:
        """Append an instruction that has to trap."""
        self.emit(word)
        self.traps += 1

    def _jump(self) -> None:
        skipped = int(self.rng.integers(1, 5))
        distance = 4 * (skipped + 1)
        if self.rng.random() < 0.2:
            taken = True
            self.emit(asm.jal(0, distance))
        else:
            a, b = self._pick(GENERAL), self._pick((0, *GENERAL))
            equal = self.hart.registers[a] == self.hart.registers[b]
            unequal = int(self.rng.integers(2))
            taken = equal != bool(unequal)
            self.emit(asm.branch(unequal, a, b, distance))
        if taken:
            for _ in range(skipped):
                self.emit(self._unreached())

    def _unreached(self) -> int:
        choice = self.rng.random()
        if choice < 0.6:
            return encode_decimate(self._pick(self.sizes), self._pick(GENERAL), *BASES)
        if choice < 0.8:
            return encode_counter(self._pick(GENERAL), self._pick(GENERAL))
        return self._bad_word()

    def _move_base(self) -> None:
        base = self._pick(BASES)
        if self.rng.random() < 0.3:
            self.set(base, self._some_base())
            return
        imm = int(self.rng.integers(-40, 40))
        value = self.hart.registers[base] + imm
        if DATA <= value < DATA + 0x40000:
            self.emit(asm.addi(base, base, imm))
            self.hart.write(base, value)

    # Kinds of the core's own instructions: those that write a register, and all.
    WRITERS = ("addi", *[f"op {index}" for index in range(12)], "load", "csr", "lui", "compressed")
    OTHERS = (*WRITERS, "load", "load", "store", "store", "fence")

    def other(self, kind: str, rd: int) -> None:
        """Append an instruction of the core's own, of ``WRITERS`` or ``OTHERS``, with random operands."""
        a, b = self._pick(GENERAL), self._pick((*GENERAL, *OFFSETS))
        x, y = self.hart.registers[a], self.hart.registers[b]
        imm = int(self.rng.integers(-0x400, 0x400))
        size = int(self.rng.choice([1, 2, 4]))
        at = self.hart.registers[POINTER] + imm - BASE
        if kind == "addi":
            self._write(rd, asm.addi(rd, a, imm), x + imm)
        elif kind.startswith("op "):
            funct7, funct3, value = arithmetic(x, y)[int(kind.removeprefix("op "))]
            self._write(rd, asm.op(funct7, funct3, rd, a, b), value)
        elif kind == "load":
            value = int.from_bytes(self.memory[at : at + size], "little")
            self._write(rd, asm.load({1: 4, 2: 5, 4: 2}[size], rd, POINTER, imm), value)
        elif kind == "csr":
            self._write(rd, asm.csrrw(rd, asm.MSCRATCH, a), self.mscratch)
            self.mscratch = x
        elif kind == "lui":
            self._write(rd, asm.lui(rd, y >> 12), y & 0xFFFFF000)
        elif kind == "compressed":
            # Two: c.addi rd, 5 and c.nop.
            self._write(rd, rd << 7 | 5 << 2 | 1 | 1 << 16, self.hart.registers[rd] + 5)
        elif kind == "store":
            self.emit(asm.store(size.bit_length() - 1, b, POINTER, imm))
            self.memory[at : at + size] = (y & (1 << 8 * size) - 1).to_bytes(size, "little")
        else:
            self.emit(asm.FENCE if self.rng.random() < 0.8 else asm.FENCE_I)

    def _write(self, rd: int, word: int, value: int) -> None:
        self.emit(word)
        self.hart.write(rd, value)
        self.last = rd
