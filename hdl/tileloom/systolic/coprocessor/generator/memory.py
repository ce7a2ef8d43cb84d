"""The generator's memory port: requests in order, one at a time, and whose each answer is.

OBI (OpenHW, "OBI protocol") as CV32E40P has it, with ``err`` besides: a request is taken in a cycle with
``req`` and ``gnt`` and stays as it is until then, and each is answered once, in order, with ``rvalid``, in a
later cycle. There is no ``rready``: room for an answer is kept from the request on.
"""

from __future__ import annotations

import enum

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...config import WORD_BITS
from ..results import ResultQueue
from .walk import ADDRESS_BITS

OUTSTANDING = 8
"""Requests at most that are not answered: more than a generator has room for beats, as it writes too."""


class Kind(enum.IntEnum):
    """Whose a request is; but for sums' two also the error that it may end with."""

    STORE = 0
    WEIGHTS = 1
    ACTIVATIONS = 2
    SUMS = 3


def port(bits: int) -> dict[str, wiring.Member]:
    """Return the members of a memory port of so many bits, from the side that asks. Addresses are bytes'."""
    return {
        "req": Out(1),
        "gnt": In(1),
        "addr": Out(32),
        "we": Out(1),
        "be": Out(bits // 8),
        "wdata": Out(bits),
        "rvalid": In(1),
        "rdata": In(bits),
        "err": In(1),
    }


class MemoryPort(wiring.Component):
    """A register for the request, and a queue of whose answers are to come.

    Members
    -------
    memory:
        The port.
    ready:
        Out: a request may be given.
    ask, kind, beat, lanes, data:
        In: one is; whose, the address in beats, and of a store which words are written, and all of them.
    answered, answer:
        Out: one is answered in this cycle, and whose. Data and error are the port's.
    idle:
        Out: nothing is asked for or unanswered.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        words = bits // WORD_BITS
        self.offset_bits = (words - 1).bit_length() + 2
        super().__init__(
            {
                "memory": Out(wiring.Signature(port(bits))),
                "ready": Out(1),
                "ask": In(1),
                "kind": In(2),
                "beat": In(ADDRESS_BITS + 2 - self.offset_bits),
                "lanes": In(words),
                "data": In(bits),
                "answered": Out(1),
                "answer": Out(2),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        memory = self.memory
        m.submodules.kinds = kinds = ResultQueue(2, OUTSTANDING)
        beat, lanes = Signal.like(self.beat), Signal.like(self.lanes)
        m.d.comb += [
            memory.addr.eq(Cat(Const(0, self.offset_bits), beat)),
            memory.be.eq(Cat(lane.replicate(WORD_BITS // 8) for lane in lanes)),
            self.ready.eq((~memory.req | memory.gnt) & (kinds.count != OUTSTANDING)),
            kinds.put.eq(self.ask),
            kinds.word.eq(self.kind),
            kinds.take.eq(memory.rvalid),
            self.answered.eq(memory.rvalid),
            self.answer.eq(kinds.oldest),
            self.idle.eq(kinds.count == 0),
        ]
        with m.If(memory.gnt):
            m.d.sync += memory.req.eq(0)
        with m.If(self.ask):
            m.d.sync += [
                memory.req.eq(1),
                memory.we.eq(self.kind == Kind.STORE),
                beat.eq(self.beat),
                lanes.eq(self.lanes),
                memory.wdata.eq(self.data),
            ]
        return m
