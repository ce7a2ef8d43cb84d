"""The block index walker: reads where B's blocks are ahead of the data and hands them out one per cycle.

The index has an entry per kept block, in the order of block columns, and one for each column that has none:
a block row, and whether the column ends with it. A block that is not kept is not there, and takes no cycle.

```
 index --> checks, counts columns --[register]--> tokens
```
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .layouts import INDEX, TOKEN, WALK_COMMAND


class Walker(wiring.Component):
    """Turns the index into tokens, one per cycle, one cycle later.

    Ports
    -----
    commands:
        Stream in: ``columns``, the block columns of an iteration, from 1; ``blocks``, the block rows that
        there are. Taken with the iteration's last entry; nothing is taken from the index before it is there.
    final:
        In: the iteration is its command's last.
    index:
        Stream in.
    tokens:
        Stream out: the entry's ``row`` and ``empty``; ``first`` and ``last`` of its column; ``end``, the last
        of the iteration; ``final``, the last of the command.
    column:
        Out: the token's block column, from 0, while ``tokens.valid``.
    fault:
        Out: bit 0, a row was not below ``blocks``; bit 1, a row was not above the one before it in its
        column. Both stay until reset. The token is as the entry says.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "commands": In(stream.Signature(WALK_COMMAND)),
                "final": In(1),
                "index": In(stream.Signature(INDEX)),
                "tokens": Out(stream.Signature(TOKEN)),
                "column": Out(WALK_COMMAND["columns"].shape),
                "fault": Out(2),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        command, entry, token = self.commands.payload, self.index.payload, self.tokens.payload
        column = Signal.like(self.column, name="entry_column")
        following = Signal.like(column)
        previous_row = Signal.like(entry.row, reset_less=True)
        first = Signal(init=1)
        free, taken, end = Signal(), Signal(), Signal()
        m.d.comb += [
            free.eq(~self.tokens.valid | self.tokens.ready),
            self.index.ready.eq(free & self.commands.valid),
            taken.eq(free & self.commands.valid & self.index.valid),
            following.eq(column + 1),
            end.eq(entry.last & (following == command.columns)),
            self.commands.ready.eq(free & self.index.valid & end),
        ]
        with m.If(free):
            m.d.sync += self.tokens.valid.eq(taken)
        with m.If(taken):
            m.d.sync += [
                token.row.eq(entry.row),
                token.empty.eq(entry.empty),
                token.first.eq(first),
                token.last.eq(entry.last),
                token.end.eq(end),
                token.final.eq(end & self.final),
                self.column.eq(column),
                first.eq(entry.last),
                previous_row.eq(entry.row),
            ]
            with m.If(entry.last):
                m.d.sync += column.eq(Mux(end, 0, following))
            with m.If(~entry.empty & (entry.row >= command.blocks)):
                m.d.sync += self.fault[0].eq(1)
            with m.If(~first & (entry.row <= previous_row)):
                m.d.sync += self.fault[1].eq(1)
        return m
