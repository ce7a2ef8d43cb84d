"""A subordinate's end of AXI4-Lite: one access at a time each way, handed to registers as a strobe.

```
 cycle             0    1    2                 cycle       0    1
 AW and W valid    1    1    0                 AR valid    1    0
 both ready        0    1    0                 AR ready    1    0
 write             0    1    0                 read        1    0
 B valid           0    0    1                 R valid     0    1
```

No output follows an input within a cycle (AMBA AXI, issue H, section A3.2.1), and B and R stay until they are
taken. AW and W may come in any order: they are taken together. Of an address the lowest two bits are not
looked at.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

WRITE_DATA = data.StructLayout({"data": 32, "strb": 4})
READ_DATA = data.StructLayout({"data": 32, "resp": 2})

CHANNELS = ("aw", "w", "b", "ar", "r")
"""AMBA's names of the five."""

OKAY, SLVERR = 0b00, 0b10
"""Responses: done; there is no register at this address (table A3-4)."""


def channels(address_bits: int) -> dict[str, Any]:
    """Return the five channels of a subordinate as streams, by AMBA's names."""
    address = stream.Signature(address_bits)
    return {
        "aw": In(address),
        "w": In(stream.Signature(WRITE_DATA)),
        "b": Out(stream.Signature(2)),
        "ar": In(address),
        "r": Out(stream.Signature(READ_DATA)),
    }


class AxiLite(wiring.Component):
    """Turns AXI4-Lite into accesses of a cycle.

    Ports
    -----
    aw, w, b, ar, r:
        ``channels``. A write takes two cycles at best, and so does a read.
    write, write_address, write_data, write_strobe:
        Out: in the cycle in which ``write`` is high, bytes with a strobe are written.
    read, read_address:
        Out: in the cycle in which ``read`` is high, ``read_data`` is taken.
    read_data:
        In, of ``read_address`` in the same cycle.
    write_found, read_found:
        In: there is a register at the address. Else the answer is SLVERR.
    """

    def __init__(self, address_bits: int) -> None:
        super().__init__(
            {
                **channels(address_bits),
                "write": Out(1),
                "write_address": Out(address_bits),
                "write_data": Out(32),
                "write_strobe": Out(4),
                "write_found": In(1),
                "read": Out(1),
                "read_address": Out(address_bits),
                "read_data": In(32),
                "read_found": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        # Both are there and B is free: they are taken in the next cycle, up to which they stay.
        taking = Signal()
        m.d.sync += taking.eq(self.aw.valid & self.w.valid & ~taking & (~self.b.valid | self.b.ready))
        m.d.comb += [
            self.aw.ready.eq(taking),
            self.w.ready.eq(taking),
            self.write.eq(taking),
            self.write_address.eq(self.aw.payload),
            self.write_data.eq(self.w.payload.data),
            self.write_strobe.eq(self.w.payload.strb),
        ]
        with m.If(self.b.valid):
            m.d.sync += self.b.valid.eq(~self.b.ready)
        with m.Elif(taking):
            m.d.sync += [self.b.valid.eq(1), self.b.payload.eq(_response(self.write_found))]

        m.d.comb += [
            self.ar.ready.eq(~self.r.valid),
            self.read.eq(self.ar.valid & self.ar.ready),
            self.read_address.eq(self.ar.payload),
        ]
        with m.If(self.r.ready):
            m.d.sync += self.r.valid.eq(0)
        with m.If(self.read):
            m.d.sync += [
                self.r.valid.eq(1),
                self.r.payload.data.eq(self.read_data),
                self.r.payload.resp.eq(_response(self.read_found)),
            ]
        return m


def _response(found: Any) -> Any:
    # OKAY and SLVERR differ in bit 1.
    return (~found) << 1
