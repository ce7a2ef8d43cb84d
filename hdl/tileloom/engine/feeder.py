"""The feeder: takes the stream of weights apart into the headers of columns and the blocks for the core."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import HEADER_BITS, EngineConfig
from .layouts import FEED_COMMAND, TOKEN
from .loops import Loops
from .requantise import parameters_layout


def header_layout(config: EngineConfig) -> data.ArrayLayout:
    """Return the layout of what is kept of a header: for each column its parameters, or just its bias."""
    if not config.requantise:
        return data.ArrayLayout(config.sum_bits, config.n)
    return data.ArrayLayout(parameters_layout(zero_point=config.result_zero_point), config.n)


class Feeder(wiring.Component):
    """Passes a beat in every cycle.

    Ports
    -----
    commands:
        Stream in: a CONV, taken with the last beat of its last iteration.
    tokens:
        Stream in: the walker's, each taken with its last beat.
    weights:
        Stream in: for a token that is ``first``, the beats of a header; unless it is ``empty``, those of a
        block's taps.
    blocks:
        Stream out: the beats of blocks.
    header, header_ready, header_take:
        Out: the next column's header, and that it is there. In: it is taken over in this cycle. Only while
        ``header_ready``.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        beats = stream.Signature(config.bus)
        super().__init__(
            {
                "commands": In(stream.Signature(FEED_COMMAND)),
                "tokens": In(stream.Signature(TOKEN)),
                "weights": In(beats),
                "blocks": Out(beats),
                "header": Out(header_layout(config)),
                "header_ready": Out(1),
                "header_take": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        command, token = self.commands.payload, self.tokens.payload
        active, header_done, in_header, taken, token_done = (
            Signal(name=name) for name in ("active", "header_done", "in_header", "taken", "token_done")
        )
        m.d.comb += [
            active.eq(self.commands.valid & self.tokens.valid),
            in_header.eq(token.first & ~header_done),
            self.blocks.payload.eq(self.weights.payload),
            self.blocks.valid.eq(active & ~in_header & self.weights.valid),
            self.weights.ready.eq(active & Mux(in_header, ~self.header_ready, self.blocks.ready)),
            taken.eq(self.weights.valid & self.weights.ready),
            self.tokens.ready.eq(active & token_done),
            self.commands.ready.eq(active & token_done & token.final),
        ]

        # A beat of a header, or of a tap; taps count in two loops, to multiply nothing.
        taps = {"dx": len(command.kernel_width), "dy": len(command.kernel_height)}
        m.submodules.taps = loops = Loops(taps)
        beat = Signal(range(max(config.header_beats, config.block_beats)))
        last_beat = Signal()
        m.d.comb += [
            last_beat.eq(beat == Mux(in_header, config.header_beats - 1, config.block_beats - 1)),
            loops.ends.dx.eq(command.kernel_width),
            loops.ends.dy.eq(command.kernel_height),
            loops.step.eq(taken & last_beat & ~in_header),
            token_done.eq(taken & last_beat & Mux(in_header, token.empty, loops.last.dy)),
        ]
        with m.If(taken):
            m.d.sync += beat.eq(Mux(last_beat, 0, beat + 1))
            with m.If(last_beat):
                m.d.sync += header_done.eq(~token_done)

        # The header: each beat brings the words of some columns.
        per_beat = config.bus // HEADER_BITS
        with m.If(taken & in_header):
            for column in range(config.n):
                word = self.weights.payload[column % per_beat * HEADER_BITS :]
                with m.If(beat == column // per_beat):
                    m.d.sync += Value.cast(self.header[column]).eq(word)
        with m.If(self.header_take):
            m.d.sync += self.header_ready.eq(0)
        with m.If(taken & in_header & last_beat):
            m.d.sync += self.header_ready.eq(1)
        return m
