"""The drain: C tiles leave row by row, requantised if they are to be, while the next column is computed.

```
 half complete --> loops --[read]--> tile --> rows of it --> [Requantise] --> results
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..arith.pipeline import register
from ..arith.rounding import exact_specials
from ..hierarchy import add_shared
from ..stream import packet
from .accumulators import start_layout
from .config import Core, EngineConfig
from .core import sums_layout
from .feeder import header_layout
from .layouts import write_command
from .requantise import LATENCY, Requantise


def result_layout(config: EngineConfig) -> data.ArrayLayout:
    """Return the layout of a transfer of results: ``drain_rows`` rows of ``n``."""
    return data.ArrayLayout(config.result_bits, config.drain_rows * config.n)


class Drain(wiring.Component):
    """Carries out WRITE commands: ``drain_rows`` rows of C in a cycle.

    Ports
    -----
    commands:
        Stream in: an iteration of a WRITE, taken with its last row.
    c_full, c_take, c_give:
        In: the next half of the accumulators is complete. Out: it is; it is free.
    fresh:
        In, for each half: nothing was computed in it; with ``activation_mask`` for each of its tiles.
    header, header_take, header_half:
        In: a column's parameters, that it begins in this cycle, and in which half.
    starts:
        Out, for each half: what its column's sums start from. With requantisation the bias comes after them.
    read, half, tile, word:
        Out, in: as the ``drain`` ports of the accumulators.
    results:
        Stream out: rows of C; ``last`` ends a block column.
    busy:
        Out: something is on its way to ``results``.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "commands": In(stream.Signature(write_command(config))),
                "c_full": In(1),
                "c_take": Out(1),
                "c_give": Out(1),
                "fresh": In(data.ArrayLayout(config.acc_tiles if config.activation_mask else 1, 2)),
                "header": In(header_layout(config)),
                "header_take": In(1),
                "header_half": In(1),
                "starts": Out(data.ArrayLayout(start_layout(config), 2)),
                "read": Out(1),
                "half": Out(1),
                "tile": Out(ceil_log2(config.acc_tiles)),
                "word": In(sums_layout(config)),
                "results": Out(stream.Signature(packet(result_layout(config)))),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        command = self.commands.payload
        moving, stepping = Signal(), Signal()
        m.d.comb += [
            moving.eq(~self.results.valid | self.results.ready),
            stepping.eq(moving & self.commands.valid & self.c_full),
        ]

        # The loops: columns, rows of the image, groups of pixels in a row. A tile has several groups.
        groups = config.m // config.drain_rows
        x, y, column = (
            Signal.like(value, name=name)
            for value, name in ((command.width, "x"), (command.rows, "y"), (command.columns, "column"))
        )
        next_x, next_y = Signal(len(x) + 1), Signal.like(y, name="next_y")
        next_column = Signal.like(column)
        group = Signal(ceil_log2(groups))
        last_x, last_row, last_column = Signal(), Signal(), Signal()
        m.d.comb += [
            next_x.eq(x + config.drain_rows),
            next_y.eq(y + 1),
            next_column.eq(column + 1),
            last_x.eq(next_x >= command.width),
            last_row.eq(last_x & (next_y == command.rows)),
            last_column.eq(last_row & (next_column == command.columns)),
            self.read.eq(stepping & (group == 0)),
            self.c_take.eq(stepping & last_row),
            self.commands.ready.eq(stepping & last_column),
        ]
        with m.If(stepping):
            m.d.sync += [x.eq(next_x), group.eq(group + 1)]
            with m.If(last_x | (group == groups - 1)):
                m.d.sync += [group.eq(0), self.tile.eq(self.tile + 1)]
            with m.If(last_x):
                m.d.sync += [x.eq(0), y.eq(next_y)]
            with m.If(last_row):
                m.d.sync += [y.eq(0), self.tile.eq(0), self.half.eq(~self.half), column.eq(next_column)]
            with m.If(last_column):
                m.d.sync += column.eq(0)

        # What was read: its rows, one group after the other, or what they started from.
        row = Signal(
            data.StructLayout(
                {"valid": 1, "last": 1, "half": 1, "relu": 1, "group": len(group), "there": config.drain_rows}
            )
        )
        with m.If(moving):
            m.d.sync += [
                row.valid.eq(stepping),
                row.last.eq(last_row),
                row.half.eq(self.half),
                row.relu.eq(command.relu),
                row.group.eq(group),
                row.there.eq(Cat(x + index < command.width for index in range(config.drain_rows))),
            ]
        m.d.comb += self.c_give.eq(moving & row.valid & row.last)
        group_bits = result_rows_bits(config)
        rows = Value.cast(self.word).word_select(row.group, group_bits)
        start = Value.cast(Mux(row.half, Value.cast(self.starts[1]), Value.cast(self.starts[0])))
        fresh = self.fresh[row.half]
        if config.activation_mask:
            tile = Signal.like(self.tile, name="row_tile")
            with m.If(moving):
                m.d.sync += tile.eq(self.tile)
            fresh = fresh.bit_select(tile, 1)
        sums = Signal(data.ArrayLayout(config.sum_bits, config.drain_rows * config.n))
        m.d.comb += Value.cast(sums).eq(Mux(fresh, start.replicate(config.drain_rows), rows))

        headers = Signal(data.ArrayLayout(header_layout(config), 2), reset_less=True)
        for half in range(2):
            with m.If(self.header_take & (self.header_half == half)):
                m.d.sync += headers[half].eq(self.header)
        if not config.requantise:
            for start, words in zip(self.starts, headers, strict=True):
                for word, bias in zip(start, words, strict=True):
                    # A zero leaves as +0, whether anything was added to it or not.
                    exact = config.core is Core.SYSTOLIC
                    m.d.comb += word.eq(exact_specials(bias, config.accumulator) if exact else bias)
        header = Signal(header_layout(config))
        m.d.comb += Value.cast(header).eq(Mux(row.half, Value.cast(headers[1]), Value.cast(headers[0])))
        # Behind the multiplexers: the lanes' registers, or just the output's.
        latency = LATENCY if config.requantise else 1
        control = Cat(row.valid, row.last, row.relu, row.there)
        busy = row.valid
        relu = row.relu
        for stage in range(latency):
            relu = control[2]
            following = Signal.like(control, name=f"control_{stage}")
            with m.If(moving):
                m.d.sync += following.eq(control)
            control = following
            busy = busy | control[0]
        m.d.comb += [
            self.results.valid.eq(control[0]),
            self.results.payload.last.eq(control[1]),
            self.busy.eq(busy),
        ]
        for index in range(config.drain_rows * config.n):
            if config.requantise:
                lane = add_shared(m, platform, "requantise", f"lane_{index}", Requantise)
                m.d.comb += [
                    lane.enable.eq(moving),
                    lane.result.eq(sums[index]),
                    lane.parameters.eq(header[index % config.n]),
                    lane.relu.eq(relu),
                ]
                word = lane.q
            else:
                # The sign of an integer and of a float is in the same place.
                word = register(m, moving, Mux(relu & sums[index][-1], 0, sums[index]), f"word_{index}")
            there = control[3 + index // config.n] if config.drain_rows > 1 else 1
            m.d.comb += self.results.payload.data[index].eq(Mux(there, word, 0))
        return m


def result_rows_bits(config: EngineConfig) -> int:
    """Return the bits of the partial sums of the rows that leave in one cycle."""
    return config.drain_rows * config.n * config.sum_bits
