"""A lane of the DMA engine: moves every so-manieth word of a transfer, reads ahead of its writes."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..stream.queue import Queue
from .config import ClusterConfig

BYTES_BITS, ROWS_BITS = 18, 16


def transfer_layout() -> data.StructLayout:
    """Return the fields of a transfer: addresses and strides in words, ``words`` of a row."""
    return data.StructLayout(
        {
            "to_l2": 1,
            "l2": 30,
            "l1": 30,
            "words": BYTES_BITS - 2,
            "rows": ROWS_BITS,
            "l2_stride": 30,
            "l1_stride": BYTES_BITS - 2,
        }
    )


class Walker(wiring.Component):
    """The addresses of a lane's words, row by row.

    ``start`` (in) loads ``first`` (address of the lane's first word), ``stride``, ``words`` of a row that are
    the lane's, and ``rows``; ``step`` (in) goes on to the next word. ``word`` (out) is the address while
    ``active`` (out). In words, 30 bits.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(
            {
                "start": In(1),
                "first": In(30),
                "stride": In(30),
                "words": In(BYTES_BITS - 2),
                "rows": In(ROWS_BITS),
                "step": In(1),
                "word": Out(30),
                "active": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        row, stride = Signal(30), Signal(30)
        words, left = Signal(BYTES_BITS - 2), Signal(BYTES_BITS - 2)
        rows = Signal(ROWS_BITS)
        m.d.comb += self.active.eq(rows != 0)
        with m.If(self.start):
            m.d.sync += [
                self.word.eq(self.first),
                row.eq(self.first),
                stride.eq(self.stride),
                words.eq(self.words),
                left.eq(self.words),
                rows.eq(Mux(self.words == 0, 0, self.rows)),
            ]
        with m.Elif(self.step):
            with m.If(left == 1):
                m.d.sync += [
                    self.word.eq(row + stride),
                    row.eq(row + stride),
                    left.eq(words),
                    rows.eq(rows - 1),
                ]
            with m.Else():
                m.d.sync += [self.word.eq(self.word + self.lanes), left.eq(left - 1)]
        return m


class Lane(wiring.Component):
    """Lane ``number``: words ``number``, ``number`` + lanes, ... of each row, read, queued and written.

    ::

        from L2, latency 3    cycle  0   1   2   3   4   5   6   7
        start                        -\\_____________________________
        L2 req = gnt                 ___/-----------\\_______________    a word each cycle, while there is
        L2 rvalid                    ______________/------------\\___    room for all that are on their way
        L1 req = gnt                 ___________________/-----------\\

    Ports: ``start`` and ``transfer`` (in), ``finished`` (out): nothing is left to do. ``l1_`` and ``l2_``
    ``req``, ``gnt``, ``word``, ``we``, ``wdata``, ``rvalid`` and ``rdata``, with addresses in words; one side
    is read and the other written.
    """

    def __init__(self, config: ClusterConfig, number: int) -> None:
        self.config, self.number = config, number
        side = {
            "req": Out(1),
            "gnt": In(1),
            "word": Out(30),
            "we": Out(1),
            "wdata": Out(32),
            "rvalid": In(1),
            "rdata": In(32),
        }
        super().__init__(
            {
                "start": In(1),
                "transfer": In(transfer_layout()),
                "finished": Out(1),
                **{f"{memory}_{port}": member for memory in ("l1", "l2") for port, member in side.items()},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        lanes, depth = self.config.dma_lanes, self.config.lane_words
        m.submodules.reads = reads = Walker(lanes)
        m.submodules.writes = writes = Walker(lanes)
        m.submodules.queue = queue = Queue(32, depth)
        transfer, to_l2 = self.transfer, Signal()
        held = Signal(range(depth + 1))  # words that are asked for and not yet written
        unanswered = Signal(range(depth + 1))  # writes to L2
        words = Signal(BYTES_BITS - 2)
        m.d.comb += words.eq((transfer.words + (lanes - 1 - self.number)) // lanes)
        with m.If(self.start):
            m.d.sync += to_l2.eq(transfer.to_l2)
        l1, l2 = (
            {"first": first + self.number, "stride": stride}
            for first, stride in ((transfer.l1, transfer.l1_stride), (transfer.l2, transfer.l2_stride))
        )
        for walker, of_l2, other in ((reads, l2, l1), (writes, l1, l2)):
            m.d.comb += [
                walker.start.eq(self.start),
                walker.first.eq(Mux(transfer.to_l2, other["first"], of_l2["first"])),
                walker.stride.eq(Mux(transfer.to_l2, other["stride"], of_l2["stride"])),
                walker.words.eq(words),
                walker.rows.eq(transfer.rows),
            ]
        asks, offers = Signal(), Signal()
        m.d.comb += [
            asks.eq(reads.active & (held != depth)),
            offers.eq(queue.outgoing.valid & (unanswered != depth)),
            self.l2_req.eq(Mux(to_l2, offers, asks)),
            self.l1_req.eq(Mux(to_l2, asks, offers)),
            self.l2_we.eq(to_l2),
            self.l1_we.eq(~to_l2),
            self.l2_word.eq(Mux(to_l2, writes.word, reads.word)),
            self.l1_word.eq(Mux(to_l2, reads.word, writes.word)),
            self.l2_wdata.eq(queue.outgoing.payload),
            self.l1_wdata.eq(queue.outgoing.payload),
            reads.step.eq(asks & Mux(to_l2, self.l1_gnt, self.l2_gnt)),
            writes.step.eq(offers & Mux(to_l2, self.l2_gnt, self.l1_gnt)),
            queue.outgoing.ready.eq(writes.step),
            queue.incoming.valid.eq(Mux(to_l2, self.l1_rvalid, self.l2_rvalid)),
            queue.incoming.payload.eq(Mux(to_l2, self.l1_rdata, self.l2_rdata)),
            self.finished.eq(~writes.active & (unanswered == 0)),
        ]
        m.d.sync += [
            held.eq(held + reads.step - writes.step),
            unanswered.eq(unanswered + (to_l2 & writes.step) - (to_l2 & self.l2_rvalid)),
        ]
        return m
