"""What a driver needs of a bus: reads and writes of whole words at addresses, one after the other.

``SerialBus`` is one, over a board's serial line; a simulation is another.
"""

from __future__ import annotations

from typing import Protocol

from ..errors import TileloomError


class BusError(TileloomError):
    """The bus answered an access with an error."""


class Bus(Protocol):
    """A bus of 32-bit words, little-endian.

    What ``write`` was given is there for all that is read, or started, after it. Addresses and sizes are in
    bytes, and whole words. Both raise BusError where an access is answered with an error.
    """

    def read(self, address: int, size: int, /) -> bytes:
        """Return ``size`` bytes from an address."""

    def write(self, address: int, content: bytes, /) -> None:
        """Write bytes to an address, the first word first."""
