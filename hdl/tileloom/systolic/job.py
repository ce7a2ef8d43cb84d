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
    row_moves, vector_moves, tile_ends:
        In: a row of weights or a vector goes in, the last result of a tile is taken.
    drained:
        In: no result is on offer that is not taken in this cycle.
    empty:
        Out: a job of so many vectors and tiles has none.
    weights_open, vectors_open:
        Out: the next row of weights, or vector, belongs to the job.
    last, keep:
        Out: the next vector is its tile's last; the weights of the tile that ends with it stay.
    busy, resetting, done:
        Out: a job or a soft reset is under way; a soft reset is; a job ends in this cycle.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.rows = config.rows
        inputs = ("start", "abort", "keep_weights", "row_moves", "vector_moves", "tile_ends", "drained")
        outputs = ("empty", "weights_open", "vectors_open", "last", "keep", "busy", "resetting", "done")
        super().__init__(
            {
                "vectors": In(VECTOR_BITS),
                "tiles": In(TILE_BITS),
                **{name: In(1) for name in inputs},
                **{name: Out(1) for name in outputs},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        row = Signal(range(self.rows))
        vectors_left = Signal(VECTOR_BITS)
        # Tiles of which weights, vectors and results are still to come.
        weights_left, tiles_left, results_left = (
            Signal(TILE_BITS, name=name) for name in ("weights_left", "tiles_left", "results_left")
        )
        active = Signal()
        kept = Signal()  # the weights of the job's first tile are there
        m.d.comb += [
            self.empty.eq((self.vectors == 0) | (self.tiles == 0)),
            self.last.eq(vectors_left == 1),
            self.keep.eq(self.keep_weights & (tiles_left == 1)),
            self.busy.eq(active | self.resetting),
            self.done.eq(self.tile_ends & (results_left == 1) & ~self.resetting),
        ]
        with m.If(self.row_moves):
            m.d.sync += row.eq(row + 1)
            with m.If(row == self.rows - 1):
                m.d.sync += [row.eq(0), weights_left.eq(weights_left - 1)]
                with m.If(weights_left == 1):
                    m.d.sync += self.weights_open.eq(0)
        with m.If(self.vector_moves):
            m.d.sync += vectors_left.eq(vectors_left - 1)
            with m.If(self.last):
                m.d.sync += [vectors_left.eq(self.vectors), tiles_left.eq(tiles_left - 1)]
                with m.If(tiles_left == 1):
                    m.d.sync += self.vectors_open.eq(0)
        with m.If(self.tile_ends):
            m.d.sync += results_left.eq(results_left - 1)
        with m.If(self.done):
            m.d.sync += active.eq(0)
        with m.If(self.start):
            m.d.sync += [
                active.eq(1),
                self.vectors_open.eq(1),
                self.weights_open.eq(~kept | (self.tiles != 1)),
                kept.eq(self.keep_weights),
                vectors_left.eq(self.vectors),
                weights_left.eq(self.tiles - kept),
                tiles_left.eq(self.tiles),
                results_left.eq(self.tiles),
            ]
        with m.If(self.resetting & self.drained):
            m.d.sync += [self.resetting.eq(0), active.eq(0), kept.eq(0), row.eq(0)]
        with m.If(self.abort):
            m.d.sync += [self.resetting.eq(1), self.weights_open.eq(0), self.vectors_open.eq(0)]
        return m
