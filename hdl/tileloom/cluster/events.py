"""The event unit: events that a core waits for, barriers, and who the core is."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .arbiter import any_of
from .ports import vector

CORE, CORES, MASK, EVENTS, WAIT, TRIGGER = range(6)
BARRIER_MASK, BARRIER = 8, 12
"""Registers by word; of barriers the first of so many."""

BARRIERS = 4

DMA_EVENT, SOFTWARE_EVENT = range(2)
"""Bits of EVENTS."""


class EventUnit(wiring.Component):
    """Each core's own registers; a read of WAIT or BARRIER is granted only when it has come true.

    ::

        cycle            0     1     2     3     4
        core 0 BARRIER   ------------------\\______    asks
        core 1 BARRIER   ____________/-----\\______    asks: the last of the mask
        gnt              ____________/-----\\______    of both
        rdata            __________________<  1 >    in the cycle after

    Ports: for each core ``req``, ``gnt``, ``word`` (the register), ``we``, ``wdata``, and ``rdata`` in the
    cycle after the grant. ``completed`` (in): a DMA transfer is complete, an event of all cores.
    """

    def __init__(self, cores: int) -> None:
        self.cores = cores
        super().__init__(
            {
                "req": In(cores),
                "gnt": Out(cores),
                "word": In(vector(10, cores)),
                "we": In(cores),
                "wdata": In(vector(32, cores)),
                "rdata": Out(vector(32, cores)),
                "completed": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        each = range(self.cores)
        everyone = (1 << self.cores) - 1
        barrier_masks = [Signal(self.cores, init=everyone, name=f"barrier_mask{b}") for b in range(BARRIERS)]
        reads = Signal(self.cores)
        m.d.comb += reads.eq(self.req & ~self.we)
        triggers = [Signal(self.cores, name=f"trigger{i}") for i in each]
        triggered = Signal(self.cores)
        m.d.comb += triggered.eq(any_of(triggers))
        # Who asks for each barrier, and whether all of its mask do.
        asking = [Signal(self.cores, name=f"asking{b}") for b in range(BARRIERS)]
        complete = Signal(BARRIERS)
        for b, mask in enumerate(barrier_masks):
            m.d.comb += complete[b].eq((asking[b] & mask) == mask)
            for i in each:
                m.d.comb += asking[b][i].eq(reads[i] & (self.word[i] == BARRIER + b))
        for i in each:
            word, wdata = self.word[i], self.wdata[i]
            mask, events, clear = (
                Signal(2, init=init, name=f"{name}{i}")
                for name, init in (("mask", 3), ("events", 0), ("clear", 0))
            )
            written, waits, awaited = (Signal(name=f"{name}{i}") for name in ("written", "waits", "awaited"))
            member = [asking[b][i] & barrier_masks[b][i] for b in range(BARRIERS)]
            held = [member[b] & ~complete[b] for b in range(BARRIERS)]
            m.d.comb += [
                waits.eq(reads[i] & (word == WAIT)),
                awaited.eq((events & mask).any()),
                self.gnt[i].eq(self.req[i] & ~(waits & ~awaited) & ~any_of(held)),
                written.eq(self.req[i] & self.we[i]),
                clear.eq(Mux(waits, mask, Mux(written & (word == EVENTS), wdata[:2], 0))),
                triggers[i].eq(Mux(written & (word == TRIGGER), wdata[: self.cores], 0)),
            ]
            m.d.sync += events.eq(
                events & ~clear | (self.completed << DMA_EVENT) | (triggered[i] << SOFTWARE_EVENT)
            )
            with m.If(written & (word == MASK)):
                m.d.sync += mask.eq(wdata[:2])
            for b, barrier_mask in enumerate(barrier_masks):
                with m.If(written & (word == BARRIER_MASK + b)):
                    m.d.sync += barrier_mask.eq(wdata[: self.cores])
            value = Signal(max(8, self.cores), name=f"value{i}")
            with m.Switch(word):
                for number, shown in (
                    (CORE, i),
                    (CORES, self.cores),
                    (MASK, mask),
                    (EVENTS, events),
                    (WAIT, events & mask),
                    *((BARRIER_MASK + b, barrier_masks[b]) for b in range(BARRIERS)),
                    *((BARRIER + b, barrier_masks[b][i]) for b in range(BARRIERS)),
                ):
                    with m.Case(number):
                        m.d.comb += value.eq(shown)
            answer = Signal.like(value, name=f"answer{i}")
            m.d.sync += answer.eq(value)
            m.d.comb += self.rdata[i].eq(answer)
        return m
