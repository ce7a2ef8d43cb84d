"""The instructions of an array that is a functional unit, and how they are encoded. No Amaranth here.

R-type (RISC-V Unprivileged ISA, "Base Instruction Formats") on opcode custom-1 and funct3 7, which CV32E40P,
CV32E40X and xDecimate leave free; funct7 is the operation. A register that an operation does not use is x0.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..config import SystolicConfig

OPCODE = 0b0101011
"""custom-1 (RISC-V Unprivileged ISA, "RISC-V opcode map")."""

FUNCT3 = 7


class Operation(enum.IntEnum):
    """What an instruction does: its funct7."""

    STEP = 0
    READ = 1
    WEIGHT = 2
    STATUS = 3
    RESET = 4
    ACTIVATION = 5
    RESULT = 6
    MULTIPLY = 7
    SETTING = 8
    FIRST = 9
    NEXT = 10
    LAST = 11
    SUM = 12
    HOLD = 13
    HELD = 14


@dataclass(frozen=True)
class Form:
    """Which registers an operation uses, and its name in assembler."""

    name: str
    rd: bool
    rs1: bool
    rs2: bool

    @property
    def operands(self) -> tuple[str, ...]:
        """Names of the registers in assembler's order."""
        return tuple(name for name in ("rd", "rs1", "rs2") if getattr(self, name))


FORMS = {
    Operation.STEP: Form("tl.step", True, True, True),
    Operation.READ: Form("tl.read", True, False, True),
    Operation.WEIGHT: Form("tl.weight", False, True, False),
    Operation.STATUS: Form("tl.status", True, False, False),
    Operation.RESET: Form("tl.reset", False, True, False),
    Operation.ACTIVATION: Form("tl.activation", True, True, False),
    Operation.RESULT: Form("tl.result", False, True, False),
    Operation.MULTIPLY: Form("tl.multiply", True, True, True),
    Operation.SETTING: Form("tl.setting", True, True, True),
    Operation.FIRST: Form("tl.first", False, True, False),
    Operation.NEXT: Form("tl.next", False, True, False),
    Operation.LAST: Form("tl.last", True, True, False),
    Operation.SUM: Form("tl.sum", True, False, False),
    Operation.HOLD: Form("tl.hold", False, True, False),
    Operation.HELD: Form("tl.held", True, False, False),
}
"""Every operation's form."""

GENERATOR = frozenset({Operation.MULTIPLY, Operation.SETTING})
"""Those of an address generator."""

ACCUMULATORS = frozenset(
    {Operation.FIRST, Operation.NEXT, Operation.LAST, Operation.SUM, Operation.HOLD, Operation.HELD}
)
"""Those of a memory of partial sums."""


def forms(config: SystolicConfig) -> dict[Operation, Form]:
    """Return the forms of an array's operations."""
    left_out = (frozenset() if config.memory_bits else GENERATOR) | (
        frozenset() if config.accumulators else ACCUMULATORS
    )
    return {operation: form for operation, form in FORMS.items() if operation not in left_out}


class Setting(enum.IntEnum):
    """Number of a setting of the address generator."""

    WEIGHTS = 0
    VECTORS = 1
    X_STRIDE = 2
    Y_STRIDE = 3
    ERROR = 4


RESET_VECTORS, RESET_WEIGHTS, RESET_SUMS = 1, 2, 4
"""Bits of ``tl.reset``'s operand: the vector begun and all results; the words of weights begun; sums."""

STATUS = {"results": (0, 8), "steps": (8, 8), "weights": (16, 12), "complete": (28, 1)}
GENERATOR_STATUS = {"busy": (29, 1), "error": (30, 2)}
"""Fields of the status word, and those that an address generator has besides: lowest bit and width."""


def encode(operation: Operation, rd: int = 0, rs1: int = 0, rs2: int = 0) -> int:
    """Return the instruction word. Raises ValueError for a register that the operation does not use."""
    form = FORMS[operation]
    for name, register in (("rd", rd), ("rs1", rs1), ("rs2", rs2)):
        if not 0 <= register < 32:
            raise ValueError(f"{name}: must be from 0 to 31, not {register}")
        if register and not getattr(form, name):
            raise ValueError(f"{name}: {form.name} does not use it; leave it 0")
    return operation << 25 | rs2 << 20 | rs1 << 15 | FUNCT3 << 12 | rd << 7 | OPCODE


def encoding(config: SystolicConfig) -> dict[str, object]:
    """Return the manifest's account of the encoding."""
    known, status = forms(config), STATUS | (GENERATOR_STATUS if config.memory_bits else {})
    return {
        "format": "R",
        "opcode": OPCODE,
        "funct3": FUNCT3,
        "funct7": {form.name: int(operation) for operation, form in known.items()},
        "operands": {form.name: list(form.operands) for form in known.values()},
        "status": {name: [low, low + width - 1] for name, (low, width) in status.items()},
    }
