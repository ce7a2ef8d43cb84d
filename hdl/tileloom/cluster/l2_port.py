"""The cores' way to L2: one port, requests in turn, answers to whom they belong."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..stream.queue import Queue
from .arbiter import Arbiter, selected
from .ports import vector

ON_THE_WAY = 2
"""Accesses of a core to L2 that are not answered yet, at most."""


class L2Port(wiring.Component):
    """Requests of cores, one a cycle and round robin, to an OBI port; its answers to the cores in order.

    Ports: for each core ``req``, ``gnt``, ``addr``, ``we``, ``be``, ``wdata`` and ``rvalid``; those of OBI
    with ``l2_`` before their names. ``l2_rdata`` and ``l2_err`` go to the cores beside this. A core has
    ``ON_THE_WAY`` accesses at most that are not answered.
    """

    def __init__(self, cores: int) -> None:
        self.cores = cores
        super().__init__(
            {
                "req": In(cores),
                "gnt": Out(cores),
                "addr": In(vector(32, cores)),
                "we": In(cores),
                "be": In(vector(4, cores)),
                "wdata": In(vector(32, cores)),
                "rvalid": Out(cores),
                "l2_req": Out(1),
                "l2_gnt": In(1),
                "l2_addr": Out(32),
                "l2_we": Out(1),
                "l2_be": Out(4),
                "l2_wdata": Out(32),
                "l2_rvalid": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.arbiter = arbiter = Arbiter(self.cores)
        # It never overflows: cores have no more on their way than there is room for.
        m.submodules.owners = owners = Queue(self.cores, ON_THE_WAY * self.cores)
        chosen, taken, each = arbiter.chosen, Signal(), range(self.cores)
        m.d.comb += [
            arbiter.requests.eq(self.req),
            arbiter.ready.eq(self.l2_gnt),
            taken.eq(self.l2_req & self.l2_gnt),
            self.l2_req.eq(self.req.any()),
            self.l2_we.eq((chosen & self.we).any()),
            self.l2_addr.eq(selected(chosen, [self.addr[i] for i in each])),
            self.l2_be.eq(selected(chosen, [self.be[i] for i in each])),
            self.l2_wdata.eq(selected(chosen, [self.wdata[i] for i in each])),
            owners.incoming.valid.eq(taken),
            owners.incoming.payload.eq(chosen),
            owners.outgoing.ready.eq(self.l2_rvalid),
        ]
        for i in each:
            m.d.comb += [
                self.gnt[i].eq(chosen[i] & self.l2_gnt),
                self.rvalid[i].eq(owners.outgoing.payload[i] & self.l2_rvalid),
            ]
        return m
