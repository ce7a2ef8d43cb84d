"""The registers that all families have (docs/registers.md): what software reads, and what its writes do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

OKAY, SLVERR = 0, 2

ID, VERSION, CONTROL, STATUS, INTERRUPT_ENABLE, INTERRUPT_STATUS, FAULT = range(0, 0x1C, 4)
CYCLES, BUSY_CYCLES, STALLS_IN, STALLS_OUT = range(0x30, 0x40, 4)
FORMATS_IN, FORMATS_OUT = 0x64, 0x68

START, SOFT_RESET = 1, 2
BUSY, RESETTING = 1, 2
DONE, FAULTY, REFUSED = 1, 2, 4
"""Bits of CONTROL, STATUS and INTERRUPT_STATUS."""

WORD = (1 << 32) - 1


@dataclass
class Registers:
    """The registers of a block, and what it does that software sees.

    Attributes
    ----------
    built:
        Words of the registers that say how the block was built, by address.
    enable, events, fault, busy, resetting, counts:
        The state; ``counts`` by address.
    """

    built: Mapping[int, int]
    enable: int = 0
    events: int = 0
    fault: int = 0
    busy: bool = False
    resetting: bool = False
    counts: dict[int, int] = field(default_factory=dict)

    @property
    def irq(self) -> bool:
        """Whether the interrupt is raised."""
        return bool(self.events & self.enable)

    def own_words(self) -> dict[int, int]:
        """Return the words of the family's own registers, by address."""
        raise NotImplementedError

    def own_write(self, address: int, word: int) -> None:
        """Take a word into one of the family's own registers, if it can be written."""
        raise NotImplementedError

    def may_start(self) -> bool:
        """Whether a start would be carried out, were it not busy."""
        return True

    def began(self) -> None:
        """Begin a job."""

    def _words(self) -> dict[int, int]:
        return {
            **self.built,
            CONTROL: 0,
            STATUS: self.busy * BUSY | self.resetting * RESETTING,
            INTERRUPT_ENABLE: self.enable,
            INTERRUPT_STATUS: self.events,
            FAULT: self.fault,
            **self.counts,
            **self.own_words(),
        }

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
        else:
            self.own_write(address, merged)
        return OKAY

    def _control(self, ones: int) -> None:
        if ones & START:
            if self.busy or ones & SOFT_RESET or not self.may_start():
                self.events |= REFUSED
            else:
                self.busy = True
                self.began()
        if ones & SOFT_RESET:
            self.busy = self.resetting = True

    def ended(self) -> None:
        """End a job, of which ``fault`` says how."""
        self.events |= DONE | (FAULTY if self.fault else 0)
        self.busy = False

    def reset_done(self) -> None:
        """End a soft reset."""
        self.fault = 0
        self.busy = self.resetting = False
