"""The host's end of the serial line: reads and writes of a board's bus, whatever the line loses or damages.

Requests are as ``tileloom.serial.frames`` has them. Each is sent until its answer comes: one that is lost or
damaged either way costs time, nothing else. What an answer says was carried out was, and once.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Protocol

from tileloom.errors import TileloomError

from .bus import BusError

REQUEST_MARK, ANSWER_MARK = 0xA5, 0x5A
OPEN, READ, WRITE = range(3)
DONE, ERROR, CLOSED = range(3)
WORDS = 64

_HEADER = _CHECK = 4
"""Bytes of an answer before and behind its data."""


class Port(Protocol):
    """A serial port, as pyserial has it: what is read may be less than was asked for when time is up."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes."""

    def write(self, content: bytes, /) -> int | None:
        """Send bytes."""


class LinkError(TileloomError):
    """Nobody answers, or the board has been reset."""


class ResetError(LinkError):
    """The board has been reset: what was under way is lost."""


@dataclass
class Counts:
    """What the line was like: requests that were answered, sent again, and answers that were damaged."""

    answered: int = 0
    again: int = 0
    damaged: int = 0


class SerialBus:
    """Reads and writes over a serial line.

    Parameters
    ----------
    port:
        The serial port; its time-out is how long an answer may take, and should be more than a frame does.
    tries:
        How often a request is sent before nobody is there.
    sequence:
        The first sequence number, of which there are 256.
    """

    def __init__(self, port: Port, *, tries: int = 8, sequence: int = 0) -> None:
        self.counts = Counts()
        self._port = port
        self._tries = tries
        self._sequence = sequence

    def open(self) -> None:
        """Begin, after a reset. Raises LinkError where nobody answers."""
        self._ask(OPEN, 0, 0)

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes from an address, both whole words of four bytes.

        Raises LinkError where nobody answers or the board was reset, BusError where the bus answers with an
        error.
        """
        parts = []
        for begin in range(address, address + size, 4 * WORDS):
            words = min(WORDS, (address + size - begin) // 4)
            parts.append(self._ask(READ, begin, words))
        return b"".join(parts)

    def write(self, address: int, content: bytes) -> None:
        """Write bytes to an address, both whole words of four bytes. Raises as ``read``."""
        for begin in range(0, len(content), 4 * WORDS):
            part = content[begin : begin + 4 * WORDS]
            self._ask(WRITE, address + begin, len(part) // 4, part)

    def _ask(self, command: int, address: int, words: int, content: bytes = b"") -> bytes:
        """Return the data of the answer to a request, which is sent until there is one."""
        self._sequence = (self._sequence + 1) % 256
        body = struct.pack("<BBBI", self._sequence, command, words, address) + content
        frame = bytes([REQUEST_MARK]) + body + struct.pack("<I", zlib.crc32(body))
        expected = words if command == READ else 0
        for _ in range(self._tries):
            self._port.write(frame)
            answer = self._answer(expected)
            if answer is None:
                self.counts.again += 1
                continue
            self.counts.answered += 1
            status, data = answer
            if status == CLOSED:
                raise ResetError("the board was reset; what was under way is lost: open it, and begin anew")
            if status == ERROR:
                raise BusError(f"{address:#x}: one of {words} words from here was answered with an error")
            return data
        raise LinkError(f"no answer to {self._tries} requests; is the board programmed, and this its port?")

    def _answer(self, expected: int) -> tuple[int, bytes] | None:
        """Return status and data of the answer to the last request; None where none comes in time."""
        came = b""
        while True:
            came = came[came.index(ANSWER_MARK) :] if ANSWER_MARK in came else b""
            size = 2 * _CHECK
            if len(came) >= _HEADER:
                _, sequence, status, words = came[:_HEADER]
                if sequence != self._sequence or words not in (0, expected):
                    came = came[1:]  # no answer, or one to an earlier request
                    continue
                size += 4 * words
                if len(came) >= size:
                    body, check = came[1 : size - _CHECK], came[size - _CHECK : size]
                    if struct.pack("<I", zlib.crc32(body)) == check:
                        return status, body[_HEADER - 1 :]
                    self.counts.damaged += 1
                    came = came[1:]
                    continue
            more = self._port.read(size - len(came))
            if not more:
                return None
            came += more
