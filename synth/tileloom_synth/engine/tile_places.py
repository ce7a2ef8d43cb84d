"""The sequencer's loops: which tile of the strip, for which tap, and where the A buffer has it.

Taps of a block row by row, and for each the rows and tiles of the strip, as docs/engine.md has them. Column
``dx`` of the kernel is in phase ``dx mod stride``, the ``j``-th of a phase in bank ``j mod m``:

    address  = row of the token + dy * row_pitch + phase * phase_pitch + (j div m) * blocks
             + y * line_pitch + x * blocks                                   modulo the words of a bank

which is kept as sums that grow from place to place.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.config import EngineConfig
from tileloom.engine.layouts import TAP_BITS, address_bits, conv_command, tile_bits

from ..verify.induction import all_of, any_of, kept
from ..verify.netlist import Netlist, bits_of, port
from ..verify.specification import number
from .drain_places import resized


class TilePlaces:
    """What is recorded of the places that a sequencer is at, and how its registers agree with it.

    Attributes
    ----------
    widths, following:
        Of the record.
    computes, ends_tap, ends:
        A tile is sent for in this cycle; it is its tap's last; it is its block's last.
    token_ends, column_ends:
        The token, and its column, end in this cycle.
    """

    def __init__(self, config: EngineConfig, netlist: Netlist) -> None:
        self.config, self.netlist = config, netlist
        self.count, self.address = tile_bits(config), address_bits(config)
        self.tile, self.bank = (config.acc_tiles - 1).bit_length(), (config.m - 1).bit_length()
        self.stride = conv_command(config)["stride"].width
        self.computes = port("computing", 0)
        self.ends_x = self._is_last("x", "tiles", self.count)
        self.ends_tap = all_of(self.ends_x, self._is_last("y", "rows", self.count))
        self.ends_row = all_of(self.ends_tap, self._is_last("dx", "kernel_width", TAP_BITS))
        self.ends = all_of(self.ends_row, self._is_last("dy", "kernel_height", TAP_BITS))
        empty = port("tokens__payload.empty", 0)
        self.token_ends = f"(and {port('advance', 0)} (or {empty} {self.ends}))"
        self.column_ends = all_of(self.token_ends, port("tokens__payload.last", 0))
        self.loops = {"x": self.count, "y": self.count, "dx": TAP_BITS, "dy": TAP_BITS}
        self.widths: dict[str, int] = {}
        self.following: dict[str, str] = {}
        self._record()

    def value(self, name: str, step: int = 0) -> str:
        """Return a signal as a bit-vector."""
        return self.netlist.number(name, step, bits_of(self.netlist.sorts[name]))

    def field(self, name: str) -> str:
        """Return a field of the command."""
        return self.value(f"commands__payload.{name}")

    def begun(self, step: int = 0) -> str:
        """Return that a block is under way."""
        return any_of(
            *(f"(not (= {kept(name, step)} {number(0, width)}))" for name, width in self.loops.items())
        )

    def tile_at(self, step: int = 0) -> str:
        """Return the number of the tile in the strip."""
        return f"(bvadd {kept('first tile', step)} {resized(kept('x', step), self.count, self.tile)})"

    def address_at(self) -> str:
        """Return the address of the tile in the A buffer."""
        row = "tokens__payload.row"
        total = resized(self.value(row), bits_of(self.netlist.sorts[row]), self.address)
        for name in ("tap row", "phases", "group", "down", "across"):
            total = f"(bvadd {total} {kept(name)})"
        return total

    def add(self, name: str, width: int, value: str, when: str) -> None:
        """Add a part of the record that takes a value in some cycles."""
        self.widths[name] = width
        self.following[name] = f"(ite {when} {value} {kept(name)})"

    def place_agrees(self, step: int) -> Iterator[str]:
        """Yield how registers and record belong together."""

        def same(signal: str, part: str) -> str:
            return f"(= {self.value(signal, step)} {part})"

        def plus(*names: str) -> str:
            first, *others = (kept(name, step) for name in names)
            for other in others:
                first = f"(bvadd {first} {other})"
            return first

        yield from (same(f"tile_loops.loops.at.{name}", kept(name, step)) for name in self.loops)
        yield same("tile_loops.tile", self.tile_at(step))
        yield same("tile_loops.line", kept("down", step))
        yield same("tile_loops.place", plus("down", "across"))
        yield same("tile_loops.tap_row", kept("tap row", step))
        yield same("tile_loops.stepper.phase", kept("phase", step))
        yield same("tile_loops.stepper.base", kept("group", step))
        yield same("tile_loops.stepper.offset", plus("phases", "group"))
        if self.bank:
            yield same("tile_loops.stepper.bank", kept("bank", step))
        yield same("half", kept("half", step))

    def _is_last(self, name: str, count: str, width: int) -> str:
        return f"(= (bvadd {kept(name)} {number(1, width)}) {self.field(count)})"

    def _grows(self, name: str, width: int, by: str, *, when: str, until: str) -> None:
        """Add a part that grows by ``by`` after some places, and is 0 again after others."""
        more = f"(ite {when} (bvadd {kept(name)} {by}) {kept(name)})"
        self.add(name, width, f"(ite {until} {number(0, width)} {more})", self.computes)

    def _record(self) -> None:
        wraps = {"x": self.ends_x, "y": self.ends_tap, "dx": self.ends_row, "dy": self.ends}
        steps = {"x": "true", "y": self.ends_x, "dx": self.ends_tap, "dy": self.ends_row}
        for name, width in self.loops.items():
            self._grows(name, width, number(1, width), when=steps[name], until=wraps[name])
        tiles = resized(self.field("tiles"), self.count, self.tile)
        self._grows("first tile", self.tile, tiles, when=self.ends_x, until=self.ends_tap)
        self._grows("across", self.address, self.field("blocks"), when="true", until=self.ends_x)
        self._grows("down", self.address, self.field("line_pitch"), when=self.ends_x, until=self.ends_tap)
        self._grows("tap row", self.address, self.field("row_pitch"), when=self.ends_row, until=self.ends)
        # From column to column of the kernel, as the loader has it.
        following = f"(bvadd {kept('phase')} {number(1, self.stride)})"
        round_ends = f"(and {self.ends_tap} (= {following} {self.field('stride')}))"
        wraps_phase = f"(or {self.ends_row} {round_ends})"
        phases = {
            "phase": (self.stride, number(1, self.stride)),
            "phases": (self.address, self.field("phase_pitch")),
        }
        for name, (width, by) in phases.items():
            self._grows(name, width, by, when=self.ends_tap, until=wraps_phase)
        wrapped = round_ends
        if self.bank:
            self._grows("bank", self.bank, number(1, self.bank), when=round_ends, until=self.ends_row)
            wrapped = f"(and {round_ends} (= {kept('bank')} {number(self.config.m - 1, self.bank)}))"
        self._grows("group", self.address, self.field("blocks"), when=wrapped, until=self.ends_row)
        finishes = all_of(self.column_ends, port("commands__payload.finish", 0))
        self.add("half", 1, f"(bvnot {kept('half')})", finishes)
