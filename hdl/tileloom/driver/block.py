"""A generated block by its registers, of any family, over any bus: opened, started, waited for, given up.

``docs/registers.md`` has what software does. A family's driver adds what its jobs are and what a fault means.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ..errors import TileloomError
from ..registers.table import WORD_BYTES, Field, Kind, Table
from .bus import Bus

CYCLES = 100_000_000
"""How many cycles of its clock a block is waited for, if nothing else is said."""

_WORD = (1 << 32) - 1


class BlockError(TileloomError):
    """There is no block, or another one; it is busy, or does not end."""


class FaultError(BlockError):
    """A job ended with a fault; its results are not to be used. A family's has what the block says."""


class Block:
    """A block with registers.

    Parameters
    ----------
    bus:
        Where its registers are.
    table:
        The register map of the design as it was built.
    base:
        The address of the first register.
    """

    def __init__(self, bus: Bus, table: Table, base: int = 0) -> None:
        self._bus = bus
        self._registers = {register.name: register for register in table.registers}
        self._base = base

    def open(self) -> None:
        """Check that the design is there, and leave it without interrupts and events; a job goes on.

        Raises BlockError that names the first field that is not as it was built.
        """
        for name, register in self._registers.items():
            word = self.read(name) if any(field.kind is Kind.CONSTANT for field in register.fields) else 0
            for field in register.fields:
                # The generator's version says nothing of the hardware.
                if field.kind is Kind.CONSTANT and name != "VERSION" and _value(field, word) != field.value:
                    raise BlockError(
                        f"{self._base + register.address:#x}: {name} is {word:#010x}, and {field.port} "
                        f"{_value(field, word):#x}, not {field.value:#x}: another design is there, or none"
                    )
        self.write("INTERRUPT_ENABLE", 0)
        self._clear()

    def read(self, name: str) -> int:
        """Return a register's word. Raises BusError."""
        (word,) = struct.unpack("<I", self._bus.read(self._address(name), WORD_BYTES))
        return int(word)

    def fields(self, name: str) -> dict[str, int]:
        """Read a register once, and return its fields."""
        word = self.read(name)
        return {
            field.port.removeprefix(f"{name}_".lower()): _value(field, word)
            for field in self._registers[name].fields
        }

    def write(self, name: str, word: int) -> None:
        """Write a register. Raises BusError."""
        self._bus.write(self._address(name), struct.pack("<I", word))

    def has(self, name: str) -> bool:
        """Return whether the design has a register."""
        return name in self._registers

    @property
    def busy(self) -> bool:
        """Whether a job or a soft reset is under way."""
        return bool(self.read("STATUS") & self.bit("STATUS", "busy"))

    def bit(self, name: str, field: str) -> int:
        """Return a word with a 1 in the lowest bit of a field."""
        port = f"{name}_{field}".lower()
        return next(1 << each.low for each in self._registers[name].fields if each.port == port)

    def begin(self) -> None:
        """Start what the family's registers say. Raises BlockError where the block is busy."""
        if self.busy:
            raise BlockError("the block is busy: wait for the job that is under way, or reset it")
        self._clear()
        self.write("CONTROL", self.bit("CONTROL", "start"))

    def wait(self, cycles: int = CYCLES) -> None:
        """Wait until the job that was started has ended.

        Raises FaultError where it ended with a fault, BlockError after ``cycles``, below 2^32, of the
        block's clock; it then goes on.
        """
        events = self._until("INTERRUPT_STATUS", "done", 1, cycles, "the job")
        self._clear()
        if events & self.bit("INTERRUPT_STATUS", "fault"):
            raise self.fault()

    def fault(self) -> FaultError:
        """Return what FAULT says. A family's driver says more."""
        return FaultError(f"the job ended with a fault: FAULT is {self.read('FAULT'):#x}")

    def reset(self, cycles: int = CYCLES) -> None:
        """Give up the job that is under way, if there is one; what it has written stays.

        Raises BlockError after ``cycles``: memory does not answer.
        """
        self.write("CONTROL", self.bit("CONTROL", "soft_reset"))
        self._until("STATUS", "resetting", 0, cycles, "the soft reset")
        self._clear()

    def counters(self) -> dict[str, int]:
        """Return the counters by name, ``busy_cycles`` and so on, each modulo 2^32."""
        return {
            name.lower(): self.read(name)
            for name, register in self._registers.items()
            if any(field.kind is Kind.COUNTER for field in register.fields)
        }

    def _until(self, name: str, field: str, value: int, cycles: int, what: str) -> int:
        """Return a register's word once a field of one bit has a value."""
        begun = self.read("CYCLES")
        while True:
            word = self.read(name)
            if bool(word & self.bit(name, field)) == value:
                return word
            if (self.read("CYCLES") - begun) & _WORD > cycles:
                raise BlockError(f"{what} has not ended after {cycles} cycles; STATUS {self.read('STATUS')}")

    def _clear(self) -> None:
        self.write("INTERRUPT_STATUS", _WORD)

    def _address(self, name: str) -> int:
        return self._base + self._registers[name].address


def difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return what counters have counted between two reads."""
    return {name: (after[name] - before[name]) & _WORD for name in after}


def _value(field: Field, word: int) -> int:
    return word >> field.low & (1 << field.width) - 1
