"""The array on CV-X-IF: for CV32E40X as PyPI has it (pythondata-cpu-cv32e40x 0.6.0), and hosts like it."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring

from ...coprocessor.commitment import Commitment
from ...coprocessor.cv32e40x import IssueGuard
from ...coprocessor.cv_x_if import members
from ...hierarchy import add_shared
from ..config import SystolicConfig
from .decode import OPERATION_BITS, Decode
from .unit import Unit

REQUEST = ("valid", "id", "addr", "mode", "we", "size", "be", "attr", "wdata", "last", "spec")
SILENT = (
    *("issue_loadstore", "issue_exc", "result_exc", "result_exccode", "result_err", "load_error"),
    *(f"mem_{name}" for name in REQUEST),
)
"""Outputs that are 0: no instruction loads, stores or traps."""


class CvXIf(wiring.Component):
    """The coprocessor's side of CV-X-IF, with the ports of ``coprocessor.cv_x_if.members``.

    ```
    issue  --> Decode --accept--> [waiting] --commit--> [executing] --> Unit --> result
               IssueGuard             ^ kill                             in WB
    ```

    - An instruction is accepted when ``IssueGuard`` says so; everything else is rejected at once. It uses
    rs1 and
      rs2, which the core forwards.
    - It executes in the cycle in which the core takes its result, in WB: so whatever is killed has changed
    nothing,
      and the next one, in the cycle after, finds what this one left. One a cycle.
    - ``result_valid`` waits only for ``Unit.ready``. No instruction traps, loads or stores: the memory
    interface
      makes no request, and ``mem_ready`` alone is looked at (by ``IssueGuard``). ``load_error`` is 0.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        super().__init__(members(config.id_width))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        tag_bits = self.config.id_width
        m.submodules.decode = decode = Decode(self.config)
        m.submodules.guard = guard = IssueGuard(reads_rd=False)
        m.submodules.commitment = commitment = Commitment(tag_bits)
        unit = add_shared(m, platform, "unit", "unit", lambda: Unit(self.config))
        instruction = data.StructLayout(
            {"tag": tag_bits, "operation": OPERATION_BITS, "rd": 5, "a": 32, "b": 32}
        )
        offered, waiting, executing = (
            Signal(instruction, name=name, reset_less=True) for name in ("offered", "waiting", "executing")
        )

        # Issue. An instruction may be committed while it is still offered.
        takes, committed = Signal(), Signal()
        m.d.sync += committed.eq(
            self.issue_valid & ~self.issue_ready & (committed | commitment.offer_committed)
        )
        m.d.comb += [
            decode.word.eq(self.issue_instr),
            guard.word.eq(self.issue_instr),
            guard.ours.eq(decode.legal),
            guard.moving.eq(self.mem_ready),
            takes.eq(decode.legal & self.issue_rs_valid[:2].all() & guard.clear),
            self.issue_ready.eq(~decode.legal | takes & commitment.ready),
            self.issue_accept.eq(decode.legal),
            self.issue_writeback.eq(decode.legal),
            offered.tag.eq(self.issue_id),
            offered.operation.eq(decode.operation),
            offered.rd.eq(self.issue_instr[7:12]),
            offered.a.eq(self.issue_rs1),
            offered.b.eq(self.issue_rs2),
        ]

        # Commit.
        m.d.comb += [
            commitment.offered.eq(self.issue_valid & takes),
            commitment.offered_tag.eq(self.issue_id),
            commitment.offered_committed.eq(committed),
            commitment.waiting_tag.eq(waiting.tag),
            commitment.commit_valid.eq(self.commit_valid),
            commitment.commit_tag.eq(self.commit_id),
            commitment.commit_kill.eq(self.commit_kill),
        ]
        with m.If(commitment.enters):
            m.d.sync += waiting.eq(offered)
        with m.If(commitment.advances):
            m.d.sync += executing.eq(waiting)

        # Execution, and the result.
        m.d.comb += [
            unit.operation.eq(executing.operation),
            unit.a.eq(executing.a),
            unit.b.eq(executing.b),
            self.result_valid.eq(commitment.executing & unit.ready),
            commitment.done.eq(self.result_valid & self.result_ready),
            unit.taken.eq(commitment.done),
            self.result_id.eq(executing.tag),
            self.result_data.eq(unit.result),
            self.result_rd.eq(executing.rd),
            self.result_we.eq(1),
        ]
        # What nothing drives would be an input in Verilog.
        m.d.comb += [getattr(self, name).eq(0) for name in SILENT]
        return m
