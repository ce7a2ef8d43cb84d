"""What a board says of itself: JSON in a memory that can always be read.

The host reads from it what was built, with which fields and sizes, so that it needs no file and mistakes no
board for another. ``Board`` is that text and the saved file beside the design, in one form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..errors import UserError
from .windows import WORD, Window

REGION = 0
"""Bits 31 to 28 of the description's addresses."""

BAUD = 1_000_000
"""Of the serial line: what every adapter can do, and a clock in whole megahertz divides into."""

REVISION = 1
"""Of the address map and of this text."""


@dataclass(frozen=True)
class Board:
    """A board with a block on it.

    Attributes
    ----------
    board:
        Its name.
    clock_hz:
        The block's clock, which the serial line's is derived from.
    divisor:
        Clock cycles of a bit on the serial line.
    family, config:
        The block: plain values, as a manifest has them.
    sizes:
        Of its memories, by name: what the family's ``board`` says.
    revision:
        ``REVISION`` of the generator that made it.
    """

    board: str
    clock_hz: int
    divisor: int
    family: str
    config: Mapping[str, Any]
    sizes: Mapping[str, int]
    revision: int = REVISION

    @property
    def text(self) -> str:
        """JSON in a line."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str, where: str) -> Board:
        """Return the board of a text. Raises UserError, which begins with ``where``, where it is none."""
        try:
            values = json.loads(text)
            found = cls(**values)
        except (ValueError, TypeError):
            raise UserError(f"{where}: is no description of a board") from None
        if found.revision != REVISION:
            raise UserError(
                f"{where}: is of revision {found.revision}, this Tileloom knows {REVISION}: build it anew"
            )
        return found

    @property
    def rom(self) -> bytes:
        """The text as it is in the memory: its length in a word, then its bytes, up to a whole word."""
        content = self.text.encode()
        return len(content).to_bytes(4, "little") + content + bytes(-len(content) % 4)

    @property
    def window(self) -> Window:
        """The window that the text is in."""
        return Window(REGION, WORD, max(2, 1 << ceil_log2(len(self.rom) // 4)), read=True)


class Description(wiring.Component):
    """The memory of a text. Ports: ``address`` (in), of words; ``data`` (out), a cycle later."""

    def __init__(self, board: Board) -> None:
        self.content, self.depth = board.rom, board.window.depth
        super().__init__({"address": In(ceil_log2(self.depth)), "data": Out(WORD)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        words = [
            int.from_bytes(self.content[place : place + 4], "little")
            for place in range(0, len(self.content), 4)
        ]
        m.submodules.words = rom = memory.Memory(shape=WORD, depth=self.depth, init=words)
        read = rom.read_port()
        m.d.comb += [read.addr.eq(self.address), self.data.eq(read.data)]
        return m
