"""The accumulators: two halves of C tiles, partial sums going to and from the core in one, the other drained.

```
 step of a tile --[psum_delay - 1]--> read, [1] --> first ? start : word --> psum
                --[latency]---------> write <------------------------------- results
```

Each half is a memory of one read and one write port; who owns the half uses both.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ..hierarchy import add_shared
from ..memories import TwoPort
from .config import EngineConfig
from .core import Timing, sums_layout
from .sequencer import step_layout


def sums_signature(config: EngineConfig) -> wiring.Signature:
    """Return the ports of what drains the accumulators.

    ``read`` (out), tile ``tile`` of ``half`` is read in this cycle; ``word`` (in), its sums, from the next
    cycle on until the next ``read``.
    """
    return wiring.Signature(
        {
            "read": Out(1),
            "half": Out(1),
            "tile": Out(ceil_log2(config.acc_tiles)),
            "word": In(sums_layout(config)),
        }
    )


class Accumulators(wiring.Component):
    """Keeps the partial sums of two block columns.

    Ports
    -----
    reading, read, step:
        In: the step whose A tile is being read, and whether it is read in this cycle; the step that goes to
        the core in this cycle.
    starts:
        In: for each half, what a sum starts from, ``n`` words. With requantisation there is no such port.
    psum, results:
        Out, in: as in ``core_signature``.
    finished:
        Out: a half is complete; its last tile is written in this cycle at the latest.
    drain:
        In: as in ``sums_signature``.
    """

    def __init__(self, config: EngineConfig, timing: Timing) -> None:
        self.config = config
        self.timing = timing
        tile = sums_layout(config)
        super().__init__(
            {
                "reading": In(step_layout(config)),
                "read": In(1),
                "step": In(step_layout(config)),
                **({} if config.requantise else {"starts": In(data.ArrayLayout(start_layout(config), 2))}),
                "psum": Out(tile),
                "results": In(tile),
                "finished": Out(1),
                "drain": In(sums_signature(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config, timing, drain = self.config, self.timing, self.drain
        bits = sums_layout(config).size

        # The step, each number of cycles after it went to the core.
        after = [self.step]
        for delay in range(1, timing.latency + 1):
            moved = Signal.like(self.step, name=f"step_{delay}")
            m.d.sync += moved.eq(after[-1])
            after.append(moved)
        if timing.psum_delay:
            reader, reads = after[timing.psum_delay - 1], after[timing.psum_delay - 1].valid
        else:
            reader, reads = self.reading, self.read
        writer = after[timing.latency]

        words = []
        for half in range(2):
            ram = add_shared(
                m, platform, "accumulator_memory", f"half_{half}", lambda: TwoPort(config.acc_tiles, bits)
            )
            core_reads, drain_reads = Signal(), Signal()
            m.d.comb += [
                core_reads.eq(reads & (reader.half == half)),
                drain_reads.eq(drain.read & (drain.half == half)),
                ram.read.eq(core_reads | drain_reads),
                ram.read_address.eq(Mux(core_reads, reader.tile, drain.tile)),
                ram.write.eq(writer.valid & (writer.half == half)),
                ram.write_address.eq(writer.tile),
                ram.write_data.eq(Value.cast(self.results)),
            ]
            words.append(ram.read_data)

        # What was read a cycle ago.
        user = self.step if timing.psum_delay == 0 else after[timing.psum_delay]
        word = Mux(user.half, words[1], words[0])
        start = chosen_start(config, self, user.half)
        m.d.comb += Value.cast(self.psum).eq(Mux(user.first, start.replicate(config.m), word))
        drained_half = Signal()
        with m.If(drain.read):
            m.d.sync += drained_half.eq(drain.half)
        m.d.comb += [
            Value.cast(drain.word).eq(Mux(drained_half, words[1], words[0])),
            self.finished.eq(writer.finish),
        ]
        return m


def start_layout(config: EngineConfig) -> data.ArrayLayout:
    """Return the layout of what a column's sums start from: a word for each of its ``n`` columns."""
    return data.ArrayLayout(config.sum_bits, config.n)


def chosen_start(config: EngineConfig, ports: Any, half: Value) -> Value:
    """Return what sums start from in ``half``: what ``ports.starts`` says, and 0 with requantisation."""
    if config.requantise:
        return Const(0, start_layout(config).size)
    return Mux(half, Value.cast(ports.starts[1]), Value.cast(ports.starts[0]))
