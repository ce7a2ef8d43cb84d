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
from .accumulators import chosen_start, start_layout, sums_signature
from .config import Core, EngineConfig
from .feeder import header_layout
from .layouts import write_command
from .loops import Loops
from .requantise import LATENCY, Requantise


def row_layout(config: EngineConfig) -> data.StructLayout:
    """Return what goes with rows of C to ``results``.

    ``valid``, there are rows; ``last``, they end a block column; ``relu``, negative results become 0;
    ``there``, of each row that it is one, and not beyond the strip's edge.
    """
    return data.StructLayout({"valid": 1, "last": 1, "relu": 1, "there": config.drain_rows})


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
    untouched:
        In, for each half: nothing was computed in it; with ``activation_mask`` for each of its tiles.
    header, header_take, header_half:
        In: a column's parameters, that it begins in this cycle, and in which half.
    starts:
        Out, for each half: what its column's sums start from, the biases. With requantisation they come after
        the sums, which start from 0, and there is no such port.
    sums:
        Out, to the accumulators: as in ``sums_signature``.
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
                "untouched": In(data.ArrayLayout(config.acc_tiles if config.activation_mask else 1, 2)),
                "header": In(header_layout(config)),
                "header_take": In(1),
                "header_half": In(1),
                **({} if config.requantise else {"starts": Out(data.ArrayLayout(start_layout(config), 2))}),
                "sums": Out(sums_signature(config)),
                "results": Out(stream.Signature(packet(result_layout(config)))),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        command, tile, half = self.commands.payload, self.sums.tile, self.sums.half
        # The registers behind the loops stand still while a transfer waits, and the loops with them.
        enable, advance = Signal(name="enable"), Signal(name="advance")
        m.d.comb += [
            enable.eq(~self.results.valid | self.results.ready),
            advance.eq(enable & self.commands.valid & self.c_full),
        ]

        # The loops: groups of pixels in a row, rows of the image, columns. A tile has several groups.
        groups = config.m // config.drain_rows
        x = Signal.like(command.width, name="x")
        next_x = Signal(len(x) + 1)
        group = Signal(ceil_log2(groups))
        last_x = Signal()
        widths = {"y": len(command.rows), "column": len(command.columns)}
        m.submodules.loops = loops = Loops(widths)
        last_row = loops.last.y & last_x
        m.d.comb += [
            next_x.eq(x + config.drain_rows),
            last_x.eq(next_x >= command.width),
            loops.ends.y.eq(command.rows),
            loops.ends.column.eq(command.columns),
            loops.step.eq(advance & last_x),
            self.sums.read.eq(advance & (group == 0)),
            self.c_take.eq(advance & last_row),
            self.commands.ready.eq(advance & last_x & loops.last.column),
        ]
        with m.If(advance):
            m.d.sync += [x.eq(next_x), group.eq(group + 1)]
            with m.If(last_x | (group == groups - 1)):
                m.d.sync += [group.eq(0), tile.eq(tile + 1)]
            with m.If(last_x):
                m.d.sync += x.eq(0)
            with m.If(last_row):
                m.d.sync += [tile.eq(0), half.eq(~half)]

        # What was read: its rows, one group after the other, or what they started from.
        row = Signal(row_layout(config))
        row_half, row_group = Signal(name="row_half"), Signal.like(group, name="row_group")
        with m.If(enable):
            m.d.sync += [
                row.valid.eq(advance),
                row.last.eq(last_row),
                row.relu.eq(command.relu),
                row.there.eq(Cat(x + index < command.width for index in range(config.drain_rows))),
                row_half.eq(half),
                row_group.eq(group),
            ]
        m.d.comb += self.c_give.eq(enable & row.valid & row.last)
        sums = Signal(data.ArrayLayout(config.sum_bits, config.drain_rows * config.n))
        rows = Value.cast(self.sums.word).word_select(row_group, sums.shape().size)
        start = chosen_start(config, self, row_half)
        untouched = self.untouched[row_half]
        if config.activation_mask:
            row_tile = Signal.like(tile)
            with m.If(enable):
                m.d.sync += row_tile.eq(tile)
            untouched = untouched.bit_select(row_tile, 1)
        m.d.comb += Value.cast(sums).eq(Mux(untouched, start.replicate(config.drain_rows), rows))

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
        m.d.comb += Value.cast(header).eq(Mux(row_half, Value.cast(headers[1]), Value.cast(headers[0])))

        # Behind the multiplexers: the lanes' registers, or just the output's.
        on_the_way = [row]
        for stage in range(LATENCY if config.requantise else 1):
            following = Signal.like(row, name=f"row_{stage}")
            with m.If(enable):
                m.d.sync += following.eq(on_the_way[-1])
            on_the_way.append(following)
        leaving, relu = on_the_way[-1], on_the_way[-2].relu
        m.d.comb += [
            self.results.valid.eq(leaving.valid),
            self.results.payload.last.eq(leaving.last),
            self.busy.eq(Cat(row.valid for row in on_the_way).any()),
        ]
        for index in range(config.drain_rows * config.n):
            if config.requantise:
                lane = add_shared(
                    m,
                    platform,
                    "requantise",
                    f"lane_{index}",
                    lambda: Requantise(config.requantise_rounding, zero_point=config.result_zero_point),
                )
                m.d.comb += [
                    lane.enable.eq(enable),
                    lane.result.eq(sums[index]),
                    lane.parameters.eq(header[index % config.n]),
                    lane.relu.eq(relu),
                ]
                word = lane.q
            else:
                # The sign of an integer and of a float is in the same place.
                word = register(m, enable, Mux(relu & sums[index][-1], 0, sums[index]), f"word_{index}")
            there = leaving.there[index // config.n] if config.drain_rows > 1 else 1
            m.d.comb += self.results.payload.data[index].eq(Mux(there, word, 0))
        return m
