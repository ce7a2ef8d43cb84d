"""Memories, each one module in Verilog, for a macro to take the place of.

Reads are synchronous and hold their word while not enabled. Contents are never reset.
"""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class SinglePort(wiring.Component):
    """A memory that reads or writes in a cycle.

    Ports: ``address``; ``write``, ``write_data``; ``read`` (in), ``read_data`` (out), the word of the address
    in the cycle of ``read``, from the next cycle on. ``write`` and ``read`` are never high together.
    """

    def __init__(self, words: int, bits: int) -> None:
        self.words, self.bits = words, bits
        super().__init__(
            {
                "address": In(ceil_log2(words)),
                "write": In(1),
                "write_data": In(bits),
                "read": In(1),
                "read_data": Out(bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        return _storage(self, self.address, self.address)


class TwoPort(wiring.Component):
    """A memory that reads and writes in a cycle, never at the same address.

    Ports as those of ``SinglePort``, with ``write_address`` and ``read_address``.
    """

    def __init__(self, words: int, bits: int) -> None:
        self.words, self.bits = words, bits
        super().__init__(
            {
                "write": In(1),
                "write_address": In(ceil_log2(words)),
                "write_data": In(bits),
                "read": In(1),
                "read_address": In(ceil_log2(words)),
                "read_data": Out(bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        return _storage(self, self.write_address, self.read_address)


def _storage(ports: SinglePort | TwoPort, write_address: Value, read_address: Value) -> Module:
    """Return the memory behind ``ports``, written and read at these addresses."""
    m = Module()
    m.submodules.words = words = memory.Memory(shape=ports.bits, depth=ports.words, init=[])
    write, read = words.write_port(), words.read_port()
    m.d.comb += [
        write.addr.eq(write_address),
        write.data.eq(ports.write_data),
        write.en.eq(ports.write),
        read.addr.eq(read_address),
        read.en.eq(ports.read),
        ports.read_data.eq(read.data),
    ]
    return m
