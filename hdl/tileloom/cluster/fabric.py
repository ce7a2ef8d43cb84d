"""The fabric of a cluster: cores' ports, interconnect, event unit, DMA engine and the way to L2."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring

from .config import ClusterConfig
from .core_port import NEAR, CorePort
from .dma import Dma
from .events import EventUnit
from .interconnect import Interconnect
from .l2_port import L2Port
from .ports import members


class Fabric(wiring.Component):
    """Everything between cores and memories; ports, memory map, registers and cycles are in docs/cluster.md.

    ::

        core_* --- CorePort --+-- EventUnit
           (one each)         +-- Dma ----------------+-- dma_*
                              |    | lanes            |
                              +-- Interconnect --- bank_*
                              +-- L2Port --- l2_*
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        super().__init__(members(config))

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        m.submodules.interconnect = interconnect = Interconnect(config)
        m.submodules.event_unit = events = EventUnit(config.cores)
        m.submodules.dma = dma = Dma(config)
        m.submodules.l2_port = l2 = L2Port(config.cores)
        for port in ("req", "we", "addr", "be", "wdata"):
            m.d.comb += getattr(self, f"bank_{port}").eq(getattr(interconnect, f"bank_{port}"))
        for port in ("we", "wdata"):
            m.d.comb += [getattr(unit, port).eq(getattr(self, f"core_{port}")) for unit in (events, dma)]
        for port in ("addr", "we", "be", "wdata"):
            m.d.comb += getattr(l2, port).eq(getattr(self, f"core_{port}"))
        m.d.comb += [
            interconnect.bank_rdata.eq(self.bank_rdata),
            events.completed.eq(dma.completed),
            self.l2_req.eq(l2.l2_req),
            l2.l2_gnt.eq(self.l2_gnt),
            self.l2_addr[0].eq(l2.l2_addr),
            self.l2_we.eq(l2.l2_we),
            self.l2_be[0].eq(l2.l2_be),
            self.l2_wdata[0].eq(l2.l2_wdata),
            l2.l2_rvalid.eq(self.l2_rvalid),
            self.dma_req.eq(dma.l2_req),
            dma.l2_gnt.eq(self.dma_gnt),
            self.dma_we.eq(dma.l2_we),
            self.dma_wdata.eq(dma.l2_wdata),
            dma.l2_rvalid.eq(self.dma_rvalid),
            dma.l2_rdata.eq(self.dma_rdata),
        ]
        for i in range(config.cores):
            self._core(m, i, {"l1": interconnect, "events": events, "dma": dma, "l2": l2})
        for k in range(config.dma_lanes):
            i = config.cores + k
            m.d.comb += [
                interconnect.req[i].eq(dma.l1_req[k]),
                interconnect.word[i].eq(dma.l1_word[k]),
                interconnect.we[i].eq(dma.l1_we[k]),
                interconnect.be[i].eq(0b1111),
                interconnect.wdata[i].eq(dma.l1_wdata[k]),
                dma.l1_gnt[k].eq(interconnect.gnt[i]),
                dma.l1_rdata[k].eq(interconnect.rdata[i]),
                self.dma_addr[k].eq(dma.l2_word[k] << 2),
            ]
        return m

    def _core(self, m: Module, i: int, sides: dict[str, wiring.Component]) -> None:
        """Build a core's port, and connect it to all sides."""
        port = CorePort(self.config)
        m.submodules[f"core_port{i}"] = port
        addr = self.core_addr[i]
        m.d.comb += [
            port.req.eq(self.core_req[i]),
            port.addr.eq(addr),
            self.core_gnt[i].eq(port.gnt),
            self.core_rvalid[i].eq(port.rvalid),
            self.core_rdata[i].eq(port.rdata),
            self.core_err[i].eq(port.err),
            port.l1_rdata.eq(sides["l1"].rdata[i]),
            port.events_rdata.eq(sides["events"].rdata[i]),
            port.dma_rdata.eq(sides["dma"].rdata),
            port.l2_rvalid.eq(sides["l2"].rvalid[i]),
            port.l2_rdata.eq(self.l2_rdata[0]),
            port.l2_err.eq(self.l2_err),
            sides["l1"].word[i].eq(addr[2:]),
            sides["l1"].we[i].eq(self.core_we[i]),
            sides["l1"].be[i].eq(self.core_be[i]),
            sides["l1"].wdata[i].eq(self.core_wdata[i]),
            sides["events"].word[i].eq(addr[2:12]),
            sides["dma"].word[i].eq(addr[2:12]),
        ]
        for name in (*NEAR, "l2"):
            m.d.comb += [
                sides[name].req[i].eq(getattr(port, f"to_{name}")),
                getattr(port, f"{name}_gnt").eq(sides[name].gnt[i]),
            ]
