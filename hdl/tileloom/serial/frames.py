"""Frames on the line: requests that come in, answers that go out, each with a checksum.

```
 request  A5 | sequence | command | words | address, 4 bytes | data, of a write | CRC-32
 answer   5A | sequence | status  | words                    | data, of a read  | CRC-32
```

Numbers have their lowest byte first. The CRC is that of Ethernet and zlib, of all bytes between the mark and
itself. A frame that is damaged, or stops, is dropped without an answer: bytes are passed over until the next
mark. Data is kept in a memory of 64 words beside reader and writer, which the bridge shares.
"""

from __future__ import annotations

import enum

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

REQUEST_MARK, ANSWER_MARK = 0xA5, 0x5A

WORDS = 64
"""Of 32 bits that a frame has at most."""

_HEADER = 7
_FIELDS = (0, 8), (8, 16), (16, 24), (24, 56)
"""Bits of the sequence, the command, the words and the address in the header."""


class Command(enum.IntEnum):
    """What a request asks for."""

    OPEN = 0
    """That requests be carried out from now on: after a reset none is."""
    READ = 1
    WRITE = 2


class Status(enum.IntEnum):
    """What an answer says."""

    DONE = 0
    ERROR = 1
    """The bus answered one of the words with an error; those behind it are not carried out."""
    CLOSED = 2
    """There was a reset, and no OPEN since."""


REQUEST = data.StructLayout({"sequence": 8, "command": 2, "words": 7, "address": 32})
ANSWER = data.StructLayout({"sequence": 8, "status": 2, "words": 7})


class RequestReader(wiring.Component):
    """Finds requests among the bytes that come.

    Parameters
    ----------
    patience:
        Clock cycles without a byte after which a frame is given up.

    Ports
    -----
    data, valid:
        In: a byte.
    requests:
        Stream out. While one is on offer, bytes are passed over.
    address, word, write:
        Out: to the memory, data of a frame that may yet turn out damaged.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "requests": Out(stream.Signature(REQUEST)),
                "address": Out(range(WORDS)),
                "word": Out(32),
                "write": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        header, earlier = Signal(8 * _HEADER, reset_less=True), Signal(24, reset_less=True)
        # Of the frame's bytes the first of data is 0; the header's are below.
        place = Signal(signed(10))
        waited = Signal(range(self.patience))
        sequence, command, words, address = (header[begin:end] for begin, end in _FIELDS)
        length = Mux(command == Command.WRITE, words, 0)
        m.d.comb += [
            self.requests.payload.sequence.eq(sequence),
            self.requests.payload.command.eq(command[:2]),
            self.requests.payload.words.eq(words[:7]),
            self.requests.payload.address.eq(address),
            self.address.eq(place[2:]),
            self.word.eq(Cat(earlier, self.data)),
            crc.data.eq(self.data),
        ]
        with m.FSM():
            with m.State("hunt"):
                m.d.comb += crc.start.eq(1)
                m.d.sync += [place.eq(-_HEADER), waited.eq(0)]
                with m.If(self.valid & (self.data == REQUEST_MARK)):
                    m.next = "frame"
            with m.State("frame"):
                m.d.comb += crc.valid.eq(self.valid)
                with m.If(self.valid):
                    m.d.sync += [place.eq(place + 1), waited.eq(0), earlier.eq(Cat(earlier[8:], self.data))]
                    with m.If(place < 0):
                        m.d.sync += header.eq(Cat(header[8:], self.data))
                    with m.Else():
                        with m.If(place == Cat(Const(3, 2), length[:7])):
                            m.next = "judge"
                        with m.Else():  # the checksum's bytes would be a word, too
                            m.d.comb += self.write.eq(place[:2] == 3)
                with m.Else():
                    m.d.sync += waited.eq(waited + 1)
                    with m.If(waited == self.patience - 1):
                        m.next = "hunt"
            with m.State("judge"):
                possible = (words <= WORDS) & Mux(command == Command.OPEN, words == 0, words != 0)
                m.next = "hunt"
                with m.If(crc.match_detected & (command <= Command.WRITE) & possible):
                    m.next = "offer"
            with m.State("offer"):
                m.d.comb += self.requests.valid.eq(1)
                with m.If(self.requests.ready):
                    m.next = "hunt"
        return m


class AnswerWriter(wiring.Component):
    """Sends answers.

    Ports
    -----
    answers:
        Stream in; one is taken when its last byte is. ``words`` is 0 but for a read.
    address, word:
        To the memory: the data, two cycles later.
    bytes:
        Stream out.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "answers": In(stream.Signature(ANSWER)),
                "address": Out(range(WORDS)),
                "word": In(32),
                "bytes": Out(stream.Signature(8)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        answer = self.answers.payload
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8).create()
        place = Signal(range(4 * WORDS))
        taken = Signal()
        m.d.comb += [
            taken.eq(self.bytes.valid & self.bytes.ready),
            crc.data.eq(self.bytes.payload),
            self.address.eq(place[2:]),
        ]
        with m.If(taken):
            m.d.sync += place.eq(place + 1)
        with m.FSM():
            with m.State("mark"):
                m.d.comb += [self.bytes.payload.eq(ANSWER_MARK), self.bytes.valid.eq(self.answers.valid)]
                m.d.comb += crc.start.eq(1)
                with m.If(taken):
                    m.d.sync += place.eq(0)
                    m.next = "header"
            with m.State("header"):
                header = Array([answer.sequence, answer.status, answer.words])
                m.d.comb += [
                    self.bytes.payload.eq(header[place[:2]]),
                    self.bytes.valid.eq(1),
                    crc.valid.eq(taken),
                ]
                with m.If(taken & (place[:2] == 2)):
                    m.d.sync += place.eq(0)
                    m.next = "check"
                    with m.If(answer.words != 0):
                        m.next = "fetch"
            with m.State("fetch"):  # the memory is asked
                m.next = "arrive"
            with m.State("arrive"):
                m.next = "data"
            with m.State("data"):
                m.d.comb += [
                    self.bytes.payload.eq(self.word.word_select(place[:2], 8)),
                    self.bytes.valid.eq(1),
                    crc.valid.eq(taken),
                ]
                with m.If(taken & (place[:2] == 3)):
                    m.next = "fetch"
                    with m.If(place[2:] == (answer.words - 1)[:6]):
                        m.d.sync += place.eq(0)
                        m.next = "check"
            with m.State("check"):
                m.d.comb += [
                    self.bytes.payload.eq(crc.crc.word_select(place[:2], 8)),
                    self.bytes.valid.eq(1),
                ]
                with m.If(taken & (place[:2] == 3)):
                    m.d.comb += self.answers.ready.eq(1)
                    m.next = "mark"
        return m
