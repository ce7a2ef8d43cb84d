"""Results in the order in which they leave the mesh, until an instruction takes them."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out


class ResultQueue(wiring.Component):
    """A queue of ``depth`` words of ``width`` bits; a word may leave in the cycle after it came.

    Members
    -------
    put, word:
        In: a word comes; never while the queue is full.
    take:
        In: the oldest word leaves; never while the queue is empty.
    clear:
        In: it is empty from the next cycle on; nothing comes or leaves in this one.
    oldest:
        Out: the oldest word.
    count:
        Out: words in it.
    """

    def __init__(self, width: int, depth: int) -> None:
        self.width = width
        self.depth = depth
        super().__init__(
            {
                "put": In(1),
                "word": In(width),
                "take": In(1),
                "clear": In(1),
                "oldest": Out(width),
                "count": Out(range(depth + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.words = words = memory.Memory(shape=self.width, depth=self.depth, init=[])
        write, read = words.write_port(), words.read_port(domain="comb")
        newest, oldest = (Signal(range(self.depth), name=f"{which}_place") for which in ("newest", "oldest"))
        m.d.comb += [
            write.addr.eq(newest),
            write.data.eq(self.word),
            write.en.eq(self.put),
            read.addr.eq(oldest),
            self.oldest.eq(read.data),
        ]
        m.d.sync += self.count.eq(self.count + self.put - self.take)
        for moves, place in ((self.put, newest), (self.take, oldest)):
            with m.If(moves):
                m.d.sync += place.eq(place + 1)
                with m.If(place == self.depth - 1):
                    m.d.sync += place.eq(0)
        with m.If(self.clear):
            m.d.sync += [newest.eq(0), oldest.eq(0), self.count.eq(0)]
        return m
