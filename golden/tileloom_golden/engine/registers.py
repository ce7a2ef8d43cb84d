"""The engine's registers by ``docs/registers.md``: what software reads, and what its writes bring about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

OKAY, SLVERR = 0, 2

ID, VERSION, CONTROL, STATUS, INTERRUPT_ENABLE, INTERRUPT_STATUS, FAULT = range(0, 0x1C, 4)
FAULT_ADDRESS_LOW, FAULT_ADDRESS_HIGH, PROGRAM_LOW, PROGRAM_HIGH = range(0x20, 0x30, 4)
CYCLES, BUSY_CYCLES, STALLS_IN, STALLS_OUT, BLOCKS_SKIPPED = range(0x30, 0x44, 4)
TILE, OPTIONS, BUS, A_BUFFER, BUFFERS, FORMATS_IN, FORMATS_OUT = range(0x50, 0x6C, 4)

START, SOFT_RESET = 1, 2
BUSY, RESETTING = 1, 2
DONE, FAULTY, REFUSED = 1, 2, 4
ERROR, ROWS = 0b1, 0b110000
"""Bits of CONTROL, STATUS, INTERRUPT_STATUS and FAULT."""

_WORD = (1 << 32) - 1


@dataclass
class EngineRegisters:
    """The registers of an engine, and what it does that software sees.

    Attributes
    ----------
    built:
        Words of the registers that say how the engine was built, by address.
    address_bits:
        Of an address in memory.
    program, enable, events, fault, fault_address, busy, resetting:
        The state; ``program`` without its lowest six bits.
    """

    built: Mapping[int, int]
    address_bits: int = 32
    program: int = 0
    enable: int = 0
    events: int = 0
    fault: int = 0
    fault_address: int = 0
    busy: bool = False
    resetting: bool = False
    counts: dict[int, int] = field(
        default_factory=lambda: dict.fromkeys(range(CYCLES, BLOCKS_SKIPPED + 4, 4), 0)
    )

    @property
    def irq(self) -> bool:
        """Whether the interrupt is raised."""
        return bool(self.events & self.enable)

    def _words(self) -> dict[int, int]:
        words = {
            **self.built,
            CONTROL: 0,
            STATUS: self.busy * BUSY | self.resetting * RESETTING,
            INTERRUPT_ENABLE: self.enable,
            INTERRUPT_STATUS: self.events,
            FAULT: self.fault,
            FAULT_ADDRESS_LOW: self.fault_address & _WORD,
            PROGRAM_LOW: self.program & _WORD,
            **self.counts,
        }
        if self.address_bits > 32:
            words |= {FAULT_ADDRESS_HIGH: self.fault_address >> 32, PROGRAM_HIGH: self.program >> 32}
        return words

    def read(self, address: int) -> tuple[int, int]:
        """Return what a read gives: the word, 0 where there is no register, and the response."""
        word = self._words().get(address & ~3)
        return (0, SLVERR) if word is None else (word, OKAY)

    def write(self, address: int, data: int, strobe: int = 0b1111) -> int:
        """Carry out a write of the bytes that have a bit in ``strobe``; return the response.

        A start that is carried out makes it ``busy``, a soft reset ``resetting`` besides.
        """
        address &= ~3
        words = self._words()
        if address not in words:
            return SLVERR
        mask = sum(0xFF << 8 * byte for byte in range(4) if strobe >> byte & 1)
        ones, merged = data & mask, (words[address] & ~mask) | (data & mask)
        if address == CONTROL:
            self._control(ones)
        elif address == INTERRUPT_ENABLE:
            self.enable = merged & (DONE | FAULTY | REFUSED)
        elif address == INTERRUPT_STATUS:
            self.events &= ~ones
        elif address in (PROGRAM_LOW, PROGRAM_HIGH):
            low, high = self.program & _WORD, self.program >> 32
            low, high = (merged, high) if address == PROGRAM_LOW else (low, merged)
            self.program = (high << 32 | low) & ((1 << self.address_bits) - 1) & ~63
        return OKAY

    def _control(self, ones: int) -> None:
        if ones & START:
            if self.busy or ones & SOFT_RESET:
                self.events |= REFUSED
            else:
                self.busy = True
        if ones & SOFT_RESET:
            self.busy = self.resetting = True

    def end(self, fault: int, address: int) -> None:
        """End a program with this fault; ``address`` says nothing without an error."""
        error = bool(fault & ERROR)
        self.fault = (fault if error else fault & ROWS) | (self.fault & ROWS)
        self.fault_address = address if error else 0
        self.events |= DONE | (FAULTY if self.fault else 0)
        self.busy = False

    def reset_done(self) -> None:
        """End a soft reset."""
        self.fault = self.fault_address = 0
        self.busy = self.resetting = False
