"""The unit on CORE-V-XIF 1.0, written from its specification, for any host that follows it.

docs/hosts.md has what every port means and what a host must do. Sections named here are those of the
specification, docs/source/x_ext.rst of github.com/openhwgroup/core-v-xif, v1.0.0.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring

from ..coprocessor.cv_x_if import members_of_1
from ..hierarchy import add_shared
from .config import XfuConfig
from .decode import Decode
from .load_port import LoadPort, port_members
from .unit import Unit

SEQUENCE_BITS = 2
"""Of the unit's tags: they tell the instruction that waits from the one on offer, which is the next."""


class CvXIf1(wiring.Component):
    """The coprocessor side of CORE-V-XIF 1.0 for one hart, with the unit's own load port.

    ::

        issue, register --> Decode --> Unit --> result
               | hartid, id              ^ |
               v                         | v
        commit --> order --- sequence ---+ LoadPort --> OBI

    - X_ISSUE_REGISTER_SPLIT is 0: registers come with the offer. Ready waits for those that the instruction
      reads, and for no others; a word of somebody else's is rejected at once.
    - Commits and kills are for any number of instructions, in any cycle from the first of the offer on
      ("Commit interface"). Ids count up, with gaps, around the whole of their range ("Identification"): which
      of two is younger is told by the newest id that was offered, so that no more than the specification's
      rule bounds what is in flight. What was killed while it was on offer is dropped if it is offered on.
    - An offer may be taken back or changed in any cycle; a commit or a kill of it is forgotten then.
    - ``we`` is what ``writeback`` was ("Result interface"), also after a failed load, with rd as it was:
      1.0 without its memory interface has no way to tell. ``load_error`` says so, an interrupt line, until an
      ``xdecimate.counter`` completes.
    - No path leads from ``rs`` and ``rs_valid`` to the result ("Signal dependencies"): an instruction loads
      in the cycle after the one in which it is both accepted and committed, at the soonest.

    Ports are those of ``coprocessor.cv_x_if.members_of_1`` and ``load_port.port_members``.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        self.name_bits = config.id_width + config.hartid_width
        ports = members_of_1(config.id_width, config.hartid_width, config.sources)
        super().__init__(ports | port_members())

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        unit = add_shared(
            m,
            platform,
            "unit",
            "unit",
            # The host gives rd's value itself: another instruction than ours may have written it meanwhile.
            lambda: Unit(
                self.config, tag_bits=SEQUENCE_BITS, fault_bits=1, name_bits=self.name_bits, forwards=False
            ),
        )
        m.submodules.load_port = port = LoadPort()
        self._issue(m, unit)
        port.connect(m, self)
        m.d.comb += [
            port.load_valid.eq(unit.loads.valid),
            port.load_address.eq(unit.loads.payload.address),
            unit.loads.ready.eq(port.load_ready),
            unit.loaded_valid.eq(port.loaded_valid),
            unit.loaded_byte.eq(port.loaded_byte),
            unit.loaded_fault.eq(port.loaded_fault),
        ]
        self._result(m, unit)
        return m

    def _issue(self, m: Module, unit: Unit) -> None:
        m.submodules.decode = decode = Decode(self.config)
        two = self.config.sources == 2
        swaps = decode.swap | decode.swap_offsets if two else decode.swap
        ours, registers = Signal(), Signal()
        m.d.comb += [
            decode.word.eq(self.issue_instr),
            ours.eq(decode.decimate | swaps),
            registers.eq(self.register_valid & self.register_rs_valid[0]),
        ]
        with m.If(decode.decimate):
            m.d.comb += registers.eq(self.register_valid & self.register_rs_valid.all())

        # What has come for an instruction in the earlier cycles of its offer.
        name = Cat(self.issue_id, self.issue_hartid)
        newest = Signal(self.name_bits)
        accepted = Signal(self.name_bits)
        sequence = Signal(SEQUENCE_BITS)
        on_offer = Signal()
        committed = Signal()
        killed = Signal()
        same = on_offer & (newest == name)
        was_committed, was_killed = same & committed, same & killed
        commits, kills = self._order(m, unit, accepted, newest, sequence)
        m.d.sync += [
            on_offer.eq(self.issue_valid & ~self.issue_ready),
            committed.eq(was_committed | commits),
            killed.eq(was_killed | kills & ~was_committed),
        ]
        with m.If(self.issue_valid):
            m.d.sync += newest.eq(name)

        instruction, enters = unit.instructions.payload, Signal()
        m.d.comb += [
            unit.instructions.valid.eq(self.issue_valid & ours & registers & ~was_killed),
            instruction.tag.eq(sequence),
            instruction.name.eq(name),
            instruction.committed.eq(was_committed),
            instruction.swap.eq(swaps),
            instruction.rd.eq(decode.rd),
            instruction.rs1.eq(self.register_rs1),
            instruction.rs3.eq(self.register_rs2 if two else self.register_rs3),
            enters.eq(unit.instructions.valid & unit.instructions.ready),
            self.issue_ready.eq(~ours | registers & unit.instructions.ready),
            self.register_ready.eq(self.issue_ready),
            self.issue_accept.eq(ours),
            self.issue_writeback.eq(ours),
            self.issue_register_read.eq(Mux(decode.decimate, 2**self.config.sources - 1, swaps)),
        ]
        if two:
            m.d.comb += instruction.offsets.eq(decode.swap_offsets)
        else:
            m.d.comb += instruction.rs2.eq(self.register_rs2)
        if len(self.config.group_sizes) > 1:
            m.d.comb += instruction.funct2.eq(decode.funct2)
        with m.If(enters):
            m.d.sync += [sequence.eq(sequence + 1), accepted.eq(name)]

    def _order(
        self, m: Module, unit: Unit, accepted: Value, newest: Value, sequence: Value
    ) -> tuple[Value, Value]:
        """Tell the unit what is committed or killed; return whether the instruction on offer is either.

        An id that is younger than the instruction accepted last lies between that one's and the newest that
        was offered, around the range. Every other is older, or its own. A kill is always one of what is on
        offer, too, which is the youngest of all.
        """
        width = len(self.commit_id)
        accepted = accepted[:width]
        valid, offered, at, younger = Signal(), Signal(), Signal(), Signal()
        beyond, span = Signal(width), Signal(width)
        hart = Mux(self.issue_valid, self.issue_hartid, newest[width:])
        m.d.comb += [
            valid.eq(self.commit_valid & (self.commit_hartid == hart)),
            beyond.eq(self.commit_id - accepted),
            span.eq(Mux(self.issue_valid, self.issue_id, newest[:width]) - accepted),
            at.eq(beyond == 0),
            younger.eq(~at & (beyond <= span)),
            offered.eq(self.issue_valid & (self.commit_id == self.issue_id)),
            unit.commit_kill.eq(self.commit_kill),
            unit.commit_tag.eq(Mux(offered | self.commit_kill & younger, sequence, sequence - 1)),
            unit.commit_valid.eq(valid & (offered | at | younger | self.commit_kill)),
        ]
        return valid & ~self.commit_kill & offered, valid & self.commit_kill

    def _result(self, m: Module, unit: Unit) -> None:
        result = unit.results.payload
        m.d.comb += [
            self.result_valid.eq(unit.results.valid),
            unit.results.ready.eq(self.result_ready),
            Cat(self.result_id, self.result_hartid).eq(result.name),
            self.result_data.eq(result.data),
            self.result_rd.eq(result.rd),
            self.result_we.eq(1),
        ]
        swaps = result.swap & ~result.offsets if self.config.sources == 2 else result.swap
        with m.If(unit.results.valid & result.fault.any()):
            m.d.sync += self.load_error.eq(1)
        with m.Elif(unit.results.valid & self.result_ready & swaps):
            m.d.sync += self.load_error.eq(0)
