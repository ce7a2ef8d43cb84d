"""The block index walker: reads where B's blocks are ahead of the data and hands them out one per cycle.

The index of B has a word per block column, the number of blocks kept in it, and a word per kept block, its
block row. Every column gives at least one entry, so that its results are written: one without blocks gives
one that is ``empty``.

```
 counts memory --> (word held)--.
                                 >-- entry --[register]--> entries
 rows memory ----> (word held)--'
```

The word that each memory's read register holds is the next one needed, and it is replaced in the cycle in
which it is used. What follows is therefore always there, at the end of a walk its first word again or the
first word of the walk after it, and no pattern of columns costs a cycle.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class Walker(wiring.Component):
    """Walks an index from beginning to end, a number of times.

    Parameters
    ----------
    columns:
        Words of the memory of counts.
    blocks:
        Words of the memory of rows.
    row_bits:
        Width of a block row.
    walk_bits:
        Width of the number of walks.

    Ports
    -----
    commands:
        Stream in: ``column`` and ``block``, the index's first word in each memory; ``columns``, the number of
        block columns less 1; ``walks``, the number of walks less 1.
    counts, rows:
        Read ports of the two memories, which answer after one cycle and hold the word while not enabled. A
        count has one bit more than the address of a block.
    entries:
        Stream out: ``column``, from 0; ``row``; ``empty``, there is no block and ``row`` means nothing;
        ``first`` and ``last`` of the column; ``end``, the last of the walk; ``final``, of the last walk. The
        first comes two cycles after its command was taken; from then on there is one in every cycle, over the
        ends of walks and, while commands wait, of commands.
    """

    def __init__(self, columns: int, blocks: int, *, row_bits: int, walk_bits: int) -> None:
        column_bits, block_bits = ceil_log2(columns), ceil_log2(blocks)
        command = data.StructLayout(
            {"column": column_bits, "columns": column_bits, "block": block_bits, "walks": walk_bits}
        )
        entry = data.StructLayout(
            {"column": column_bits, "row": row_bits, "empty": 1, "first": 1, "last": 1, "end": 1, "final": 1}
        )
        super().__init__(
            {
                "commands": In(stream.Signature(command)),
                "counts": In(memory.ReadPort.Signature(addr_width=column_bits, shape=block_bits + 1)),
                "rows": In(memory.ReadPort.Signature(addr_width=block_bits, shape=row_bits)),
                "entries": Out(stream.Signature(entry)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        new, entry = self.commands.payload, self.entries.payload
        command = Signal.like(new, name="command", reset_less=True)
        walking = Signal()
        # Where the memories' next words are, and which column and which of its blocks the held ones are.
        next_count = Signal.like(new.column, name="next_count", reset_less=True)
        next_row = Signal.like(new.block, name="next_row", reset_less=True)
        column = Signal.like(new.columns, name="column_index", reset_less=True)
        block = Signal.like(self.counts.data, name="block_index", reset_less=True)
        walks = Signal.like(new.walks, name="walks_left", reset_less=True)

        moving, empty, last, end, ending = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            moving.eq(walking & (~self.entries.valid | self.entries.ready)),
            empty.eq(self.counts.data == 0),
            last.eq(empty | (block + 1 == self.counts.data)),
            end.eq(last & (column == command.columns)),
            ending.eq(end & (walks == 0)),
            self.commands.ready.eq(~walking | (moving & ending)),
        ]

        # The words after the held ones: a command's first, a walk's first again, or the next.
        starting = Signal()
        m.d.comb += [
            starting.eq(self.commands.valid & self.commands.ready),
            self.counts.en.eq(starting | (moving & last)),
            self.counts.addr.eq(Mux(starting, new.column, Mux(end, command.column, next_count))),
            self.rows.en.eq(starting | (moving & (end | ~empty))),
            self.rows.addr.eq(Mux(starting, new.block, Mux(end, command.block, next_row))),
        ]
        with m.If(self.counts.en):
            m.d.sync += next_count.eq(self.counts.addr + 1)
        with m.If(self.rows.en):
            m.d.sync += next_row.eq(self.rows.addr + 1)

        with m.If(moving):
            m.d.sync += block.eq(block + 1)
            with m.If(last):
                m.d.sync += [block.eq(0), column.eq(column + 1)]
            with m.If(end):
                m.d.sync += [column.eq(0), walks.eq(walks - 1)]
                with m.If(ending):
                    m.d.sync += walking.eq(0)
        with m.If(starting):
            m.d.sync += [command.eq(new), walks.eq(new.walks), column.eq(0), block.eq(0), walking.eq(1)]

        with m.If(~self.entries.valid | self.entries.ready):
            m.d.sync += self.entries.valid.eq(walking)
        with m.If(moving):
            m.d.sync += [
                entry.column.eq(column),
                entry.row.eq(self.rows.data),
                entry.empty.eq(empty),
                entry.first.eq(block == 0),
                entry.last.eq(last),
                entry.end.eq(end),
                entry.final.eq(ending),
            ]
        return m
