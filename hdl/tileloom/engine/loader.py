"""The loader: writes a strip into the A buffer with its padding, one unit in every cycle."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .config import EngineConfig
from .layouts import address_bits, count_bits, load_command
from .loops import Loops
from .stepper import ColumnStepper


def unit_layout(config: EngineConfig) -> data.ArrayLayout:
    """Return the layout of a unit: ``k`` activations of one pixel."""
    return data.ArrayLayout(config.element_bits, config.k)


def fill_signature(config: EngineConfig) -> wiring.Signature:
    """Return the ports of what fills the A buffer.

    ``valid``, ``unit`` is written in this cycle; ``half``, ``bank``, ``address``, where to.
    """
    return wiring.Signature(
        {
            "valid": Out(1),
            "half": Out(1),
            "bank": Out(ceil_log2(config.m)),
            "address": Out(address_bits(config)),
            "unit": Out(unit_layout(config)),
        }
    )


class Loader(wiring.Component):
    """Walks channel blocks, rows and columns of a strip, and takes a unit for each that is no padding.

    Ports
    -----
    commands:
        Stream in: an iteration of a LOAD, taken with its last unit.
    half_free:
        In: a half of the buffer is free.
    take, give:
        Out: the free half is taken, in the cycle before the first unit at the earliest; the half is full, in
        the cycle of its last unit.
    activations:
        Stream in: units, all columns of a row, all rows of a channel block, all channel blocks.
    fill:
        Out: units for the buffer, as in ``fill_signature``.
    x, block, block_done:
        Out: the unit's column in the strip and its channel block; it is the last of that block.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "commands": In(stream.Signature(load_command(config))),
                "half_free": In(1),
                "take": Out(1),
                "give": Out(1),
                "activations": In(stream.Signature(unit_layout(config))),
                "fill": Out(fill_signature(config)),
                "x": Out(count_bits(config)),
                "block": Out(count_bits(config)),
                "block_done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        command, fill = self.commands.payload, self.fill
        m.submodules.stepper = stepper = ColumnStepper(config)
        owned = Signal()
        m.d.comb += self.take.eq(self.commands.valid & ~owned & self.half_free)
        with m.If(self.take):
            m.d.sync += owned.eq(1)

        # Three loops, the innermost first.
        bits = count_bits(config)
        m.submodules.loops = loops = Loops({"x": bits, "y": bits, "block": bits})
        x, y, last = loops.at.x, loops.at.y, loops.last
        right, x_end, bottom, y_end = (
            Signal(bits, name=name) for name in ("right", "x_end", "bottom", "y_end")
        )
        inside = Signal()
        m.d.comb += [
            right.eq(command.left + command.width),
            x_end.eq(right + command.right),
            bottom.eq(command.top + command.rows),
            y_end.eq(bottom + command.bottom),
            inside.eq((x >= command.left) & (x < right) & (y >= command.top) & (y < bottom)),
            loops.ends.x.eq(x_end),
            loops.ends.y.eq(y_end),
            loops.ends.block.eq(command.blocks),
            loops.step.eq(fill.valid),
        ]
        row_address = Signal.like(fill.address)
        with m.If(fill.valid):
            with m.If(last.x):
                m.d.sync += row_address.eq(row_address + command.row_pitch)
            with m.If(last.y):
                m.d.sync += row_address.eq(loops.following.block)
            with m.If(last.block):
                m.d.sync += [row_address.eq(0), owned.eq(0), fill.half.eq(~fill.half)]

        m.d.comb += [
            self.activations.ready.eq(owned & inside),
            fill.valid.eq(owned & (self.activations.valid | ~inside)),
            self.commands.ready.eq(fill.valid & last.block),
            self.give.eq(fill.valid & last.block),
            self.x.eq(x),
            self.block.eq(loops.at.block),
            self.block_done.eq(last.y),
            stepper.stride.eq(command.stride),
            stepper.phase_pitch.eq(command.phase_pitch),
            stepper.blocks.eq(command.blocks),
            stepper.step.eq(fill.valid),
            stepper.restart.eq(fill.valid & last.x),
            fill.bank.eq(stepper.bank),
            fill.address.eq(row_address + stepper.offset),
        ]
        with m.If(inside):
            m.d.comb += fill.unit.eq(self.activations.payload)
        return m
