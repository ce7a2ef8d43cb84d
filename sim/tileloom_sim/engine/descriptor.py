"""A descriptor of an AXI4 engine: 64 bytes, as ``docs/engine.md`` has it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tileloom.errors import UserError
from tileloom_golden.engine.grid import TO_COLUMNS
from tileloom_golden.engine.program import DESCRIPTOR_BYTES, SLOTS

PLACES = {
    "address": (24, 8),
    "step": (32, 4),
    "plane": (36, 4),
    "line": (40, 4),
    "run": (44, 4),
    "lines": (48, 2),
    "weight_bytes": (52, 4),
    "weights": (56, 8),
}
"""First byte and number of bytes of each field of a descriptor behind its command; all little-endian."""

OPCODE = 0b11
"""Of a command's first slot; 0 ends a program, or is for memory tiles."""

CONV = 2


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A command of a program in memory and where its data is: 64 bytes.

    Attributes
    ----------
    command:
        Its twelve slots of 16 bits. ``(0,) * 12``, the default, ends a program.
    address:
        Of LOAD and WRITE the first unit, of CONV the index.
    step, plane, line:
        LOAD and WRITE: bytes from an iteration to the next, from a channel block (WRITE: column) to the next,
        and from a run to the next.
    run:
        LOAD and WRITE: bytes of a run. CONV: bytes of the index, for an iteration.
    lines:
        LOAD and WRITE: runs in a channel block.
    weight_bytes, weights:
        CONV: bytes of weights, headers included, for an iteration, and their address.

    Raises
    ------
    UserError
        A value does not fit its field; the message names it.
    """

    command: tuple[int, ...] = (0,) * SLOTS
    address: int = 0
    step: int = 0
    plane: int = 0
    line: int = 0
    run: int = 0
    lines: int = 0
    weight_bytes: int = 0
    weights: int = 0

    def __post_init__(self) -> None:
        if len(self.command) != SLOTS:
            raise UserError(f"descriptor: command must have {SLOTS} slots, not {len(self.command)}")
        for index, slot in enumerate(self.command):
            _check_field(f"slot {index} of command", slot, 2)
        for name, (_, size) in PLACES.items():
            _check_field(name, getattr(self, name), size)

    @property
    def opcode(self) -> int:
        """What the command is: 0 ends the program or is for memory tiles, 1 LOAD, 2 CONV, 3 WRITE."""
        return self.command[0] & OPCODE

    @property
    def ends(self) -> bool:
        """Whether it ends the program: a memory tile's command is for some column of a grid."""
        return not self.opcode and not self.command[TO_COLUMNS]

    def to_bytes(self) -> bytes:
        """Return the descriptor as it is in memory."""
        content = bytearray(DESCRIPTOR_BYTES)
        for index, slot in enumerate(self.command):
            content[2 * index : 2 * index + 2] = slot.to_bytes(2, "little")
        for name, (start, size) in PLACES.items():
            content[start : start + size] = getattr(self, name).to_bytes(size, "little")
        return bytes(content)

    @classmethod
    def from_bytes(cls, content: bytes) -> Descriptor:
        """Return the descriptor that is in the first 64 bytes."""

        def word(start: int, size: int) -> int:
            return int.from_bytes(content[start : start + size], "little")

        command = tuple(word(2 * index, 2) for index in range(SLOTS))
        return cls(command=command, **{name: word(*place) for name, place in PLACES.items()})


assert {field.name for field in fields(Descriptor)} == {"command", *PLACES}


def _check_field(name: str, value: int, size: int) -> None:
    if not 0 <= value < 1 << 8 * size:
        raise UserError(f"descriptor: {name} must be from 0 to {(1 << 8 * size) - 1}, not {value}")
