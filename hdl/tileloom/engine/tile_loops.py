"""Which tile of the strip a block is multiplied by next: all of them for each tap, or those of a mask.

```
                       .--> TileLoops --.
 command, token, step -+                +--> visit
                       '--> MaskLoop ---'
```
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .config import EngineConfig
from .layouts import TAP_BITS, address_bits, conv_command, tile_bits, token_layout
from .loops import Loops
from .stepper import ColumnStepper


def visit_layout(config: EngineConfig) -> data.StructLayout:
    """Return what is known of a tile that a block is multiplied by.

    ``tile``, its number in the strip; ``address`` and ``rotation``, where the A buffer has it; ``begins`` and
    ``ends``, it is the first and the last of its tap; ``done``, it is the last of its block's last tap.
    """
    return data.StructLayout(
        {
            "tile": ceil_log2(config.acc_tiles),
            "address": address_bits(config),
            "rotation": ceil_log2(config.m),
            "begins": 1,
            "ends": 1,
            "done": 1,
        }
    )


class TileVisitor(wiring.Component):
    """What visits tiles.

    Ports
    -----
    command, token:
        In: a CONV, and the block that is multiplied. They change only after ``visit.done``.
    step:
        In: go on to the next tile in this cycle.
    visit:
        Out: the tile, of layout ``visit_layout``.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        super().__init__(
            {
                "command": In(conv_command(config)),
                "token": In(token_layout(config)),
                "step": In(1),
                "visit": Out(visit_layout(config)),
            }
        )


class TileLoops(TileVisitor):
    """Visits every tile of the strip, row by row, for every tap of the kernel."""

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config, command, visit = self.config, self.command, self.visit
        tiles = tile_bits(config)
        m.submodules.loops = loops = Loops({"x": tiles, "y": tiles, "dx": TAP_BITS, "dy": TAP_BITS})
        m.submodules.stepper = stepper = ColumnStepper(config)
        last = loops.last
        m.d.comb += [
            loops.step.eq(self.step),
            loops.ends.x.eq(command.tiles),
            loops.ends.y.eq(command.rows),
            loops.ends.dx.eq(command.kernel_width),
            loops.ends.dy.eq(command.kernel_height),
            stepper.stride.eq(command.stride),
            stepper.phase_pitch.eq(command.phase_pitch),
            stepper.blocks.eq(command.blocks),
            stepper.step.eq(self.step & last.y),
            stepper.restart.eq(self.step & last.dx),
        ]

        # Addresses: of the tap's row; in the strip, of the row of tiles and of the tile.
        tile = Signal.like(visit.tile, name="tile")
        tap_row, line, place, next_line = (
            Signal(address_bits(config), name=name) for name in ("tap_row", "line", "place", "next_line")
        )
        m.d.comb += next_line.eq(line + command.line_pitch)
        with m.If(self.step):
            m.d.sync += [tile.eq(tile + 1), place.eq(place + command.blocks)]
            with m.If(last.x):
                m.d.sync += [line.eq(next_line), place.eq(next_line)]
            with m.If(last.y):
                m.d.sync += [tile.eq(0), line.eq(0), place.eq(0)]
            with m.If(last.dx):
                m.d.sync += tap_row.eq(Mux(last.dy, 0, tap_row + command.row_pitch))
        m.d.comb += [
            visit.tile.eq(tile),
            visit.address.eq(self.token.row + tap_row + stepper.offset + place),
            visit.rotation.eq(stepper.bank),
            visit.begins.eq((loops.at.x == 0) & (loops.at.y == 0)),
            visit.ends.eq(last.y),
            visit.done.eq(last.dy),
        ]
        return m


class MaskLoop(TileVisitor):
    """Visits the tiles of the token's mask, the lowest first, for the one tap that a masked command has."""

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        visit, mask = self.visit, self.token.mask
        begun = Signal()
        left, now, rest = (Signal.like(mask, name=name) for name in ("left", "now", "rest"))
        for index in reversed(range(len(now))):
            with m.If(now[index]):
                m.d.comb += visit.tile.eq(index)
        m.d.comb += [
            now.eq(Mux(begun, left, mask)),
            rest.eq(now & (now - 1)),
            visit.address.eq(self.token.row + visit.tile * self.command.blocks),
            visit.begins.eq(~begun),
            visit.ends.eq(rest == 0),
            visit.done.eq(rest == 0),
        ]
        with m.If(self.step):
            m.d.sync += [begun.eq(rest != 0), left.eq(rest)]
        return m
