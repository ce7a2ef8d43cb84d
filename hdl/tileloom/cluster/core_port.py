"""A core's data port: where an access goes, and its answer."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .arbiter import selected
from .config import ClusterConfig
from .l2_port import ON_THE_WAY
from .ports import CONTROL_REGION, DMA_PAGE, EVENTS_PAGE, L1_REGION

NEAR = ("l1", "events", "dma")
"""Sides that answer in the cycle after the grant."""


class CorePort(wiring.Component):
    """Decodes a core's accesses and keeps their answers in order.

    ::

        cycle      0     1     2     3     4     5
        req, addr  < L2  ><        L1            >    L1 waits until L2 has answered
        gnt        ------\\_______________________/
        rvalid     ______________________/-----\\_    the answer of L2, in cycle 4

    Ports: ``req``, ``gnt``, ``addr``, ``rvalid``, ``rdata``, ``err`` of the core; for each of ``NEAR`` and
    ``l2`` a request ``to_`` it and its ``_gnt``; ``_rdata`` of each in the cycle after the grant, of L2 with
    ``l2_rvalid`` and ``l2_err``. An address where nothing is is granted and answered with an error.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        super().__init__(
            {
                "req": In(1),
                "gnt": Out(1),
                "addr": In(32),
                "rvalid": Out(1),
                "rdata": Out(32),
                "err": Out(1),
                **{f"to_{side}": Out(1) for side in (*NEAR, "l2")},
                **{f"{side}_gnt": In(1) for side in (*NEAR, "l2")},
                **{f"{side}_rdata": In(32) for side in (*NEAR, "l2")},
                "l2_rvalid": In(1),
                "l2_err": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        region, page = self.addr[28:], self.addr[12:28]
        l1_bits = (self.config.l1_bytes - 1).bit_length()
        waiting = Signal(range(ON_THE_WAY + 1))
        near, far, nowhere = Signal(), Signal(), Signal()
        in_l1 = (region == L1_REGION) & (self.addr[l1_bits:28] == 0)
        in_events = (region == CONTROL_REGION) & (page == EVENTS_PAGE)
        in_dma = (region == CONTROL_REGION) & (page == DMA_PAGE)
        elsewhere = (region != L1_REGION) & (region != CONTROL_REGION)
        m.d.comb += [
            near.eq(self.req & (waiting == 0)),
            far.eq(self.req & (waiting != ON_THE_WAY) & elsewhere),
            self.to_l1.eq(near & in_l1),
            self.to_events.eq(near & in_events),
            self.to_dma.eq(near & in_dma),
            self.to_l2.eq(far),
            nowhere.eq(near & ~in_l1 & ~in_events & ~in_dma & ~elsewhere),
        ]
        # One bit for each side that was granted, and one for an address where nothing is.
        granted, answers = Signal(len(NEAR) + 1), Signal(len(NEAR) + 1)
        for i, side in enumerate(NEAR):
            m.d.comb += granted[i].eq(getattr(self, f"{side}_gnt"))
        m.d.comb += [
            granted[-1].eq(nowhere),
            self.gnt.eq(granted.any() | self.l2_gnt),
            self.rvalid.eq(answers.any() | self.l2_rvalid),
            self.err.eq(Mux(self.l2_rvalid, self.l2_err, answers[-1])),
            self.rdata.eq(
                Mux(
                    self.l2_rvalid,
                    self.l2_rdata,
                    selected(answers, [*(getattr(self, f"{side}_rdata") for side in NEAR), 0]),
                )
            ),
        ]
        m.d.sync += [answers.eq(granted), waiting.eq(waiting + self.l2_gnt - self.l2_rvalid)]
        return m
