"""Partial sums beside the array, in the order in which a tile's results are added to them.

```
 put, word --> [ memory, one word written and one read a cycle ] --> oldest --> take
                                                        a cycle later
```
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...hierarchy import add_shared
from ...memories import TwoPort

MEMORY = "sums_memory"
"""Name of the memory's module, which a macro may take the place of."""


class SumQueue(wiring.Component):
    """A queue of ``depth`` words, two or more, of ``width`` bits, in a memory with synchronous reads.

    A word may leave in each cycle, and from the second cycle after it came.

    Members
    -------
    put, word:
        In: a word comes; never while the queue is full, but where one leaves in the same cycle.
    take:
        In: the oldest word leaves; only while ``there``.
    clear:
        In: it is empty from the next cycle on; nothing comes or leaves in this one.
    oldest, there:
        Out: the oldest word, and whether it has been read. With a word in the queue it has been within a
        cycle.
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
                "there": Out(1),
                "count": Out(range(depth + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        memory = add_shared(m, platform, MEMORY, "storage", lambda: TwoPort(self.depth, self.width))
        newest, oldest, next_oldest = (
            Signal(range(self.depth), name=name) for name in ("newest", "oldest_place", "next_oldest")
        )
        left = Signal()  # a word that came in an earlier cycle, once one leaves in this
        m.d.comb += [
            next_oldest.eq(Mux(self.take, self._after(oldest), oldest)),
            left.eq(self.count != self.take),
            memory.write.eq(self.put),
            memory.write_address.eq(newest),
            memory.write_data.eq(self.word),
            # It holds its word while nothing is read.
            memory.read.eq(left & (self.take | ~self.there)),
            memory.read_address.eq(next_oldest),
            self.oldest.eq(memory.read_data),
        ]
        m.d.sync += [
            self.there.eq(left),
            oldest.eq(next_oldest),
            self.count.eq(self.count + self.put - self.take),
        ]
        with m.If(self.put):
            m.d.sync += newest.eq(self._after(newest))
        with m.If(self.clear):
            m.d.sync += [newest.eq(0), oldest.eq(0), self.count.eq(0), self.there.eq(0)]
        return m

    def _after(self, place: Signal) -> Mux:
        return Mux(place == self.depth - 1, 0, place + 1)
