"""The bridge from a serial line to AXI4-Lite: requests are carried out a word at a time, and answered.

```
 line --> Receiver --> RequestReader --requests--> Bridge <--> AXI4-Lite
                             |                       |
                             +------- memory --------+
                                        |
 line <-- Transmitter <-- AnswerWriter <--answers----+
```

A write that is asked for again, because its answer was lost, is not carried out again: its sequence number
is that of the one before. Reads are. After a reset all but OPEN is refused, so that the sender learns of it.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .frames import WORDS, AnswerWriter, Command, RequestReader, Status
from .uart import Receiver, Transmitter

READ_DATA = data.StructLayout({"data": 32, "resp": 2})

PATIENCE = 1 << 14
"""Bits on the line, without a byte, after which a frame is given up: 16 ms of a megabaud."""


class SerialBridge(wiring.Component):
    """A manager of AXI4-Lite with 32 bits of address and data, driven by a serial line.

    Parameters
    ----------
    divisor:
        Clock cycles of a bit on the line, from 4.
    patience:
        Clock cycles without a byte after which a frame is given up.

    Ports
    -----
    receive, transmit:
        The line: in, of any clock; out.
    ar, aw:
        Streams out: addresses, of whole words.
    r, w, b:
        Streams: in ``data`` and ``resp``; out ``data``; in ``resp``.
    """

    def __init__(self, divisor: int, patience: int | None = None) -> None:
        self.divisor = divisor
        self.patience = PATIENCE * divisor if patience is None else patience
        super().__init__(
            {
                "receive": In(1, init=1),
                "transmit": Out(1, init=1),
                "ar": Out(stream.Signature(32)),
                "r": In(stream.Signature(READ_DATA)),
                "aw": Out(stream.Signature(32)),
                "w": Out(stream.Signature(32)),
                "b": In(stream.Signature(2)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.receiver = receiver = Receiver(self.divisor)
        m.submodules.transmitter = transmitter = Transmitter(self.divisor)
        m.submodules.reader = reader = RequestReader(self.patience)
        m.submodules.writer = writer = AnswerWriter()
        m.submodules.words = words = memory.Memory(shape=32, depth=WORDS, init=[])
        write, read = words.write_port(), words.read_port()
        # Block RAM is slow to give a word, and a byte of it goes through the checksum in one cycle.
        word = Signal(32, reset_less=True)
        m.d.sync += word.eq(read.data)
        wiring.connect(m, writer.bytes, transmitter.bytes)
        request, answer = reader.requests.payload, writer.answers.payload
        place, status = Signal(range(WORDS)), Signal(2)
        opened = Signal()
        # Of the write before: whether there is one, its sequence number, what was answered.
        written, sequence, said = Signal(), Signal(8, reset_less=True), Signal(2, reset_less=True)
        sent = Signal(2)  # of a write's address and data
        end, answering = Signal(), Signal()
        reads = request.command == Command.READ
        m.d.comb += [
            receiver.line.eq(self.receive),
            self.transmit.eq(transmitter.line),
            reader.data.eq(receiver.data),
            reader.valid.eq(receiver.valid),
            reader.requests.ready.eq(answering & writer.answers.ready),
            writer.answers.valid.eq(answering),
            writer.word.eq(word),
            answer.sequence.eq(request.sequence),
            answer.status.eq(status),
            answer.words.eq(Mux(reads & (status == Status.DONE), request.words, 0)),
            read.addr.eq(Mux(answering, writer.address, place)),
            write.addr.eq(reader.address),
            write.data.eq(reader.word),
            write.en.eq(reader.write),
            self.ar.payload.eq((request.address + (place << 2))[:32]),
            self.aw.payload.eq(self.ar.payload),
            self.w.payload.eq(word),
            end.eq(place == (request.words - 1)[:6]),
        ]
        with m.FSM():
            with m.State("idle"):
                m.d.sync += [place.eq(0), status.eq(Status.DONE)]
                with m.If(reader.requests.valid):
                    m.next = "answer"
                    with m.If(request.command == Command.OPEN):
                        m.d.sync += [opened.eq(1), written.eq(0)]
                    with m.Elif(~opened):
                        m.d.sync += status.eq(Status.CLOSED)
                    with m.Elif(reads):
                        m.next = "read"
                    with m.Elif(written & (sequence == request.sequence)):
                        m.d.sync += status.eq(said)
                    with m.Else():
                        m.next = "fetch"
            with m.State("read"):
                m.d.comb += self.ar.valid.eq(1)
                with m.If(self.ar.ready):
                    m.next = "data"
            with m.State("data"):
                m.d.comb += [
                    self.r.ready.eq(1),
                    write.addr.eq(place),
                    write.data.eq(self.r.payload.data),
                    write.en.eq(self.r.valid),
                ]
                with m.If(self.r.valid):
                    m.d.sync += place.eq(place + 1)
                    m.next = "read"
                    with m.If(self.r.payload.resp[1] | end):
                        m.next = "answer"
                    with m.If(self.r.payload.resp[1]):
                        m.d.sync += status.eq(Status.ERROR)
            with m.State("fetch"):
                m.next = "arrive"
            with m.State("arrive"):
                m.d.sync += sent.eq(0)
                m.next = "write"
            with m.State("write"):
                m.d.comb += [self.aw.valid.eq(~sent[0]), self.w.valid.eq(~sent[1])]
                now = sent | Cat(self.aw.ready, self.w.ready)
                m.d.sync += sent.eq(now)
                with m.If(now.all()):
                    m.next = "response"
            with m.State("response"):
                m.d.comb += self.b.ready.eq(1)
                with m.If(self.b.valid):
                    m.d.sync += place.eq(place + 1)
                    m.next = "fetch"
                    with m.If(self.b.payload[1] | end):
                        m.d.sync += [written.eq(1), sequence.eq(request.sequence), said.eq(Status.DONE)]
                        m.next = "answer"
                    with m.If(self.b.payload[1]):
                        m.d.sync += [status.eq(Status.ERROR), said.eq(Status.ERROR)]
            with m.State("answer"):
                m.d.comb += answering.eq(1)
                with m.If(writer.answers.ready):
                    m.next = "idle"
        return m
