"""Tiles of weights for an array that is a functional unit, and when one takes over.

Other than a ``WeightLoader`` it needs no mark at a tile's end: with ``double_buffer`` a tile that is
complete takes over with the next vector; without, its words are written over the last tile's once no vector
needs them.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...arith.factor import EncodeFactor, FactorFormat
from ...hierarchy import add_shared
from ..config import WORD_BITS, SystolicConfig
from ..skew import DelayLine
from ..timing import Timetable
from .instruction import STATUS


class TileWriter(wiring.Component):
    """Writes words of weights into the mesh.

    Parameters
    ----------
    config, timetable:
        The array, and when things are where in it.

    Members
    -------
    word, write:
        In: the next word of the tile is written in this cycle; only while ``vacant``.
    clear:
        In: the next word is a tile's first, and no complete one waits.
    start, wave:
        In: a vector starts; where vectors are, bit ``n`` for the one that started ``n`` cycles ago.
    vacant:
        Out: no element still needs what a word would be written over. It becomes so by itself.
    complete:
        Out: a tile is complete, and takes over with the next vector. Only with ``double_buffer``.
    count:
        Out: words written of the tile begun.
    mesh_weights, write_rows, write_columns, swaps:
        Out, to the mesh's ports; ``swaps`` only with ``double_buffer``.
    """

    def __init__(self, config: SystolicConfig, timetable: Timetable) -> None:
        self.config = config
        self.timetable = timetable
        self.factor = FactorFormat.of(config.weight)
        self.groups = -(-config.columns // config.weights_per_word)
        super().__init__(
            {
                "word": In(WORD_BITS),
                "write": In(1),
                "clear": In(1),
                "start": In(1),
                "wave": In(timetable.result_appears(config.columns - 1) + 1),
                "vacant": Out(1),
                "complete": Out(1),
                "count": Out(STATUS["weights"][1]),
                "mesh_weights": Out(data.ArrayLayout(self.factor.layout, config.columns)),
                "write_rows": Out(config.rows),
                "write_columns": Out(config.columns),
                **({"swaps": Out(config.rows)} if config.double_buffer else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config, groups, released = self.config, self.groups, self.timetable.weights_released

        # Where the next word goes. A row's words are its groups of columns.
        row = Signal(range(config.rows))
        group = Signal(range(groups))
        last = Signal()
        m.d.comb += [
            last.eq((row == config.rows - 1) & (group == groups - 1)),
            self.count.eq(row * groups + group),
        ]
        with m.If(self.write):
            m.d.sync += group.eq(group + 1)
            with m.If(group == groups - 1):
                m.d.sync += [group.eq(0), row.eq(row + 1)]
                with m.If(row == config.rows - 1):
                    m.d.sync += row.eq(0)
        with m.If(self.clear):
            m.d.sync += [group.eq(0), row.eq(0)]
        encoded = []
        for index in range(min(config.weights_per_word, config.columns)):
            encode = add_shared(
                m, platform, "encode_weight", f"encode_{index}", lambda: EncodeFactor(config.weight)
            )
            low = WORD_BITS - (index + 1) * config.weight.width
            m.d.comb += encode.word.eq(self.word[low : low + config.weight.width])
            encoded.append(encode.factor)
        for column in range(config.columns):
            m.d.comb += self.mesh_weights[column].eq(encoded[column % config.weights_per_word])
        m.d.comb += [
            self.write_rows.eq(Cat(self.write & (row == index) for index in range(config.rows))),
            self.write_columns.eq(
                Cat(group == column // config.weights_per_word for column in range(config.columns))
            ),
        ]
        if not config.double_buffer:
            m.d.comb += self.vacant.eq(~self.wave[: released + 1].any())
            return m

        # The swap follows the vector that it comes with through the mesh.
        m.submodules.swap = swap = DelayLine(released)
        m.d.comb += [
            swap.enable.eq(1),
            swap.start.eq(self.start & self.complete),
            self.vacant.eq(~swap.taps.any()),
            self.swaps.eq(Cat(swap.taps[self.timetable.activation_due(row)] for row in range(config.rows))),
        ]
        with m.If(self.start | self.clear):
            m.d.sync += self.complete.eq(0)
        with m.If(self.write):
            m.d.sync += self.complete.eq(last)
        return m
