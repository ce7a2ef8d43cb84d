"""A memory tile: a column's activations, read from outside once and given to its engines as often as needed.

```
 activations -> [ half 0 | half 1 ] -> fork -> engines
                  one is filled, the other is read
```
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ...hierarchy import add_shared
from ...memories import TwoPort
from ...stream.queue import Queue
from ..config import EngineConfig
from ..dispatch import QUEUE
from ..layouts import SLOT_BITS
from ..loader import unit_layout
from ..repeat import Repeat


def tile_command(config: EngineConfig) -> data.StructLayout:
    """Return what a tile does: ``iterations`` strips of ``units``, each read ``passes`` times."""
    units = bits_for(config.grid_tile_words)
    return data.StructLayout({"iterations": SLOT_BITS, "passes": SLOT_BITS, "units": units})


class MemoryTile(wiring.Component):
    """Two halves of ``grid_tile_words`` units, each a bank of its own; they take turns, strip by strip.

    A unit goes in and one comes out in every cycle, two cycles behind at least: a strip is read while it is
    written, and the next is written while it is read. Ports: stream ``commands`` (in, ``tile_command``);
    streams ``incoming`` and ``outgoing``, units; ``idle`` (out), there is no command, and nothing to give.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        units = stream.Signature(unit_layout(config))
        super().__init__(
            {
                "commands": In(stream.Signature(tile_command(config))),
                "incoming": In(units),
                "outgoing": Out(units),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        words, layout = config.grid_tile_words, tile_command(config)
        # Writing and reading have the commands each for itself: writing is ahead by a strip.
        sides = {}
        for name in ("write", "read"):
            m.submodules[f"{name}_queue"] = queue = Queue(layout, QUEUE)
            m.submodules[f"{name}_repeat"] = repeat = Repeat(layout)
            wiring.connect(m, queue.outgoing, repeat.commands)
            m.d.comb += queue.incoming.payload.eq(self.commands.payload)
            sides[name] = queue, repeat.iterations
        (write_queue, write), (read_queue, read) = sides["write"], sides["read"]
        m.d.comb += [
            self.commands.ready.eq(write_queue.incoming.ready & read_queue.incoming.ready),
            write_queue.incoming.valid.eq(self.commands.valid & read_queue.incoming.ready),
            read_queue.incoming.valid.eq(self.commands.valid & write_queue.incoming.ready),
        ]

        # Of each half: units that are there; it is whole, and not to be written.
        levels = [Signal(range(words + 1), name=f"level_{half}") for half in range(2)]
        whole = Signal(2, name="whole")
        write_half, read_half = Signal(name="write_half"), Signal(name="read_half")
        level = Mux(write_half, levels[1], levels[0])
        available = Mux(read_half, levels[1], levels[0])
        writing, filled = Signal(name="writing"), Signal(name="filled")
        m.d.comb += [
            self.incoming.ready.eq(write.valid & ~whole.bit_select(write_half, 1)),
            writing.eq(self.incoming.valid & self.incoming.ready),
            filled.eq(writing & (level + 1 == write.payload.units)),
            write.ready.eq(filled),
        ]
        place, passed = Signal(range(words), name="place"), Signal(SLOT_BITS, name="passed")
        there, reading, last, done = (Signal(name=name) for name in ("there", "reading", "last", "done"))
        m.d.comb += [
            reading.eq(read.valid & (place < available) & (~there | self.outgoing.ready)),
            last.eq(reading & (place + 1 == read.payload.units)),
            done.eq(last & (passed + 1 == read.payload.passes)),
            read.ready.eq(done),
        ]
        with m.If(reading):
            m.d.sync += place.eq(place + 1)
        with m.If(last):
            m.d.sync += [place.eq(0), passed.eq(passed + 1)]
        with m.If(done):
            m.d.sync += [passed.eq(0), read_half.eq(~read_half)]
        with m.If(filled):
            m.d.sync += write_half.eq(~write_half)

        words_read = []
        for half in range(2):
            bank = add_shared(
                m, platform, "tile_memory", f"half_{half}", lambda: TwoPort(words, unit_layout(config).size)
            )
            mine, own = writing & (write_half == half), read_half == half
            m.d.comb += [
                bank.write.eq(mine),
                bank.write_address.eq(levels[half]),
                bank.write_data.eq(Value.cast(self.incoming.payload)),
                bank.read.eq(reading & own),
                bank.read_address.eq(place),
            ]
            words_read.append(bank.read_data)
            with m.If(mine):
                m.d.sync += levels[half].eq(levels[half] + 1)
            with m.If(filled & (write_half == half)):
                m.d.sync += whole[half].eq(1)
            with m.If(done & own):
                m.d.sync += [levels[half].eq(0), whole[half].eq(0)]

        # What was read stays at its bank's output until the next is read.
        shown = Signal(name="shown")
        with m.If(reading):
            m.d.sync += [there.eq(1), shown.eq(read_half)]
        with m.Elif(self.outgoing.ready):
            m.d.sync += there.eq(0)
        m.d.comb += [
            self.outgoing.valid.eq(there),
            Value.cast(self.outgoing.payload).eq(Mux(shown, words_read[1], words_read[0])),
            self.idle.eq(write_queue.empty & read_queue.empty & ~there),
        ]
        return m
