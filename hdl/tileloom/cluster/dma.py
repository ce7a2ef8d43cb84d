"""The DMA engine: registers, a queue of transfers, and the lanes that move them."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..stream.queue import Queue
from .arbiter import Arbiter, selected
from .config import ClusterConfig
from .lane import BYTES_BITS, ROWS_BITS, Lane, transfer_layout
from .ports import vector

CLAIM, L2, L1, BYTES, ROWS, L2_STRIDE, L1_STRIDE, START, DONE = range(9)
"""Registers by word."""

WAITING = 4
"""Transfers that wait behind the one under way."""

NUMBER_BITS = 16
"""Of the number of a transfer; bit 31 of CLAIM says that there is one."""


class Dma(wiring.Component):
    """Moves rows of words between L1 and L2, one transfer after the other.

    ::

        START -> queue of 4 -> engine --+-- lane 0 --- L1 (a master of the interconnect), L2 (dma_*)
                                        +-- lane 1 --- L1, L2

    Ports: for each core ``req``, ``gnt``, ``word`` (the register), ``we``, ``wdata``; ``rdata`` (out), in the
    cycle after a grant. ``completed`` (out): a transfer is. For each lane ``l1_`` and ``l2_`` ``req``,
    ``gnt``, ``word``, ``we``, ``wdata``, ``rvalid`` and ``rdata``; ``l1_rdata`` comes in the cycle
    after its grant.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        cores, lanes = config.cores, config.dma_lanes
        side = {
            "req": Out(lanes),
            "gnt": In(lanes),
            "word": Out(vector(30, lanes)),
            "we": Out(lanes),
            "wdata": Out(vector(32, lanes)),
            "rdata": In(vector(32, lanes)),
        }
        super().__init__(
            {
                "req": In(cores),
                "gnt": Out(cores),
                "word": In(vector(10, cores)),
                "we": In(cores),
                "wdata": In(vector(32, cores)),
                "rdata": Out(32),
                "completed": Out(1),
                **{f"{memory}_{port}": member for memory in ("l1", "l2") for port, member in side.items()},
                "l2_rvalid": In(lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.waiting = waiting = Queue(transfer_layout(), WAITING)
        started, done = Signal(NUMBER_BITS), Signal(NUMBER_BITS)
        self._registers(m, waiting, started, done)
        # The engine: take a transfer, let every lane do its part, say that it is complete.
        running, finished = Signal(), Signal(self.config.dma_lanes)
        m.d.comb += [
            waiting.outgoing.ready.eq(~running),
            self.completed.eq(running & finished.all()),
        ]
        with m.If(waiting.outgoing.valid & waiting.outgoing.ready):
            m.d.sync += running.eq(1)
        with m.If(self.completed):
            m.d.sync += [running.eq(0), done.eq(done + 1)]
        for k in range(self.config.dma_lanes):
            lane = Lane(self.config, k)
            m.submodules[f"lane{k}"] = lane
            m.d.comb += [
                lane.start.eq(waiting.outgoing.valid & waiting.outgoing.ready),
                lane.transfer.eq(waiting.outgoing.payload),
                finished[k].eq(lane.finished),
                lane.l2_rvalid.eq(self.l2_rvalid[k]),
            ]
            for memory in ("l1", "l2"):
                for port in ("req", "word", "we", "wdata"):
                    m.d.comb += getattr(self, f"{memory}_{port}")[k].eq(getattr(lane, f"{memory}_{port}"))
                for port in ("gnt", "rdata"):
                    m.d.comb += getattr(lane, f"{memory}_{port}").eq(getattr(self, f"{memory}_{port}")[k])
            m.d.sync += lane.l1_rvalid.eq(lane.l1_req & lane.l1_gnt & ~lane.l1_we)
        return m

    def _registers(self, m: Module, waiting: Queue, started: Signal, done: Signal) -> None:
        """Build the registers, of one core in a cycle."""
        m.submodules.arbiter = arbiter = Arbiter(self.config.cores)
        each = range(self.config.cores)
        word, wdata, write, read = Signal(10), Signal(32), Signal(), Signal()
        held = Signal()
        fields = waiting.incoming.payload
        registers = {
            L2: (Signal(30, name="l2"), fields.l2),
            L1: (Signal(30, name="l1"), fields.l1),
            BYTES: (Signal(BYTES_BITS - 2, name="words"), fields.words),
            ROWS: (Signal(ROWS_BITS, name="rows"), fields.rows),
            L2_STRIDE: (Signal(30, name="l2_stride"), fields.l2_stride),
            L1_STRIDE: (Signal(BYTES_BITS - 2, name="l1_stride"), fields.l1_stride),
        }
        m.d.comb += [
            arbiter.requests.eq(self.req),
            arbiter.ready.eq(1),
            self.gnt.eq(arbiter.chosen),
            word.eq(selected(arbiter.chosen, [self.word[i] for i in each])),
            wdata.eq(selected(arbiter.chosen, [self.wdata[i] for i in each])),
            write.eq((arbiter.chosen & self.we).any()),
            read.eq((arbiter.chosen & ~self.we).any()),
            waiting.incoming.valid.eq(write & (word == START)),
            fields.to_l2.eq(wdata[0]),
        ]
        value = Signal(32)
        m.d.sync += self.rdata.eq(value)
        with m.Switch(word):
            with m.Case(CLAIM):
                free = ~held & waiting.incoming.ready
                with m.If(free):
                    m.d.comb += [value[:NUMBER_BITS].eq(started + 1), value[31].eq(1)]
                with m.If(read & free):
                    m.d.sync += held.eq(1)
            with m.Case(START), m.If(write):
                m.d.sync += held.eq(0)
                with m.If(waiting.incoming.ready):
                    m.d.sync += started.eq(started + 1)
            with m.Case(DONE):
                m.d.comb += value.eq(done)
            for number, (register, field) in registers.items():
                low = 0 if number == ROWS else 2
                m.d.comb += field.eq(register)
                with m.Case(number):
                    m.d.comb += value.eq(register if number == ROWS else Cat(0, 0, register)[:32])
                    with m.If(write):
                        m.d.sync += register.eq(wdata[low:])
