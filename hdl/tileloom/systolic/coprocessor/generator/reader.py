"""Beats that were asked for, and their words in turn."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config import WORD_BITS


class BeatReader(wiring.Component):
    """Keeps up to ``beats`` beats of ``beat_words`` words, from the request on.

    Members
    -------
    room:
        Out: one more beat may be asked for, in place of one whose last word is taken in this cycle too.
    ask, lane, last_lane, ends:
        In: one is; which of its words are wanted, and whether the last of them is a tile's last.
    arrives, beat:
        In: the oldest one that is on its way is there.
    valid, word, last:
        Out: the oldest word, from the cycle after its beat arrives on; whether it is a tile's last.
    take, clear:
        In: the word leaves; all do, and what was asked for no longer arrives.
    empty:
        Out: nothing is there or on its way.
    """

    def __init__(self, beat_words: int, beats: int) -> None:
        self.beat_words, self.beats = beat_words, beats
        lane_bits = beat_words.bit_length() - 1
        super().__init__(
            {
                "room": Out(1),
                "ask": In(1),
                "lane": In(lane_bits),
                "last_lane": In(lane_bits),
                "ends": In(1),
                "arrives": In(1),
                "beat": In(WORD_BITS * beat_words),
                "valid": Out(1),
                "word": Out(WORD_BITS),
                "last": Out(1),
                "take": In(1),
                "clear": In(1),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        count, places = self.beats, range(self.beats)
        beats = [Signal(len(self.beat), name=f"beat_{place}", reset_less=True) for place in places]
        lanes = [Signal.like(self.lane, name=f"lane_{place}", reset_less=True) for place in places]
        last_lanes = [Signal.like(self.lane, name=f"last_lane_{place}", reset_less=True) for place in places]
        ends = [Signal(name=f"ends_{place}", reset_less=True) for place in places]
        newest, coming, oldest = (Signal(range(count), name=name) for name in ("newest", "coming", "oldest"))
        asked, there = Signal(range(count + 1)), Signal(range(count + 1))
        lane, leaves = Array(lanes)[oldest], Signal()
        words = Array(beats)[oldest]
        m.d.comb += [
            leaves.eq(self.take & (lane == Array(last_lanes)[oldest])),
            self.room.eq((asked != count) | leaves),
            self.valid.eq(there != 0),
            self.word.eq(
                Array(words[WORD_BITS * i : WORD_BITS * (i + 1)] for i in range(self.beat_words))[lane]
            ),
            self.last.eq(Array(ends)[oldest] & (lane == Array(last_lanes)[oldest])),
            self.empty.eq(asked == 0),
        ]
        m.d.sync += [asked.eq(asked + self.ask - leaves), there.eq(there + self.arrives - leaves)]
        for moves, pointer in ((self.ask, newest), (self.arrives, coming), (leaves, oldest)):
            with m.If(moves):
                m.d.sync += pointer.eq(pointer + 1)
                with m.If(pointer == count - 1):
                    m.d.sync += pointer.eq(0)
        for place in places:
            with m.If(self.take & (oldest == place)):
                m.d.sync += lanes[place].eq(lanes[place] + 1)
            with m.If(self.ask & (newest == place)):
                m.d.sync += [
                    Cat(lanes[place], last_lanes[place]).eq(Cat(self.lane, self.last_lane)),
                    ends[place].eq(self.ends),
                ]
            with m.If(self.arrives & (coming == place)):
                m.d.sync += beats[place].eq(self.beat)
        with m.If(self.clear):
            m.d.sync += [signal.eq(0) for signal in (newest, coming, oldest, asked, there)]
        return m
