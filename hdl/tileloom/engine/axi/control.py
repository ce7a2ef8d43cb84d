"""The AXI4 engine behind a register block: what a processor's bus and one interrupt need of it.

```
 AXI4-Lite <--> RegisterFile -- start, soft reset --> AxiEngine <--> AXI4
        irq <------'   '<----- status, events, counts -----'
```
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from amaranth.utils import exact_log2

from ...registers.file import RegisterFile, connect_control, control_members
from ...registers.table import Table, table
from ..config import EngineConfig
from ..grid.master import axi_engine
from .engine import status_layout
from .registers import register_map
from .signals import DESCRIPTOR_BYTES, master_members

WORD = 32


class ControlledEngine(wiring.Component):
    """An ``AxiEngine`` with registers in place of its streams ``start`` and ``status``.

    The registers are in ``docs/registers.md``. Ports: ``control_aw`` and so on, a subordinate's channels of
    AXI4-Lite; the master's channels; ``irq`` (out). Raises ToolError where the register map cannot be read.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.table: Table = table(register_map(config))
        super().__init__({**control_members(self.table), **master_members(config), "irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.engine = engine = axi_engine(self.config)
        m.submodules.registers = registers = RegisterFile(self.table)
        connect_control(m, self, registers)
        for name in master_members(self.config):
            wiring.connect(m, getattr(engine, name), wiring.flipped(getattr(self, name)))
        m.d.comb += self.irq.eq(registers.irq)

        # A start is offered from the cycle after it was written until it is taken, and one that comes while
        # there is no room for it is refused.
        offered, busy, done = Signal(), Signal(), Signal()
        status = engine.status.payload
        high = [registers.program_high_address] if self.config.address_bits > WORD else []
        program = Cat(Const(0, exact_log2(DESCRIPTOR_BYTES)), registers.program_low_address, *high)
        m.d.comb += [
            busy.eq(offered | engine.busy),
            engine.start.valid.eq(offered),
            engine.start.payload.eq(program),
            engine.abort.eq(registers.control_soft_reset),
            engine.status.ready.eq(1),
            # The status of a soft reset is none of a program.
            done.eq(engine.status.valid & ~engine.aborting),
            registers.status_busy.eq(busy),
            registers.status_resetting.eq(engine.aborting),
            registers.interrupt_status_done.eq(done),
            registers.interrupt_status_fault.eq(done & (status.error | status.fault.any())),
        ]
        with m.If(engine.start.ready):
            m.d.sync += offered.eq(0)
        with m.If(registers.control_start):
            with m.If(busy | registers.control_soft_reset):
                m.d.comb += registers.interrupt_status_refused.eq(1)
            with m.Else():
                m.d.sync += offered.eq(1)

        # How the last program ended: of its status what is said of an error only where there was one.
        ended = Signal(status_layout(self.config))
        with m.If(done):
            m.d.sync += ended.fault.eq(status.fault)
            with m.If(status.error):
                m.d.sync += ended.eq(status)
            with m.Else():
                m.d.sync += [ended.error.eq(0), ended.write.eq(0), ended.response.eq(0), ended.address.eq(0)]
        with m.If(engine.aborting):
            m.d.sync += ended.eq(0)
        m.d.comb += [
            registers.fault_error.eq(ended.error),
            registers.fault_write.eq(ended.write),
            registers.fault_response.eq(ended.response),
            registers.fault_row_range.eq(ended.fault[0]),
            registers.fault_row_order.eq(ended.fault[1]),
            registers.fault_address_low_address.eq(ended.address[:WORD]),
        ]
        if self.config.address_bits > WORD:
            m.d.comb += registers.fault_address_high_address.eq(ended.address[WORD:])

        waiting = Cat(port.valid & ~port.ready for port in (self.aw, self.w)).any()
        m.d.comb += [
            registers.cycles_count.eq(1),
            registers.busy_cycles_count.eq(busy),
            registers.stalls_in_count.eq(engine.reading & ~self.r.valid),
            registers.stalls_out_count.eq(waiting),
            registers.blocks_skipped_count.eq(engine.skipped),
        ]
        return m
