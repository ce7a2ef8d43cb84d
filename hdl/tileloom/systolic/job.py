"""A job of an array behind registers: what belongs to it of each stream, and when it is done.

A job is ``tiles`` tiles of weights, each with ``vectors`` vectors. What goes in and what comes out is counted
apart: weights run ahead of vectors, and results come behind them.
"""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import SystolicConfig

VECTOR_BITS, TILE_BITS = 32, 16
"""Bits of the number of vectors of a tile, and of tiles."""


class Job(wiring.Component):
    """Counts what moves of a job.

    Ports
    -----
    start, abort:
        In, a cycle: begin a job, which is only done while ``busy`` and ``empty`` are low; give up what is
        under way.
    vectors, tiles, keep_weights:
        In, what a job is; they stay while ``busy``.
    row_moves, vector_moves, result_moves, tile_ends:
        In: a row of weights or a vector goes in, a result is taken, and it is the last one of a tile.
    drained:
        In: no result is on offer that is not taken in this cycle.
    empty:
        Out: a job of so many vectors and tiles has none.
    row, row_tile, vector, vector_tile, result, result_tile:
        Out: numbers, from 0, of the next row of weights in its tile, the next vector in, the next one out,
        and of their tiles in the job.
    weights_open, vectors_open:
        Out: the next row of weights, or vector, belongs to the job.
    last, keep:
        Out: the next vector is its tile's last; the weights of the tile that ends with it stay.
    busy, resetting, done:
        Out: a job or a soft reset is under way; a soft reset is; a job ends in this cycle.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.rows = config.rows
        moves = ("row_moves", "vector_moves", "result_moves")
        inputs = ("start", "abort", "keep_weights", *moves, "tile_ends", "drained")
        outputs = ("empty", "weights_open", "vectors_open", "last", "keep", "busy", "resetting", "done")
        super().__init__(
            {
                "vectors": In(VECTOR_BITS),
                "tiles": In(TILE_BITS),
                "row": Out(range(self.rows)),
                **{name: Out(VECTOR_BITS) for name in ("vector", "result")},
                **{f"{name}_tile": Out(TILE_BITS) for name in ("row", "vector", "result")},
                **{name: In(1) for name in inputs},
                **{name: Out(1) for name in outputs},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        active = Signal()
        kept = Signal()  # the weights of the job's first tile are there
        # Numbers of the tile that comes behind the one of each stream.
        row_next, vector_next, result_next = (
            (tile + 1)[:TILE_BITS] for tile in (self.row_tile, self.vector_tile, self.result_tile)
        )
        last_tile = vector_next == self.tiles
        m.d.comb += [
            self.empty.eq((self.vectors == 0) | (self.tiles == 0)),
            self.last.eq((self.vector + 1)[:VECTOR_BITS] == self.vectors),
            self.keep.eq(self.keep_weights & last_tile),
            self.busy.eq(active | self.resetting),
            self.done.eq(self.tile_ends & (result_next == self.tiles) & ~self.resetting),
        ]
        with m.If(self.row_moves):
            m.d.sync += self.row.eq(self.row + 1)
            with m.If(self.row == self.rows - 1):
                m.d.sync += [self.row.eq(0), self.row_tile.eq(row_next)]
                with m.If(row_next == self.tiles):
                    m.d.sync += self.weights_open.eq(0)
        with m.If(self.vector_moves):
            m.d.sync += self.vector.eq(self.vector + 1)
            with m.If(self.last):
                m.d.sync += [self.vector.eq(0), self.vector_tile.eq(vector_next)]
                with m.If(last_tile):
                    m.d.sync += self.vectors_open.eq(0)
        with m.If(self.result_moves):
            m.d.sync += self.result.eq(self.result + 1)
        with m.If(self.tile_ends):
            m.d.sync += [self.result.eq(0), self.result_tile.eq(result_next)]
        with m.If(self.done):
            m.d.sync += active.eq(0)
        with m.If(self.start):
            m.d.sync += [
                active.eq(1),
                self.vectors_open.eq(1),
                self.weights_open.eq(~kept | (self.tiles != 1)),
                kept.eq(self.keep_weights),
                *(number.eq(0) for number in (self.vector, self.vector_tile, self.result, self.result_tile)),
                self.row_tile.eq(kept),
            ]
        with m.If(self.resetting & self.drained):
            m.d.sync += [self.resetting.eq(0), active.eq(0), kept.eq(0), self.row.eq(0)]
        with m.If(self.abort):
            m.d.sync += [self.resetting.eq(1), self.weights_open.eq(0), self.vectors_open.eq(0)]
        return m
