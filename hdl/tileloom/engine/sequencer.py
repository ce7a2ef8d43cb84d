"""The sequencer: every kept block, every tap of its kernel, every tile of the strip, a tile per cycle.

```
 tokens, commands --> loops --[read]--> A buffer --[core]--> core: take, valid
                        |                  tile, half, first, finish --> accumulators
                        '--> header_take, locks
```

The two registers behind the loops stand still while a tile that begins a block waits for the block. The loops
stand still with them, and where a column waits for its header or for a free half of the accumulators.
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .activations import fetch_signature
from .config import EngineConfig
from .core import Timing
from .layouts import conv_command, token_layout
from .tile_loops import MaskLoop, TileLoops, visit_layout


def step_layout(config: EngineConfig) -> data.StructLayout:
    """Return what goes with a tile to the accumulators.

    ``valid``, there is a tile: number ``tile`` of the strip, of accumulator half ``half``; ``first``, it is
    the first of its column there. ``finish``, with a tile or without: the half is complete after it.
    """
    return data.StructLayout(
        {"valid": 1, "tile": ceil_log2(config.acc_tiles), "half": 1, "first": 1, "finish": 1}
    )


class Sequencer(wiring.Component):
    """Carries out CONV commands.

    Parameters
    ----------
    config, timing:
        Of the engine and of its core.

    Ports
    -----
    commands, tokens:
        Streams in: a CONV; the walker's tokens. Taken with their last tile, a CONV with that of its last
        iteration.
    a_full, a_take, a_give:
        In: the next half of the A buffer is full. Out: it will not be read after this command; it is free.
    c_free, c_take:
        In: a half of the accumulators is free. Out: it is taken.
    header_ready, header_take, header_half:
        In: the next column's header is there. Out: it is taken over for this half of the accumulators.
    fetch:
        Out, to the A buffer: as in ``fetch_signature``.
    block_ready, take, last:
        In, out, to the core: as in ``core_signature``.
    reading, step:
        Out: the step of the tile whose words are being read, and whether they are read in this cycle; the
        step that goes to the core in this cycle.
    untouched:
        Out: for each half of the accumulators, that nothing was computed in it since it was taken; with
        ``activation_mask`` for each tile of each half.
    done, a_half:
        Out: a CONV ends in this cycle; the half of the A buffer that the next tile is in.
    """

    def __init__(self, config: EngineConfig, timing: Timing) -> None:
        self.config = config
        self.timing = timing
        super().__init__(
            {
                "commands": In(stream.Signature(conv_command(config))),
                "tokens": In(stream.Signature(token_layout(config))),
                "a_full": In(1),
                "a_take": Out(1),
                "a_give": Out(1),
                "c_free": In(1),
                "c_take": Out(1),
                "header_ready": In(1),
                "header_take": Out(1),
                "header_half": Out(1),
                "fetch": Out(fetch_signature(config)),
                "block_ready": In(1),
                "take": Out(1),
                "last": Out(1),
                "reading": Out(step_layout(config)),
                "step": Out(step_layout(config)),
                "untouched": Out(data.ArrayLayout(config.acc_tiles if config.activation_mask else 1, 2)),
                "done": Out(1),
                "a_half": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        command, token = self.commands.payload, self.tokens.payload

        # Where a column begins, a half of the accumulators and the header must be there.
        opened = Signal()
        half = Signal()
        a_half = self.a_half
        opening, may_open, may_read, first, enable, advance, computing = (
            Signal(name=name)
            for name in ("opening", "may_open", "may_read", "first", "enable", "advance", "computing")
        )
        visit = self._visit(m, computing)
        written = self._written(m, enable, computing & visit.begins, visit.tile, half)
        were_untouched, untouched, left_untouched = (
            Signal(self.untouched[0].shape(), name=name)
            for name in ("were_untouched", "now_untouched", "left_untouched")
        )
        m.d.comb += [
            opening.eq(token.first & ~opened),
            may_open.eq(~opening | (self.header_ready & (command.accumulate | self.c_free))),
            were_untouched.eq(self.untouched[half]),
            untouched.eq(were_untouched | (opening & ~command.accumulate).replicate(len(untouched))),
            advance.eq(enable & self.commands.valid & self.a_full & self.tokens.valid & may_open & may_read),
            computing.eq(advance & ~token.empty),
            may_read.eq(~visit.begins | first | written),
            self.header_take.eq(advance & opening),
            self.header_half.eq(half),
            self.c_take.eq(advance & opening & ~command.accumulate),
        ]

        # Without a mask all tiles are visited, and one bit stands for them.
        if self.config.activation_mask:
            visited = Signal.like(untouched, name="visited")
            m.d.comb += [
                visited.eq(computing << visit.tile),
                first.eq(untouched.bit_select(visit.tile, 1)),
                left_untouched.eq(untouched & ~visited),
            ]
        else:
            m.d.comb += [first.eq(untouched), left_untouched.eq(untouched & ~(computing & visit.ends))]

        token_done = Signal()
        column_done = Signal()
        done = self.done
        m.d.comb += [
            token_done.eq(advance & (token.empty | visit.done)),
            column_done.eq(token_done & token.last),
            done.eq(token_done & token.end),
            self.tokens.ready.eq(token_done),
            self.commands.ready.eq(token_done & token.final),
            self.a_take.eq(done & command.release),
        ]
        with m.If(advance):
            m.d.sync += [opened.eq(~column_done), self.untouched[half].eq(left_untouched)]
            with m.If(column_done & command.finish):
                m.d.sync += half.eq(~half)
            with m.If(self.a_take):
                m.d.sync += a_half.eq(~a_half)

        # The registers behind the loops: the read, then the core.
        reading, fetch = self.reading, self.fetch
        begin_read = Signal()
        last_read = Signal()
        release = Signal()
        blocks = Signal.like(command.blocks, name="blocks", reset_less=True)
        with m.If(enable):
            m.d.sync += [
                reading.valid.eq(computing),
                reading.tile.eq(visit.tile),
                reading.half.eq(half),
                reading.first.eq(first),
                reading.finish.eq(column_done & command.finish),
                begin_read.eq(visit.begins),
                last_read.eq(visit.ends),
                release.eq(self.a_take),
                fetch.half.eq(a_half),
                fetch.rotation.eq(visit.rotation),
                fetch.address.eq(visit.address),
                blocks.eq(command.blocks),
            ]
        m.d.comb += [
            fetch.wrapped.eq(fetch.address + blocks),
            fetch.valid.eq(enable & reading.valid),
            self.a_give.eq(enable & release),
        ]
        at_core = Signal.like(reading, name="at_core")
        begin_at_core = Signal()
        with m.If(enable):
            m.d.sync += [at_core.eq(reading), begin_at_core.eq(begin_read), self.last.eq(last_read)]
        m.d.comb += [
            enable.eq(~(at_core.valid & begin_at_core & ~self.block_ready)),
            self.take.eq(at_core.valid & begin_at_core & self.block_ready),
            self.step.eq(at_core),
            self.step.valid.eq(at_core.valid & enable),
            self.step.finish.eq(at_core.finish & enable),
        ]
        return m

    def _visit(self, m: Module, computing: Signal) -> data.View[data.StructLayout]:
        """Add what visits tiles, which goes on while ``computing``, and return the tile that is next."""
        command, token = self.commands.payload, self.tokens.payload
        m.submodules.tile_loops = loops = TileLoops(self.config)
        m.d.comb += [loops.command.eq(command), loops.token.eq(token)]
        if not self.config.activation_mask:
            m.d.comb += loops.step.eq(computing)
            return loops.visit
        m.submodules.mask_loop = masked = MaskLoop(self.config)
        visit = Signal(visit_layout(self.config))
        m.d.comb += [
            masked.command.eq(command),
            masked.token.eq(token),
            loops.step.eq(computing & ~command.masked),
            masked.step.eq(computing & command.masked),
            visit.eq(Mux(command.masked, masked.visit, loops.visit)),
            # A masked command leaves the loops at the first tap, whose rotation is that of all its tiles.
            visit.rotation.eq(loops.visit.rotation),
        ]
        return visit

    def _written(self, m: Module, enable: Signal, begins: Value, tile: Value, half: Value) -> Value:
        """Return whether the partial sums of a pass that begins now are written when they are read.

        There is nothing to count where a block takes longer to come in than that, and sums are read only when
        the block is there.
        """
        if self.config.activation_mask:
            # A tile may be the last of one block and the first of the next, which is there already.
            reading = self.reading
            return ~(reading.valid & (reading.tile == tile) & (reading.half == half))
        if self.timing.psum_delay and self.timing.hazard <= self.timing.block_interval:
            return Const(1, 1)
        left = Signal(range(self.timing.hazard), name="cycles_to_written")
        with m.If(begins):
            m.d.sync += left.eq(self.timing.hazard - 1)
        with m.Elif(enable & (left != 0)):
            m.d.sync += left.eq(left - 1)
        return left == 0
