"""The unit's own load port, on OBI or AXI4-Lite, for hosts that give a coprocessor no way to memory."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out


def port_members() -> dict[str, Member]:
    """Return the ports of a unit that loads by itself: OBI, its older stores' state, and ``load_error``.

    ``load_req`` to ``load_err`` are the signals of OBI 1.2 that a manager has which only reads; ``we`` is 0.
    On AXI4-Lite they are ARVALID, ARREADY, ARADDR, RVALID, RREADY, RDATA and RRESP[1].
    """
    return {
        "stores_pending": In(1),
        "load_req": Out(1),
        "load_gnt": In(1),
        "load_addr": Out(32),
        "load_be": Out(4),
        "load_rvalid": In(1),
        "load_rready": Out(1),
        "load_rdata": In(32),
        "load_err": In(1),
        "load_error": Out(1),
    }


class LoadPort(wiring.Component):
    """Loads single bytes over OBI or AXI4-Lite, one at a time.

    ::

        cycle           0     1     2     3     4     5
        load_valid      ----------------------\\___________
        stores_pending  ------\\___________________________     an older store is on its way: no request
        load_req        ______/---------------\\___________     held until it is granted
        load_gnt        ________________/-----\\___________
        load_rvalid     ____________________________/-----\\    the cycle after the grant, or any later one
        load_rready     ______________________/-----------\\    an answer is awaited; AXI's may wait for it
        loaded_valid    ____________________________/-----\\    in the cycle of the answer

    **Order.** A request is made only in a cycle without ``stores_pending``, which the host holds at 1 for as
    long as a store older than the load can not be seen at this port. A store that is younger waits in the
    host until the instruction is complete. A request that has begun stays (OBI, R-3.1), whatever comes.

    Nothing is taken for an answer but the ``load_rvalid`` after a grant: others, and ``load_rdata`` and
    ``load_err`` beside it, may be anything. A reset forgets the load; memory must be reset with it.

    Members
    -------
    load_valid, load_address, load_ready:
        In, in, out: a byte is to be loaded; ``load_ready`` takes it. ``load_valid`` stays until then, and the
        address until the answer.
    loaded_valid, loaded_byte, loaded_fault:
        Out: the answer, a cycle after ``load_ready`` at the soonest. A fault is a bus error.

    And ``port_members``, but ``load_error``.
    """

    def __init__(self) -> None:
        ports = port_members()
        del ports["load_error"]
        super().__init__(
            {
                "load_valid": In(1),
                "load_address": In(32),
                "load_ready": Out(1),
                "loaded_valid": Out(1),
                "loaded_byte": Out(8),
                "loaded_fault": Out(1),
                **ports,
            }
        )

    def connect(self, m: Module, top: wiring.Component) -> None:
        """Connect the port to that of the component that it is in."""
        for name, member in port_members().items():
            if name != "load_error":
                ours, its = getattr(top, name), getattr(self, name)
                m.d.comb += its.eq(ours) if member.flow is In else ours.eq(its)

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        begun = Signal()
        asked = Signal()
        lane = self.load_address[:2]
        m.d.comb += [
            self.load_req.eq(self.load_valid & ~asked & (~self.stores_pending | begun)),
            self.load_addr.eq(self.load_address & ~3),
            self.load_be.eq(1 << lane),
            self.load_ready.eq(self.load_req & self.load_gnt),
            self.load_rready.eq(asked),
            self.loaded_valid.eq(asked & self.load_rvalid),
            self.loaded_byte.eq(self.load_rdata.word_select(lane, 8)),
            self.loaded_fault.eq(self.load_err),
        ]
        m.d.sync += [
            begun.eq(self.load_req & ~self.load_gnt),
            asked.eq(self.load_ready | asked & ~self.load_rvalid),
        ]
        return m
