"""Words that become beats to be written."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config import WORD_BITS
from .walk import ADDRESS_BITS


class BeatPacker(wiring.Component):
    """Puts words of ``width`` bits, widened with zeros, into beats of ``beat_words`` words.

    Members
    -------
    ready:
        Out: a word may come.
    put, word, lane, completes, address:
        In: one comes, its place in the beat, and whether it is the beat's last; then the beat's address.
    full, beat, lanes, target:
        Out: a beat is complete, which words of it are to be written, and where.
    take, clear:
        In: the beat leaves in this cycle, while ``full``; there is none.
    """

    def __init__(self, beat_words: int, width: int) -> None:
        self.beat_words, self.width = beat_words, width
        lane_bits = beat_words.bit_length() - 1
        super().__init__(
            {
                "ready": Out(1),
                "put": In(1),
                "word": In(width),
                "lane": In(lane_bits),
                "completes": In(1),
                "address": In(ADDRESS_BITS - lane_bits),
                "full": Out(1),
                "beat": Out(WORD_BITS * beat_words),
                "lanes": Out(beat_words),
                "target": Out(ADDRESS_BITS - lane_bits),
                "take": In(1),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        words = [Signal(self.width, name=f"word_{i}", reset_less=True) for i in range(self.beat_words)]
        m.d.comb += self.ready.eq(~self.full | self.take)
        for i, word in enumerate(words):
            m.d.comb += self.beat[WORD_BITS * i : WORD_BITS * (i + 1)].eq(word)
            with m.If(self.put & (self.lane == i)):
                m.d.sync += word.eq(self.word)
        kept = Signal.like(self.lanes)
        m.d.comb += kept.eq(Mux(self.full, 0, self.lanes))
        with m.If(self.take):
            m.d.sync += [self.full.eq(0), self.lanes.eq(0)]
        with m.If(self.put):
            m.d.sync += [
                self.lanes.eq(kept | (1 << self.lane)),
                self.full.eq(self.completes),
                self.target.eq(self.address),
            ]
        with m.If(self.clear):
            m.d.sync += [self.full.eq(0), self.lanes.eq(0)]
        return m
