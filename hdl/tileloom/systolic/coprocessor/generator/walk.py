"""Addresses of vectors in memory, beat by beat: a vector starts anywhere, beats are where the port has them.

All addresses count words of 32 bits.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

ADDRESS_BITS = 30
"""Of the address of a word: bits 31 to 2 of a byte's."""

COUNT_BITS = 16
"""Of a number of vectors, of which 0 means 65,536."""


class VectorWalk(wiring.Component):
    """Goes through vectors of ``length`` words with beats of ``beat_words``, a power of two.

    Members
    -------
    start, base, stride, vectors:
        In: goes to the first beat of the vector at ``base``, the first of ``vectors`` that are ``stride``
        words apart; only while ``free``. The latter two do not change before the last beat.
    next, clear:
        In: goes on to the next beat; gives up.
    busy:
        Out: the rest is valid.
    beat, lane, last_lane:
        Out: address of the beat, in beats, and which of its words are the first and last of the vector.
    ends_vector, ends:
        Out: it is the last beat of its vector; and that is the last one.
    free:
        Out: a start is possible in this cycle: not ``busy``, or ``next`` at the end.
    left:
        Out: vectors that are not complete, this one too.
    """

    def __init__(self, beat_words: int, length: int) -> None:
        self.beat_words, self.length = beat_words, length
        self.lane_bits = beat_words.bit_length() - 1
        super().__init__(
            {
                "start": In(1),
                "base": In(ADDRESS_BITS),
                "stride": In(ADDRESS_BITS),
                "vectors": In(COUNT_BITS),
                "next": In(1),
                "clear": In(1),
                "busy": Out(1),
                "beat": Out(ADDRESS_BITS - self.lane_bits),
                "lane": Out(self.lane_bits),
                "last_lane": Out(self.lane_bits),
                "ends_vector": Out(1),
                "ends": Out(1),
                "free": Out(1),
                "left": Out(COUNT_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        words = Signal(range(self.length + 1))  # of the vector, not in an earlier beat
        vector = Signal(ADDRESS_BITS)
        following = Signal(ADDRESS_BITS)
        room = Signal(range(self.beat_words + 1))  # words from the lane to the beat's end
        m.d.comb += [
            following.eq(Mux(self.start, self.base, vector + self.stride)),
            room.eq(self.beat_words - self.lane),
            self.ends_vector.eq(words <= room),
            self.last_lane.eq(Mux(self.ends_vector, self.lane + words - 1, self.beat_words - 1)),
            self.ends.eq(self.ends_vector & (self.left == 1)),
            self.free.eq(~self.busy | self.next & self.ends),
        ]
        with m.If(self.next):
            m.d.sync += [self.beat.eq(self.beat + 1), self.lane.eq(0), words.eq(words - room)]
            with m.If(self.ends_vector):
                m.d.sync += self.left.eq(self.left - 1)
            with m.If(self.ends):
                m.d.sync += self.busy.eq(0)
        with m.If(self.start):
            m.d.sync += [self.busy.eq(1), self.left.eq(self.vectors)]
        with m.If(self.start | self.next & self.ends_vector):
            m.d.sync += [vector.eq(following), Cat(self.lane, self.beat).eq(following)]
            m.d.sync += words.eq(self.length)
        with m.If(self.clear):
            m.d.sync += self.busy.eq(0)
        return m
