"""The core-agnostic unit: takes decoded instructions in program order, loads, and hands results back."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import XfuConfig
from .execute import Execute
from .instruction import COUNTER_BITS
from .write_back import WriteBack


def instruction_layout(config: XfuConfig, tag_bits: int) -> data.StructLayout:
    """Return what the unit is told of an instruction: its kind, its name for commits, and its operands."""
    return data.StructLayout(
        {
            "tag": tag_bits,
            "swap": 1,
            **({"funct2": 2} if len(config.group_sizes) > 1 else {}),
            "rd": 5,
            "rs1": 32,
            "rs2": 32,
            "rs3": 32,
        }
    )


class Unit(wiring.Component):
    """xDecimate and its counter behind streams; it knows no core.

    Two instructions at most are inside, as many as wait in a core's execute and write-back stages::

                      +-------+      +-------+  address   +--------+
        instructions ->| newer |----->| older |----------->| memory |
                      +---^---+      +---^---+            +---|----+
                          |              |   counter, byte    | byte, fault
             commit, kill +--------------+   merge <----------+
                                         |     |
                    rd of the older one  +<----+---> results: rd, data

    Only the older one executes, and only once it is committed: the load is never speculative, and nothing
    has to be undone. Its result goes to the younger ones that write the same register, whose rs3 was read
    before it was written. The counter changes when a result is taken; an instruction whose load failed
    gives rd as it was and leaves the counter as it was.

    Members
    -------
    instructions:
        Stream of ``instruction_layout``. rs3 is rd's value with everything done that is older and not in the
        unit.
    commit_valid, commit_tag, commit_kill:
        The instruction of this tag will complete, or never happened. Comes in any cycle after the one in
        which the instruction came, once each. Commits of other tags mean nothing. Of two instructions with
        the same tag the older one must be committed when the newer one comes.
    loads:
        Stream of ``address``, and the instruction's ``tag``; 32-bit addresses wrap around.
    loaded_valid, loaded_byte, loaded_fault:
        The answer to a load, in the cycle of its transfer or any later one. A fault is anything but zero.
    results:
        Stream of ``tag``, ``rd``, ``data`` and ``fault`` (zero: none), and ``swap``: it was the swap.
    counter:
        csr.

    A result is there in the cycle in which the load is answered, a swap's as soon as it is older and
    committed.
    """

    def __init__(self, config: XfuConfig, *, tag_bits: int, fault_bits: int) -> None:
        self.config = config
        self.layout = instruction_layout(config, tag_bits)
        super().__init__(
            {
                "instructions": In(stream.Signature(self.layout)),
                "commit_valid": In(1),
                "commit_tag": In(tag_bits),
                "commit_kill": In(1),
                "loads": Out(stream.Signature(data.StructLayout({"tag": tag_bits, "address": 32}))),
                "loaded_valid": In(1),
                "loaded_byte": In(8),
                "loaded_fault": In(fault_bits),
                "results": Out(
                    stream.Signature(
                        data.StructLayout(
                            {"tag": tag_bits, "swap": 1, "rd": 5, "data": 32, "fault": fault_bits}
                        )
                    )
                ),
                "counter": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        older, newer = Signal(self.layout), Signal(self.layout)
        older_valid, newer_valid = Signal(), Signal()
        older_committed, newer_committed = Signal(), Signal()
        done = self._execute(m, older, older_valid & older_committed)

        # Where each of the three goes: the two inside, and the one that comes in.
        incoming = self.instructions.payload
        m.d.comb += self.instructions.ready.eq(~newer_valid | done)
        committed, killed = [], []
        for tag, already in ((older.tag, older_committed), (newer.tag, newer_committed)):
            hit = self.commit_valid & (self.commit_tag == tag)
            committed.append(already | hit & ~self.commit_kill)
            killed.append(~already & hit & self.commit_kill)
        older_stays, newer_stays, enters = Signal(), Signal(), Signal()
        m.d.comb += [
            older_stays.eq(older_valid & ~done & ~killed[0]),
            newer_stays.eq(newer_valid & ~killed[1]),
            enters.eq(self.instructions.valid & self.instructions.ready),
        ]

        # rs3 of both younger ones was read before this result was written. Register 0 takes no result.
        forwarded = []
        for younger in (newer, incoming):
            entry = Signal(self.layout)
            m.d.comb += entry.eq(younger)
            with m.If(done & (younger.rd == older.rd) & (older.rd != 0)):
                m.d.comb += entry.rs3.eq(self.results.payload.data)
            forwarded.append(entry)
        newer_next, incoming_next = forwarded

        with m.If(older_stays):
            m.d.sync += older_committed.eq(committed[0])
        with m.Elif(newer_stays):
            m.d.sync += [older.eq(newer_next), older_committed.eq(committed[1])]
        with m.Else():
            m.d.sync += [older.eq(incoming_next), older_committed.eq(0)]
        with m.If(older_stays & newer_stays):
            m.d.sync += [newer.eq(newer_next), newer_committed.eq(committed[1])]
        with m.Else():
            m.d.sync += [newer.eq(incoming_next), newer_committed.eq(0)]
        m.d.sync += [
            older_valid.eq(older_stays | newer_stays | enters),
            newer_valid.eq(Mux(older_stays, newer_stays | enters, newer_stays & enters)),
        ]
        return m

    def _execute(self, m: Module, head: data.View, may: Signal) -> Signal:
        """Execute ``head`` while ``may``; return whether it completes in this cycle."""
        m.submodules.execute = execute = Execute(self.config)
        m.submodules.write_back = write_back = WriteBack()
        counter = Signal(COUNTER_BITS)
        m.d.comb += [
            self.counter.eq(counter),
            execute.counter.eq(counter),
            execute.offsets.eq(head.rs2),
        ]
        if len(self.config.group_sizes) > 1:
            m.d.comb += execute.funct2.eq(head.funct2)

        requested, answered = Signal(), Signal()
        m.d.comb += [
            self.loads.valid.eq(may & ~head.swap & ~requested),
            self.loads.payload.tag.eq(head.tag),
            self.loads.payload.address.eq(head.rs1 + execute.displacement),
        ]
        # The answer goes straight on to the result; it is kept while that is not taken.
        kept_byte, kept_fault = Signal.like(self.loaded_byte), Signal.like(self.loaded_fault)
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
            self.results.valid.eq(may & (head.swap | self.loaded_valid | answered)),
            result.tag.eq(head.tag),
            result.swap.eq(head.swap),
            result.rd.eq(head.rd),
        ]
        with m.If(head.swap):
            m.d.comb += result.data.eq(counter)
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
                m.d.sync += counter.eq(head.rs1)
            with m.Elif(~result.fault.any()):
                m.d.sync += counter.eq(counter + 1)
        with m.Else():
            with m.If(self.loads.valid & self.loads.ready):
                m.d.sync += requested.eq(1)
            with m.If(self.loaded_valid):
                m.d.sync += [answered.eq(1), kept_byte.eq(byte), kept_fault.eq(fault)]
        return done
