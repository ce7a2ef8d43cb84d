"""The sequencer: every kept block, every tap of its kernel, every tile of the strip, a tile per cycle.

```
 tokens, commands --> loops --[read]--> A buffer --[core]--> core: take, valid
                        |                  tile, half, fresh, finish --> accumulators
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

from .config import EngineConfig
from .core import Timing
from .layouts import TAP_BITS, address_bits, conv_command, tile_bits, token_layout
from .stepper import ColumnStepper


def step_layout(config: EngineConfig) -> data.StructLayout:
    """Return what goes with a tile to the accumulators.

    ``valid``, there is a tile: number ``tile`` of the strip, of accumulator half ``half``; ``fresh``, it is
    the first of its column there. ``finish``, with a tile or without: the half is complete after it.
    """
    return data.StructLayout(
        {"valid": 1, "tile": ceil_log2(config.acc_tiles), "half": 1, "fresh": 1, "finish": 1}
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
    read, read_half, rotation, address, wrapped:
        Out, to the A buffer.
    block_ready, take, last:
        In, out, to the core: as in ``core_signature``.
    reading, step:
        Out: the step of the tile whose words are being read, and whether they are read in this cycle; the
        step that goes to the core in this cycle.
    fresh:
        Out: for each half of the accumulators, that nothing was computed in it since it was taken; with
        ``activation_mask`` for each tile of each half.
    done, a_half:
        Out: a CONV ends in this cycle; the half of the A buffer that the next tile is in.
    """

    def __init__(self, config: EngineConfig, timing: Timing) -> None:
        self.config = config
        self.timing = timing
        address = address_bits(config)
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
                "read": Out(1),
                "read_half": Out(1),
                "rotation": Out(ceil_log2(config.m)),
                "address": Out(address),
                "wrapped": Out(address),
                "block_ready": In(1),
                "take": Out(1),
                "last": Out(1),
                "reading": Out(step_layout(config)),
                "step": Out(step_layout(config)),
                "fresh": Out(data.ArrayLayout(config.acc_tiles if config.activation_mask else 1, 2)),
                "done": Out(1),
                "a_half": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        command, token = self.commands.payload, self.tokens.payload

        # Where a column begins, a half of the accumulators and the header must be there.
        opened, half, a_half = Signal(), Signal(), self.a_half
        opening, may_open, may_read, fresh, moving, stepping = (
            Signal(name=name)
            for name in ("opening", "may_open", "may_read", "fresh_now", "moving", "stepping")
        )
        begins, last_tile, last_tap, tile, address, rotation = self._loops(m, stepping)
        written = self._written(m, moving, stepping & ~token.empty & begins, tile, half)
        computing = stepping & ~token.empty
        was_fresh, now_fresh, left_fresh = (
            Signal(self.fresh[0].shape(), name=name) for name in ("was_fresh", "now_fresh", "left_fresh")
        )
        m.d.comb += [
            opening.eq(token.first & ~opened),
            may_open.eq(~opening | (self.header_ready & (command.accumulate | self.c_free))),
            was_fresh.eq(self.fresh[half]),
            now_fresh.eq(was_fresh | (opening & ~command.accumulate).replicate(len(was_fresh))),
            stepping.eq(moving & self.commands.valid & self.a_full & self.tokens.valid & may_open & may_read),
            may_read.eq(~begins | fresh | written),
            self.header_take.eq(stepping & opening),
            self.header_half.eq(half),
            self.c_take.eq(stepping & opening & ~command.accumulate),
        ]

        # Without a mask all tiles are visited, and one bit stands for them.
        if self.config.activation_mask:
            visited = Signal.like(now_fresh, name="visited")
            m.d.comb += [
                visited.eq(computing << tile),
                fresh.eq(now_fresh.bit_select(tile, 1)),
                left_fresh.eq(now_fresh & ~visited),
            ]
        else:
            m.d.comb += [fresh.eq(now_fresh), left_fresh.eq(now_fresh & ~(computing & last_tile))]

        token_done, column_done, done = Signal(), Signal(), self.done
        m.d.comb += [
            token_done.eq(stepping & (token.empty | (last_tap & last_tile))),
            column_done.eq(token_done & token.last),
            done.eq(token_done & token.end),
            self.tokens.ready.eq(token_done),
            self.commands.ready.eq(token_done & token.final),
            self.a_take.eq(done & command.release),
        ]
        with m.If(stepping):
            m.d.sync += [opened.eq(~column_done), self.fresh[half].eq(left_fresh)]
            with m.If(column_done & command.finish):
                m.d.sync += half.eq(~half)
            with m.If(self.a_take):
                m.d.sync += a_half.eq(~a_half)

        # The registers behind the loops: the read, then the core.
        reading = self.reading
        begin_read, last_read, release = Signal(), Signal(), Signal()
        blocks = Signal.like(command.blocks, name="blocks", reset_less=True)
        with m.If(moving):
            m.d.sync += [
                reading.valid.eq(stepping & ~token.empty),
                reading.tile.eq(tile),
                reading.half.eq(half),
                reading.fresh.eq(fresh),
                reading.finish.eq(column_done & command.finish),
                begin_read.eq(begins),
                last_read.eq(last_tile),
                release.eq(self.a_take),
                self.read_half.eq(a_half),
                self.rotation.eq(rotation),
                self.address.eq(address),
                blocks.eq(command.blocks),
            ]
        m.d.comb += [
            self.wrapped.eq(self.address + blocks),
            self.read.eq(moving & reading.valid),
            self.a_give.eq(moving & release),
        ]
        at_core = Signal.like(reading, name="at_core")
        begin_at_core = Signal()
        with m.If(moving):
            m.d.sync += [at_core.eq(reading), begin_at_core.eq(begin_read), self.last.eq(last_read)]
        m.d.comb += [
            moving.eq(~(at_core.valid & begin_at_core & ~self.block_ready)),
            self.take.eq(at_core.valid & begin_at_core & self.block_ready),
            self.step.eq(at_core),
            self.step.valid.eq(at_core.valid & moving),
            self.step.finish.eq(at_core.finish & moving),
        ]
        return m

    def _loops(self, m: Module, stepping: Signal) -> tuple[Signal, ...]:
        """Build the loops over taps and tiles, all that count in them, and the address."""
        config = self.config
        command, token = self.commands.payload, self.tokens.payload
        bits = tile_bits(config)
        m.submodules.stepper = stepper = ColumnStepper(config)
        x, y = Signal(bits, name="x"), Signal(bits, name="y")
        dx, dy = Signal(TAP_BITS, name="dx"), Signal(TAP_BITS, name="dy")
        next_x, next_y, next_dx, next_dy = (
            Signal.like(value, name=f"next_{name}")
            for name, value in zip(["x", "y", "dx", "dy"], (x, y, dx, dy), strict=True)
        )
        tile = Signal(ceil_log2(config.acc_tiles), name="tile")
        # Of the tap's row and of the tile in the strip, both relative to the block's first word; of the row
        # of tiles.
        tap_row, place, line, next_line = (
            Signal(address_bits(config), name=name) for name in ("tap_row", "place", "line", "next_line")
        )
        address = Signal(address_bits(config), name="next_address")
        last_x, last_tile, last_dx, last_tap, computing, counting = (
            Signal(name=name)
            for name in ("last_x", "last_tile", "last_dx", "last_tap", "computing", "counting")
        )
        m.d.comb += [
            next_x.eq(x + 1),
            next_y.eq(y + 1),
            next_dx.eq(dx + 1),
            next_dy.eq(dy + 1),
            next_line.eq(line + command.line_pitch),
            last_x.eq(next_x == command.tiles),
            last_tile.eq(last_x & (next_y == command.rows)),
            last_dx.eq(next_dx == command.kernel_width),
            last_tap.eq(last_dx & (next_dy == command.kernel_height)),
            computing.eq(stepping & ~token.empty),
            counting.eq(computing & ~command.masked if config.activation_mask else computing),
            address.eq(token.row + tap_row + stepper.offset + place),
            stepper.stride.eq(command.stride),
            stepper.phase_pitch.eq(command.phase_pitch),
            stepper.blocks.eq(command.blocks),
            stepper.step.eq(counting & last_tile),
            stepper.restart.eq(counting & last_tile & last_dx),
        ]
        with m.If(counting):
            m.d.sync += [x.eq(Mux(last_x, 0, next_x)), tile.eq(tile + 1), place.eq(place + command.blocks)]
            with m.If(last_x):
                m.d.sync += [y.eq(next_y), line.eq(next_line), place.eq(next_line)]
            with m.If(last_tile):
                m.d.sync += [y.eq(0), tile.eq(0), line.eq(0), place.eq(0), dx.eq(Mux(last_dx, 0, next_dx))]
                with m.If(last_dx):
                    m.d.sync += [
                        dy.eq(Mux(last_tap, 0, next_dy)),
                        tap_row.eq(Mux(last_tap, 0, tap_row + command.row_pitch)),
                    ]
        begins = Signal(name="begins")
        m.d.comb += begins.eq((x == 0) & (y == 0))
        if not config.activation_mask:
            return begins, last_tile, last_tap, tile, address, stepper.bank
        return self._masked_loop(m, computing, begins, last_tile, last_tap, tile, address, stepper.bank)

    def _masked_loop(
        self,
        m: Module,
        computing: Signal,
        begins: Signal,
        last_tile: Signal,
        last_tap: Signal,
        tile: Signal,
        address: Signal,
        bank: Signal,
    ) -> tuple[Signal, ...]:
        """Build the loop over the tiles of a mask, lowest first; return what the loops do, or this one.

        A masked command has one tap and one row: its loops over those stand still.
        """
        command, token = self.commands.payload, self.tokens.payload
        begun, last = Signal(name="begun"), Signal(name="last_of_mask")
        left, now = Signal(len(token.mask), name="left"), Signal(len(token.mask), name="mask")
        lowest = Signal.like(tile, name="lowest")
        for index in reversed(range(len(now))):
            with m.If(now[index]):
                m.d.comb += lowest.eq(index)
        rest = now & (now - 1)[: len(now)]
        m.d.comb += [now.eq(Mux(begun, left, token.mask)), last.eq(rest == 0)]
        with m.If(computing & command.masked):
            m.d.sync += [begun.eq(~last), left.eq(rest)]
        chosen = [
            Signal.like(value, name=f"{value.name}_chosen")
            for value in (begins, last_tile, last_tap, tile, address)
        ]
        masked = (~begun, last, 1, lowest, token.row + lowest * command.blocks)
        for choice, plain, value in zip(
            chosen, (begins, last_tile, last_tap, tile, address), masked, strict=True
        ):
            m.d.comb += choice.eq(Mux(command.masked, value, plain))
        return (*chosen, bank)

    def _written(self, m: Module, moving: Signal, begins: Value, tile: Value, half: Value) -> Value:
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
        with m.Elif(moving & (left != 0)):
            m.d.sync += left.eq(left - 1)
        return left == 0
