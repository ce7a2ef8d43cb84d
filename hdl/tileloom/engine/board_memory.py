"""A memory that an AXI4 master and a board's bus share, in block RAM.

```
 AR, R, AW, W, B <--> one burst at a time each way --.
                                                     +--> byte-wide memories, one read and one write port
 window "memory" <-----------------------------------'    (while no burst is under way)
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..board.decoder import DECERR
from .axi.signals import master_members
from .config import EngineConfig

BYTE = 8


class BoardMemory(wiring.Component):
    """A subordinate of AXI4 with bytes from address 0 on; a burst behind them is answered with DECERR.

    Bursts are INCR and of whole beats. A burst that runs over the end goes on at the beginning; the master
    cuts its bursts at 4 KiB, so that it has none with a memory of whole pages.

    Ports
    -----
    ar, r, aw, w, b:
        ``axi.signals.master_members``, the other way round. A beat a cycle each way.
    busy:
        Out: a burst is on offer or under way, and the bus keeps away.
    address, write, write_data, data:
        Of the window: a beat's number; a bit for each of its 32-bit words; a word for all of them; the beat
        whose number was there the cycle before.
    """

    def __init__(self, config: EngineConfig, size: int) -> None:
        self.config, self.size = config, size
        self.depth = size * BYTE // config.bus
        super().__init__(
            {
                **{name: member.flip() for name, member in master_members(config).items()},
                "busy": Out(1),
                "address": In(exact_log2(self.depth)),
                "write": In(config.bus // 32),
                "write_data": In(32),
                "data": Out(config.bus),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        bus, low = self.config.bus, exact_log2(self.config.bus // BYTE)
        high = low + exact_log2(self.depth)
        reads, writes, failed_read, failed_write = Signal(), Signal(), Signal(), Signal()
        left = Signal(8)
        # The address is where the pointer will be, so that data is that of the pointer.
        pointer, following = Signal(range(self.depth)), Signal(range(self.depth))
        place = Signal(range(self.depth))
        m.d.sync += pointer.eq(following)
        m.d.comb += [
            following.eq(pointer),
            self.ar.ready.eq(~reads),
            self.r.valid.eq(reads),
            self.r.payload.data.eq(self.data),
            self.r.payload.resp.eq(Mux(failed_read, DECERR, 0)),
            self.r.payload.last.eq(left == 0),
        ]
        with m.If(self.ar.valid & ~reads):
            m.d.comb += following.eq(self.ar.payload.addr[low:])
            m.d.sync += [
                reads.eq(1),
                left.eq(self.ar.payload.len),
                failed_read.eq(self.ar.payload.addr[high:].any()),
            ]
        with m.Elif(reads & self.r.ready):
            m.d.comb += following.eq(pointer + 1)
            m.d.sync += [left.eq(left - 1), reads.eq(left != 0)]

        writing = Signal()
        m.d.comb += [
            self.aw.ready.eq(~writes & ~self.b.valid),
            self.w.ready.eq(writes),
            self.b.payload.eq(Mux(failed_write, DECERR, 0)),
            writing.eq(self.w.valid & writes & ~failed_write),
        ]
        with m.If(self.b.ready):
            m.d.sync += self.b.valid.eq(0)
        with m.If(self.aw.valid & self.aw.ready):
            m.d.sync += [
                writes.eq(1),
                place.eq(self.aw.payload.addr[low:]),
                failed_write.eq(self.aw.payload.addr[high:].any()),
            ]
        with m.If(self.w.valid & writes):
            m.d.sync += place.eq(place + 1)
            with m.If(self.w.payload.last):
                m.d.sync += [writes.eq(0), self.b.valid.eq(1)]

        m.d.comb += self.busy.eq(reads | writes | self.b.valid | self.ar.valid | self.aw.valid | self.w.valid)
        strobes, words = Signal(bus // BYTE), Signal(bus)
        m.d.comb += [
            strobes.eq(Mux(writing, self.w.payload.strb, Cat(bit.replicate(4) for bit in self.write))),
            words.eq(Mux(writing, self.w.payload.data, self.write_data.replicate(bus // 32))),
        ]
        for byte in range(bus // BYTE):
            lane = memory.Memory(shape=BYTE, depth=self.depth, init=[])
            m.submodules[f"byte_{byte}"] = lane
            write, read = lane.write_port(), lane.read_port()
            m.d.comb += [
                write.en.eq(strobes[byte]),
                write.addr.eq(Mux(writing, place, self.address)),
                write.data.eq(words.word_select(byte, BYTE)),
                read.addr.eq(Mux(self.busy, following, self.address)),
                self.data.word_select(byte, BYTE).eq(read.data),
            ]
        return m
