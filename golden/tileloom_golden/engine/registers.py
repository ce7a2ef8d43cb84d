"""The engine's registers by ``docs/registers.md``: what software reads, and what its writes bring about."""

from dataclasses import dataclass, field

from ..registers import BUSY_CYCLES, CYCLES, STALLS_IN, STALLS_OUT, WORD, Registers

FAULT_ADDRESS_LOW, FAULT_ADDRESS_HIGH, PROGRAM_LOW, PROGRAM_HIGH = range(0x20, 0x30, 4)
BLOCKS_SKIPPED = 0x40
TILE, OPTIONS, BUS, A_BUFFER, BUFFERS = range(0x50, 0x64, 4)

ERROR, ROWS = 0b1, 0b110000
"""Bits of FAULT."""


@dataclass
class EngineRegisters(Registers):
    """The registers of an engine, and what it does that software sees.

    Attributes
    ----------
    address_bits:
        Of an address in memory.
    program, fault_address:
        The state; ``program`` without its lowest six bits.
    """

    counts: dict[int, int] = field(
        default_factory=lambda: dict.fromkeys((CYCLES, BUSY_CYCLES, STALLS_IN, STALLS_OUT, BLOCKS_SKIPPED), 0)
    )
    address_bits: int = 32
    program: int = 0
    fault_address: int = 0

    def own_words(self) -> dict[int, int]:
        """Return the words of the engine's own registers, by address."""
        words = {FAULT_ADDRESS_LOW: self.fault_address & WORD, PROGRAM_LOW: self.program & WORD}
        if self.address_bits > 32:
            words |= {FAULT_ADDRESS_HIGH: self.fault_address >> 32, PROGRAM_HIGH: self.program >> 32}
        return words

    def own_write(self, address: int, word: int) -> None:
        """Take a word into PROGRAM."""
        low, high = self.program & WORD, self.program >> 32
        if address == PROGRAM_LOW:
            low = word
        elif address == PROGRAM_HIGH:
            high = word
        self.program = (high << 32 | low) & ((1 << self.address_bits) - 1) & ~63

    def end(self, fault: int, address: int) -> None:
        """End a program with this fault; ``address`` says nothing without an error."""
        error = bool(fault & ERROR)
        self.fault = (fault if error else fault & ROWS) | (self.fault & ROWS)
        self.fault_address = address if error else 0
        self.ended()

    def reset_done(self) -> None:
        """End a soft reset."""
        super().reset_done()
        self.fault_address = 0
