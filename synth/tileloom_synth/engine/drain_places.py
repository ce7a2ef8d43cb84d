"""The drain's loops: where a WRITE is, as docs/engine.md has it, and the transfers that are on their way.

Columns, rows of the strip and pixels of a row, ``drain_rows`` of them a transfer:

    tile = first tile of its row + x div m;  a row has ceil(width / m) tiles;  a half a column, in turn
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.config import EngineConfig
from tileloom.engine.layouts import write_command
from tileloom.engine.requantise import LATENCY

from ..verify.induction import all_of, kept
from ..verify.netlist import Netlist, bits_of, port
from ..verify.specification import bit, bits, number, widen


def is_set(name: str, step: int = 0) -> str:
    """Return that a bit of the record is 1."""
    return f"(= {kept(name, step)} #b1)"


def resized(value: str, width: int, to: int) -> str:
    """Return a number of ``width`` bits modulo ``2**to``."""
    return widen(value, to - width) if to >= width else bits(value, to - 1, 0)


class DrainPlaces:
    """What is recorded of the places that a drain is at, and how its registers agree with it.

    Attributes
    ----------
    widths, following:
        Of the record.
    moves, goes:
        Transfers move on in this cycle; the place is drained in it.
    stages:
        Registers between a place and ``results``, but one.
    """

    def __init__(self, config: EngineConfig, netlist: Netlist) -> None:
        self.config, self.netlist = config, netlist
        layout = write_command(config)
        self.pixel, self.line, self.column = (layout[name].width for name in ("width", "rows", "columns"))
        self.tile = (config.acc_tiles - 1).bit_length()
        self.group = (config.m // config.drain_rows - 1).bit_length()
        self.stages = LATENCY if config.requantise else 1
        self.moves = f"(or (not {port('results__valid', 0)}) {port('results__ready', 0)})"
        self.goes = all_of(self.moves, port("commands__valid", 0), port("c_full", 0))
        self.width = self.value("commands__payload.width")
        self.row_ends = f"(bvuge {self.pixel_after(config.drain_rows)} {widen(self.width, 1)})"
        self.column_ends = all_of(self.row_ends, self._is_last("y", "rows", self.line))
        self.ends = all_of(self.column_ends, self._is_last("column", "columns", self.column))
        self.widths: dict[str, int] = {}
        self.following: dict[str, str] = {}
        self._record_place()
        self._record_transfers()

    def value(self, name: str, step: int = 0) -> str:
        """Return a signal as a bit-vector."""
        return self.netlist.number(name, step, bits_of(self.netlist.sorts[name]))

    def pixel_after(self, pixels: int) -> str:
        """Return the pixel so many after the place, a bit wider than a pixel."""
        return f"(bvadd {widen(kept('x'), 1)} {number(pixels, self.pixel + 1)})"

    def begins(self, pixels: int, step: int = 0) -> str:
        """Return that the place begins a group of so many pixels of its row."""
        return f"(= (bvurem {kept('x', step)} {number(pixels, self.pixel)}) {number(0, self.pixel)})"

    def tile_at(self, step: int = 0) -> str:
        """Return the tile that the place is in."""
        across = self._divided(kept("x", step), self.pixel, self.config.m)
        return f"(bvadd {kept('first', step)} {resized(across, self.pixel, self.tile)})"

    def group_at(self, step: int = 0) -> str:
        """Return which of its tile's groups of ``drain_rows`` rows the place is; a tile has more than one."""
        across = self._divided(kept("x", step), self.pixel, self.config.drain_rows)
        return resized(across, self.pixel, self.group)

    def add(self, name: str, width: int, value: str, when: str) -> None:
        """Add a part of the record that takes a value in some cycles."""
        self.widths[name] = width
        self.following[name] = f"(ite {when} {value} {kept(name)})"

    def place_agrees(self, step: int) -> Iterator[str]:
        """Yield how registers and record belong together, of the place and of transfers on their way."""
        names = {"x": "x", "y": "loops.at.y", "column": "loops.at.column", "half": "sums__half"}
        yield from (f"(= {self.value(signal, step)} {kept(name, step)})" for name, signal in names.items())
        yield f"(= {self.value('sums__tile', step)} {self.tile_at(step)})"
        if self.group:
            yield f"(= {self.value('group', step)} {self.group_at(step)})"
            yield f"(= {self.value('row_group', step)} {kept('its group', step)})"
        if self.config.activation_mask:
            yield f"(= {self.value('row_tile', step)} {kept('its tile', step)})"
        yield f"(= {self.value('row_half', step)} {kept('its half', step)})"
        # A place is within its row, and is a transfer's first pixel.
        counts = {"x": self.pixel, "y": self.line, "column": self.column, "first": self.tile}
        nothing = all_of(*(f"(= {kept(name, step)} {number(0, width)})" for name, width in counts.items()))
        within = f"(bvult {kept('x', step)} {kept('width', step)})"
        yield f"(ite {is_set('begun', step)} {within} {nothing})"
        yield self.begins(self.config.drain_rows, step)
        for stage in range(self.stages + 1):
            row = "row" if stage == 0 else f"row_{stage - 1}"
            for name in ("valid", "last", "relu"):
                yield f"(= {self.value(f'{row}.{name}', step)} {kept(f'{name} {stage}', step)})"
            each = [kept(f"there {row} {stage}", step) for row in reversed(range(self.config.drain_rows))]
            there = f"(concat {' '.join(each)})" if len(each) > 1 else each[0]
            yield f"(= {self.value(f'{row}.there', step)} {there})"
            yield f"(=> {is_set(f'valid {stage}', step)} {is_set(f'there 0 {stage}', step)})"

    def place_claims(self) -> Iterator[str]:
        """Yield what holds of the ports: what is read, which halves come and go, when transfers leave."""
        yield f"(= {port('sums__read', 0)} (and {self.goes} {self.begins(self.config.m)}))"
        yield f"(= {self.value('sums__tile')} {self.tile_at()})"
        yield f"(= {self.value('sums__half')} {kept('half')})"
        yield f"(= {port('c_take', 0)} (and {self.goes} {self.column_ends}))"
        yield f"(= {port('commands__ready', 0)} (and {self.goes} {self.ends}))"
        yield f"(= {port('c_give', 0)} {all_of(self.moves, is_set('valid 0'), is_set('last 0'))})"
        yield f"(= {port('results__valid', 0)} {is_set(f'valid {self.stages}')})"
        yield f"(= {port('results__payload.last', 0)} {is_set(f'last {self.stages}')})"
        on_the_way = " ".join(is_set(f"valid {stage}") for stage in range(self.stages + 1))
        yield f"(= {port('busy', 0)} (or {on_the_way}))"

    def rules(self) -> Iterator[str]:
        """Yield what is assumed: a command stands still until it is taken, and its width is 1 or more."""
        same = f"(=> {is_set('begun')} (= {self.width} {kept('width')}))"
        some = f"(not (= {self.width} {number(0, self.pixel)}))"
        yield f"(=> {port('commands__valid', 0)} (and {same} {some}))"

    def _record_place(self) -> None:
        wide = self.pixel + 1
        filled = f"(bvadd {widen(self.width, 1)} {number(self.config.m - 1, wide)})"
        tiles = resized(self._divided(filled, wide, self.config.m), wide, self.tile)
        x, tile = bits(self.pixel_after(self.config.drain_rows), self.pixel - 1, 0), number(0, self.tile)
        first = f"(ite {self.row_ends} (bvadd {kept('first')} {tiles}) {kept('first')})"
        half = f"(ite {self.column_ends} (bvnot {kept('half')}) {kept('half')})"
        for name, width, value in (
            ("begun", 1, bit(f"(not {self.ends})")),
            ("width", self.pixel, self.width),
            ("x", self.pixel, f"(ite {self.row_ends} {number(0, self.pixel)} {x})"),
            ("y", self.line, self._next("y", self.line, self.row_ends, self.column_ends)),
            ("column", self.column, self._next("column", self.column, self.column_ends, self.ends)),
            ("first", self.tile, f"(ite {self.column_ends} {tile} {first})"),
            ("half", 1, half),
        ):
            self.add(name, width, value, self.goes)

    def _record_transfers(self) -> None:
        """Add those that are on their way, and of the youngest what its sums are found by."""
        new = {"valid": bit(self.goes), "last": bit(self.column_ends)}
        new["relu"] = self.value("commands__payload.relu")
        for row in range(self.config.drain_rows):
            new[f"there {row}"] = bit(f"(bvult {self.pixel_after(row)} {widen(self.width, 1)})")
        for name, value in new.items():
            for stage in range(self.stages + 1):
                before = value if stage == 0 else kept(f"{name} {stage - 1}")
                self.add(f"{name} {stage}", 1, before, self.moves)
        self.add("its half", 1, kept("half"), self.moves)
        self.add("its tile", self.tile, self.tile_at(), self.moves)
        if self.group:
            self.add("its group", self.group, self.group_at(), self.moves)

    def _is_last(self, name: str, count: str, width: int) -> str:
        following = f"(bvadd {kept(name)} {number(1, width)})"
        return f"(= {following} {self.value(f'commands__payload.{count}')})"

    def _next(self, name: str, width: int, steps: str, wraps: str) -> str:
        following = f"(bvadd {kept(name)} {number(1, width)})"
        return f"(ite {wraps} {number(0, width)} (ite {steps} {following} {kept(name)}))"

    @staticmethod
    def _divided(value: str, width: int, by: int) -> str:
        """Return a number divided by a power of two."""
        return f"(bvlshr {value} {number(by.bit_length() - 1, width)})"
