"""Memories behind AXI4-Lite: each is an array of transfers, of any width, that are words to the bus.

```
 address   31..28      | ..                     | ..         | 1 0
           the window  | number of the transfer | its word   | 0 0
```

A transfer has as many words as it has 32 bits, the lowest first, and its addresses begin at a power of two.
What a block uses while it works cannot be reached then: an access is answered with SLVERR, and so is one to
what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2, exact_log2

from ..registers.axi_lite import AxiLite, channels
from .decoder import ADDRESS_BITS, REGION_BITS

WORD = 32


@dataclass(frozen=True)
class Window:
    """A memory that the bus reads or writes.

    Attributes
    ----------
    region:
        Bits 31 to 28 of its addresses.
    width:
        Bits of a transfer.
    depth:
        Transfers, a power of two, from 2.
    written, read:
        Whether the bus writes it, and reads it.
    """

    region: int
    width: int
    depth: int
    written: bool = False
    read: bool = False

    @property
    def words(self) -> int:
        """Words of a transfer."""
        return -(-self.width // WORD)

    @property
    def stride_bits(self) -> int:
        """Bits of an address that tell the words of a transfer apart."""
        return ceil_log2(self.words)


class Storage(wiring.Component):
    """The memory of a window: a write port for words, a read port for transfers, both synchronous.

    Ports: ``write`` (in), a bit for each word; ``write_address``, ``write_data``; ``read_address``,
    ``read_data``, a cycle later. A word is written in the cycle after it comes: a register stands before
    block RAM that is all over the FPGA. What is read in the cycle in which it is written is nothing to look
    at.
    """

    def __init__(self, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        super().__init__(
            {
                "write": In(-(-width // WORD)),
                "write_address": In(exact_log2(depth)),
                "write_data": In(width),
                "read_address": In(exact_log2(depth)),
                "read_data": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        comes = Signal.like(self.write, name="comes")
        place, data = (
            Signal.like(port, name=name, reset_less=True)
            for name, port in (("place", self.write_address), ("data", self.write_data))
        )
        m.d.sync += [comes.eq(self.write), place.eq(self.write_address), data.eq(self.write_data)]
        for word in range(len(self.write)):
            bits = slice(WORD * word, min(WORD * (word + 1), self.width))
            words = memory.Memory(shape=bits.stop - bits.start, depth=self.depth, init=[])
            m.submodules[f"words_{word}"] = words
            write, read = words.write_port(), words.read_port()
            m.d.comb += [
                write.en.eq(comes[word]),
                write.addr.eq(place),
                write.data.eq(data[bits]),
                read.addr.eq(self.read_address),
                self.read_data[bits].eq(read.data),
            ]
        return m


class Windows(wiring.Component):
    """Several windows as one subordinate.

    Parameters
    ----------
    windows:
        By name.

    Ports
    -----
    aw, w, b, ar, r:
        ``channels(ADDRESS_BITS)``. A write takes two cycles at best, a read three.
    busy:
        In: nothing but the description can be reached.
    NAME_address:
        Out, of a window: the transfer that is read or written, held for a cycle before a read is answered.
    NAME_write:
        Out, of one that is written: a bit for each word.
    write_data:
        Out, for all of them.
    NAME_data:
        In, of one that is read: the transfer whose address was there the cycle before.
    """

    def __init__(self, windows: Mapping[str, Window], *, always: str = "description") -> None:
        self.windows = dict(windows)
        self.always = always
        ports: dict[str, In | Out] = {"busy": In(1), "write_data": Out(WORD)}
        for name, window in self.windows.items():
            ports[f"{name}_address"] = Out(exact_log2(window.depth))
            if window.written:
                ports[f"{name}_write"] = Out(window.words)
            if window.read:
                ports[f"{name}_data"] = In(window.width)
        super().__init__({**channels(ADDRESS_BITS), **ports})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.axi = axi = AxiLite(ADDRESS_BITS)
        for name in ("aw", "w", "b", "r"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(axi, name))
        # A read is passed on when the memory has had a cycle.
        looked = Signal()
        m.d.sync += looked.eq(self.ar.valid & ~self.ar.ready)
        m.d.comb += [
            axi.ar.payload.eq(self.ar.payload),
            axi.ar.valid.eq(self.ar.valid & looked),
            self.ar.ready.eq(axi.ar.ready & looked),
            self.write_data.eq(axi.write_data),
        ]
        for name, window in self.windows.items():
            low, high = 2 + window.stride_bits, 2 + window.stride_bits + exact_log2(window.depth)

            def found(address: Value, high: int = high, name: str = name) -> Value:
                inside = ~address[high : 32 - REGION_BITS].any()
                return inside if name == self.always else inside & ~self.busy

            place = getattr(self, f"{name}_address")
            m.d.comb += place.eq(axi.read_address[low:high])
            if window.written:
                with m.If(axi.write):
                    m.d.comb += place.eq(axi.write_address[low:high])
                with m.If(axi.write_address[32 - REGION_BITS :] == window.region):
                    m.d.comb += axi.write_found.eq(found(axi.write_address))
                    for word in range(window.words):
                        write = axi.write & axi.write_found & (axi.write_address[2:low] == word)
                        m.d.comb += getattr(self, f"{name}_write")[word].eq(write)
            if window.read:
                with m.If(axi.read_address[32 - REGION_BITS :] == window.region):
                    padding = Const(0, WORD * window.words - window.width)
                    transfer = Cat(getattr(self, f"{name}_data"), padding)
                    m.d.comb += [
                        axi.read_found.eq(found(axi.read_address)),
                        axi.read_data.eq(transfer.word_select(axi.read_address[2:low], WORD)),
                    ]
        return m
