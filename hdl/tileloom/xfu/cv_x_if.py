"""The unit on CV-X-IF: for CV32E40X as PyPI has it (pythondata-cpu-cv32e40x 0.6.0), and hosts like it.

docs/xdecimate.md has what every port means and what a host must do.
"""

from __future__ import annotations

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import data, wiring

from ..coprocessor.cv32e40x import IssueGuard
from ..coprocessor.cv_x_if import members
from ..hierarchy import add_shared
from .config import XfuConfig
from .decode import Decode
from .unit import Unit

MACHINE_MODE = 3
"""The one privilege level of CV32E40X."""

LOAD_ACCESS_FAULT = 5
"""mcause of a load that memory refuses (RISC-V Privileged ISA, "Machine Cause Register")."""

FAULT = data.StructLayout({"err": 1, "exc": 1, "exccode": 6})
"""What can be wrong with a load."""

INTERRUPT_CYCLES = 6
"""For how long a failed load holds its result back; from ``load_error`` to a pending interrupt it takes 2."""


class CvXIf(wiring.Component):
    """The coprocessor side of CV-X-IF, with X_NUM_RS = 3 and X_MEM_WIDTH = 32.

    Ports are those of ``coprocessor.cv_x_if.members``; what else the core reads is constant 0.

    ::

        issue  --> Decode --accept--> Unit <---- commit
          |          IssueGuard        |  ^
          |  word in ID, mem_ready     v  |
          +----------------------> mem, mem_result     (the core's load/store unit)
                                       |
        result <--------- load_error --+

    - An instruction is accepted when ``IssueGuard`` says so; everything else is rejected at once. Without a
      ``guard`` nothing is waited for but registers, the load is requested as soon as the instruction is
      committed, and no result is held back.
    - Commits and kills are those of CORE-V-XIF 1.0, "Commit interface": in any cycle from the first of the
      offer on; a commit for its id and all older ones, a kill for its id and all younger ones. A kill does
      not reach an instruction that is offered and not taken in that cycle: CV32E40X kills a rejected CSR
      instruction alone, while the next one is offered under the same id or the one after it.
    - The load is requested while ``result_ready`` says that the instruction is in WB. The core can do
      nothing with a request at another time: a request in EX makes EX keep what it hands to WB.
    - ``result_valid`` follows ``mem_result_valid`` in the same cycle, for the load/store unit starts the load
      of the next instruction in EX again and again while WB is empty of loads but not ready.
    - A failed load leaves rd and the counter as they were. ``result_err`` says so, with ``precise_errors``
      also ``result_exc``, at which the core should trap, and where CV32E40X does no more than to keep the
      next instruction in EX and not to write rd. ``load_error``, to be connected to ``irq_i[31]``, makes it
      trap: it is raised while the result is held back, so that the interrupt comes before the next
      instruction, and stays until an ``xdecimate.counter`` has completed. mepc - 4 is the instruction that
      failed.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        super().__init__(members(config.id_width))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        # Shared, so that its ports have its own names in the netlist, too: checks drive them.
        unit = add_shared(
            m,
            platform,
            "unit",
            "unit",
            # CV32E40X does not forward rs[2]; other hosts do.
            lambda: Unit(
                self.config,
                tag_bits=self.config.id_width,
                fault_bits=FAULT.size,
                forwards=self.config.for_cv32e40x,
            ),
        )
        self._issue(m, unit)
        m.d.comb += [
            unit.commit_valid.eq(self.commit_valid),
            unit.commit_tag.eq(self.commit_id),
            unit.commit_kill.eq(self.commit_kill),
        ]
        self._load(m, unit)
        self._result(m, unit)
        return m

    def _issue(self, m: Module, unit: Unit) -> None:
        m.submodules.decode = decode = Decode(self.config)
        ours, operands_valid = Signal(), Signal()
        m.d.comb += [
            decode.word.eq(self.issue_instr),
            ours.eq(decode.decimate | decode.swap),
            operands_valid.eq(self.issue_rs_valid[0] & (decode.swap | self.issue_rs_valid.all())),
        ]
        clear = self._clear(m, unit, ours) if self.config.guard else Const(1)

        # An instruction may be committed while it is still offered.
        takes, committed = Signal(), Signal()
        m.d.sync += committed.eq(self.issue_valid & ~self.issue_ready & (committed | unit.offer_committed))
        instruction = unit.instructions.payload
        m.d.comb += [
            takes.eq(ours & operands_valid & clear),
            unit.instructions.valid.eq(self.issue_valid & takes),
            instruction.tag.eq(self.issue_id),
            instruction.committed.eq(committed),
            instruction.swap.eq(decode.swap),
            instruction.rd.eq(decode.rd),
            instruction.rs1.eq(self.issue_rs1),
            instruction.rs2.eq(self.issue_rs2),
            instruction.rs3.eq(self.issue_rs3),
            self.issue_ready.eq(~ours | takes & unit.instructions.ready),
            self.issue_accept.eq(ours),
            self.issue_writeback.eq(ours),
            self.issue_loadstore.eq(decode.decimate),
            self.issue_exc.eq(decode.decimate & self.config.precise_errors),
        ]
        if len(self.config.group_sizes) > 1:
            m.d.comb += instruction.funct2.eq(decode.funct2)

    def _clear(self, m: Module, unit: Unit, ours: Value) -> Value:
        """Return whether CV32E40X takes the instruction in ID to EX, with all of its registers up to date."""
        m.submodules.guard = guard = IssueGuard()
        m.d.comb += [guard.word.eq(self.issue_instr), guard.ours.eq(ours)]
        # An instruction in WB that may trap keeps the next one in EX; a swap does not trap.
        held = Const(0)
        if self.config.precise_errors:
            held = self.result_ready & unit.executing & ~unit.results.payload.swap
        m.d.comb += guard.moving.eq(self.mem_ready & ~self.mem_valid & ~held)
        return guard.clear

    def _load(self, m: Module, unit: Unit) -> None:
        may_begin = Const(1)
        if self.config.guard:
            # A request that has begun goes on until it is taken.
            begun = Signal()
            may_begin = self.result_ready | begun
            m.d.sync += begun.eq(self.mem_valid & ~self.mem_ready)
        m.d.comb += self.mem_valid.eq(unit.loads.valid & may_begin)
        address = unit.loads.payload.address
        place = Signal(2)
        m.d.comb += [
            unit.loads.ready.eq(self.mem_ready & self.mem_valid),
            self.mem_id.eq(unit.loads.payload.tag),
            self.mem_addr.eq(address),
            self.mem_mode.eq(MACHINE_MODE),
            self.mem_we.eq(0),
            self.mem_size.eq(0),
            self.mem_be.eq(1 << address[:2]),
            self.mem_attr.eq(0),
            self.mem_wdata.eq(0),
            self.mem_last.eq(1),
            self.mem_spec.eq(0),
        ]
        with m.If(self.mem_valid):
            m.d.sync += place.eq(address[:2])

        # A request that causes an exception has no result.
        refused, fault = Signal(), Signal(FAULT)
        m.d.comb += [
            refused.eq(self.mem_valid & self.mem_ready & self.mem_exc),
            unit.loaded_valid.eq(
                refused | self.mem_result_valid & (self.mem_result_id == unit.results.payload.tag)
            ),
            unit.loaded_byte.eq(self.mem_result_rdata.word_select(place, 8)),
            unit.loaded_fault.eq(fault),
        ]
        with m.If(refused):
            m.d.comb += [fault.exc.eq(1), fault.exccode.eq(self.mem_exccode)]
        with m.Elif(self.mem_result_err):
            m.d.comb += fault.err.eq(1)
            if self.config.precise_errors:
                m.d.comb += [fault.exc.eq(1), fault.exccode.eq(LOAD_ACCESS_FAULT)]

    def _result(self, m: Module, unit: Unit) -> None:
        result = unit.results.payload
        fault = data.View(FAULT, result.fault)
        fails, held = Signal(), Const(0)
        m.d.comb += fails.eq(unit.results.valid & result.fault.any())
        if self.config.precise_errors and self.config.guard:
            waited = Signal(range(INTERRUPT_CYCLES + 1))
            held = fails & (waited != INTERRUPT_CYCLES)
            with m.If(held):
                m.d.sync += waited.eq(waited + 1)
            with m.Elif(unit.results.ready):
                m.d.sync += waited.eq(0)
        taken = Signal()
        m.d.comb += [
            self.result_valid.eq(unit.results.valid & ~held),
            unit.results.ready.eq(self.result_ready & ~held),
            taken.eq(self.result_valid & self.result_ready),
            self.result_id.eq(result.tag),
            self.result_data.eq(result.data),
            self.result_rd.eq(result.rd),
            self.result_we.eq(~fault.exc),
            self.result_exc.eq(fault.exc),
            self.result_exccode.eq(fault.exccode),
            self.result_err.eq(fault.err),
        ]
        with m.If(fails):
            m.d.sync += self.load_error.eq(1)
        with m.Elif(taken & result.swap):
            m.d.sync += self.load_error.eq(0)
