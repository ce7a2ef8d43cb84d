"""The core-agnostic unit: takes decoded instructions in program order, loads, and hands results back."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..coprocessor.commitment import Commitment
from .config import XfuConfig
from .execute import Execute
from .instruction import COUNTER_BITS
from .write_back import WriteBack


def instruction_layout(config: XfuConfig, tag_bits: int, name_bits: int = 0) -> data.StructLayout:
    """Return what the unit is told of an instruction.

    Fields: ``tag``, the name that commits have for it; ``committed``, it was committed before it came;
    ``swap``, it is xdecimate.counter; ``funct2``, of an xdecimate its group size as encoded, in a unit for
    more than one; ``rd``, 5 bits; ``rs1``, ``rs2``, ``rs3``, values of 32 bits. For two operands there is no
    ``rs2``, and ``offsets``: it is xdecimate.offsets, with ``swap``. ``name``, if it has bits, is what the
    host calls it by.
    """
    two = config.sources == 2
    return data.StructLayout(
        {
            "tag": tag_bits,
            "committed": 1,
            "swap": 1,
            **({"offsets": 1} if two else {}),
            **({"funct2": 2} if len(config.group_sizes) > 1 else {}),
            "rd": 5,
            "rs1": 32,
            **({} if two else {"rs2": 32}),
            "rs3": 32,
            **({"name": name_bits} if name_bits else {}),
        }
    )


class Unit(wiring.Component):
    """xDecimate and its counter behind streams; it knows no core.

    Two instructions at most are inside, as many as there are in a core's stages EX and WB::

                        commit, kill
                              |
                        +-----v-----+ committed +-----------+  address   +--------+
        instructions -->|  waiting  |---------->| executing |----------->| memory |
                        +-----^-----+           +-----^-----+            +---+----+
                              |                       |    byte, fault       |
                              | rd, if it is the same +----------------------+
                              +-----------------------+--> results: rd, merged; counter + 1

    Only what is committed executes: the load is never speculative, and nothing has to be undone. If it
    ``forwards``, a result goes to the younger instructions that write the same register, whose rs3 was read
    before it was written; else rs3 is rd's value whatever is in the unit.
    The counter changes when a result is taken; an instruction whose load failed gives rd as it was and
    leaves the counter as it was.

    Members
    -------
    instructions:
        Stream of ``instruction_layout``. rs3 is rd's value with everything done that is older and not in the
        unit.
    commit_valid, commit_tag, commit_kill:
        With ``commit_kill`` 0, everything up to this tag will complete; with 1, everything from this tag on
        that is here or comes in this cycle never happened, unless it is committed already. Comes in any
        cycle from the one in which the instruction comes. Until then no further instruction is taken.
        Tags are ordered modulo 2**tag_bits: of two, the one less than half of that ahead is the younger.
    offer_committed:
        This cycle's commit is also for the instruction in ``instructions.payload``, valid or not. Who offers
        an instruction for longer than a cycle keeps it for ``committed``.
    executing:
        There is an instruction that is committed and on its way to its result.
    loads:
        Stream of ``address``, and the instruction's ``tag``; 32-bit addresses wrap around.
    loaded_valid, loaded_byte, loaded_fault:
        The answer to a load, in the cycle of its transfer or any later one. A fault is anything but zero.
    results:
        Stream of ``tag``, ``rd``, ``data`` and ``fault`` (zero: none), and ``swap``: it was a swap; with
        ``offsets`` and ``name`` where instructions have them.
    counter:
        csr.

    One that is committed in the cycle after it came asks for its load in the next one. The result is there
    in the cycle of the answer, a swap's in that of the load.
    """

    def __init__(
        self, config: XfuConfig, *, tag_bits: int, fault_bits: int, name_bits: int = 0, forwards: bool = True
    ) -> None:
        self.forwards = forwards
        self.config = config
        self.layout = instruction_layout(config, tag_bits, name_bits)
        self.passed = {
            name: self.layout[name].width for name in ("offsets", "name") if name in dict(self.layout)
        }
        super().__init__(
            {
                "instructions": In(stream.Signature(self.layout)),
                "commit_valid": In(1),
                "commit_tag": In(tag_bits),
                "commit_kill": In(1),
                "offer_committed": Out(1),
                "executing": Out(1),
                "loads": Out(stream.Signature(data.StructLayout({"tag": tag_bits, "address": 32}))),
                "loaded_valid": In(1),
                "loaded_byte": In(8),
                "loaded_fault": In(fault_bits),
                "results": Out(
                    stream.Signature(
                        data.StructLayout(
                            {"tag": tag_bits, "swap": 1, "rd": 5, "data": 32, "fault": fault_bits}
                            | self.passed
                        )
                    )
                ),
                "counter": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        # Whether they hold an instruction is in ``commitment``, so that they need no reset.
        waiting = Signal(self.layout, reset_less=True)
        head = Signal(self.layout, reset_less=True)
        m.submodules.commitment = commitment = Commitment(len(waiting.tag))
        done = self._execute(m, head, commitment.executing)
        incoming = self.instructions.payload
        enters, advances = commitment.enters, commitment.advances
        m.d.comb += [
            commitment.offered.eq(self.instructions.valid),
            commitment.offered_tag.eq(incoming.tag),
            commitment.offered_committed.eq(incoming.committed),
            commitment.waiting_tag.eq(waiting.tag),
            commitment.commit_valid.eq(self.commit_valid),
            commitment.commit_tag.eq(self.commit_tag),
            commitment.commit_kill.eq(self.commit_kill),
            commitment.done.eq(done),
            self.instructions.ready.eq(commitment.ready),
            self.offer_committed.eq(commitment.offer_committed),
            self.executing.eq(commitment.executing),
        ]

        # rs3 of both younger ones was read before this result was written. (For register 0 that does no harm:
        # what is written there is lost.)
        with m.If(advances):
            m.d.sync += head.eq(waiting)
        with m.If(enters):
            m.d.sync += waiting.eq(incoming)
        followers = ((waiting, advances, head), (waiting, ~enters, waiting), (incoming, enters, waiting))
        for younger, follows, place in followers if self.forwards else ():
            with m.If(done & follows & (younger.rd == head.rd)):
                m.d.sync += place.rs3.eq(self.results.payload.data)
        return m

    def _execute(self, m: Module, head: data.View, valid: Signal) -> Signal:
        """Execute ``head`` if it is ``valid``; return whether it completes in this cycle."""
        m.submodules.execute = execute = Execute(self.config)
        m.submodules.write_back = write_back = WriteBack()
        counter = Signal(COUNTER_BITS)
        two = self.config.sources == 2
        offsets = Signal(32) if two else head.rs2
        m.d.comb += [
            self.counter.eq(counter),
            execute.counter.eq(counter),
            execute.offsets.eq(offsets),
        ]
        if len(self.config.group_sizes) > 1:
            m.d.comb += execute.funct2.eq(head.funct2)

        requested = Signal()
        answered = Signal()
        m.d.comb += [
            self.loads.valid.eq(valid & ~head.swap & ~requested),
            self.loads.payload.tag.eq(head.tag),
            self.loads.payload.address.eq(head.rs1 + execute.displacement),
        ]
        # The answer goes straight on to the result; it is kept while that is not taken.
        kept_byte = Signal.like(self.loaded_byte, reset_less=True)
        kept_fault = Signal.like(self.loaded_fault, reset_less=True)
        byte, fault = Signal.like(self.loaded_byte), Signal.like(self.loaded_fault)
        m.d.comb += [
            byte.eq(Mux(answered, kept_byte, self.loaded_byte)),
            fault.eq(Mux(answered, kept_fault, self.loaded_fault)),
            write_back.rd.eq(head.rs3),
            write_back.lane.eq(execute.lane),
            write_back.loaded.eq(byte),
        ]
        result = self.results.payload
        m.d.comb += [
            self.results.valid.eq(valid & (head.swap | self.loaded_valid | answered)),
            result.tag.eq(head.tag),
            result.swap.eq(head.swap),
            result.rd.eq(head.rd),
            *(result[name].eq(head[name]) for name in self.passed),
        ]
        with m.If(head.swap):
            m.d.comb += result.data.eq(Mux(head.offsets, offsets, counter) if two else counter)
        with m.Else():
            m.d.comb += [
                result.fault.eq(fault),
                result.data.eq(Mux(fault.any(), head.rs3, write_back.result)),
            ]

        done = Signal()
        m.d.comb += done.eq(self.results.valid & self.results.ready)
        with m.If(done):
            m.d.sync += [requested.eq(0), answered.eq(0)]
            with m.If(head.swap):
                m.d.sync += counter.eq(Mux(head.offsets, counter, head.rs1) if two else head.rs1)
                if two:
                    m.d.sync += offsets.eq(Mux(head.offsets, head.rs1, offsets))
            with m.Elif(~result.fault.any()):
                m.d.sync += counter.eq(counter + 1)
        with m.Else():
            with m.If(self.loads.valid & self.loads.ready):
                m.d.sync += requested.eq(1)
            with m.If(self.loaded_valid):
                m.d.sync += [answered.eq(1), kept_byte.eq(byte), kept_fault.eq(fault)]
        return done
