"""From one manager of AXI4-Lite to several subordinates: bits 31 to 28 of an address choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..registers.axi_lite import READ_DATA, WRITE_DATA

REGION_BITS = 4
"""Bits of an address, the highest of 32, that choose the subordinate."""

DECERR = 0b11
"""The response of an address that no subordinate has (AMBA AXI, issue H, table A3-4)."""


def bus_members() -> dict[str, Any]:
    """Return the five channels of a subordinate with 32 bits of address."""
    address = stream.Signature(32)
    return {
        "aw": In(address),
        "w": In(stream.Signature(WRITE_DATA)),
        "b": Out(stream.Signature(2)),
        "ar": In(address),
        "r": Out(stream.Signature(READ_DATA)),
    }


class Decoder(wiring.Component):
    """Passes accesses on, one at a time.

    The manager has one access under way at most, and offers W no earlier than AW, as ``serial.bridge`` does.

    Parameters
    ----------
    regions:
        For each subordinate the values of bits 31 to 28 that choose it.

    Ports
    -----
    aw, w, b, ar, r:
        The manager's, ``bus_members``.
    aw_0, w_0 and so on:
        Those of each subordinate, the other way round, with all 32 bits of address.
    """

    def __init__(self, regions: Sequence[Sequence[int]]) -> None:
        self.regions = tuple(map(tuple, regions))
        members = bus_members()
        super().__init__(
            {
                **members,
                **{
                    f"{name}_{index}": member.flip()
                    for index in range(len(self.regions))
                    for name, member in members.items()
                },
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        write, read = (self._chosen(m, name) for name in ("aw", "ar"))
        self._forward(m, "aw", write)
        self._forward(m, "w", write)
        self._back(m, "b", write)
        self._forward(m, "ar", read)
        self._back(m, "r", read)
        return m

    def _chosen(self, m: Module, channel: str) -> Value:
        """Return one bit for each subordinate and one for none of them, from the address on."""
        address = getattr(self, channel)
        held = Signal(len(self.regions) + 1, name=f"{channel}_held")
        now = Signal(len(self.regions) + 1, name=f"{channel}_now")
        chosen = Signal(len(self.regions) + 1, name=f"{channel}_chosen")
        with m.Switch(address.payload[-REGION_BITS:]):
            for index, regions in enumerate(self.regions):
                with m.Case(*regions):
                    m.d.comb += now.eq(1 << index)
            with m.Default():
                m.d.comb += now.eq(1 << len(self.regions))
        m.d.comb += chosen.eq(held)
        with m.If(address.valid):
            m.d.comb += chosen.eq(now)
            m.d.sync += held.eq(now)
        return chosen

    def _forward(self, m: Module, channel: str, chosen: Value) -> None:
        port = getattr(self, channel)
        ready: list[Value] = []
        for index in range(len(self.regions)):
            target = getattr(self, f"{channel}_{index}")
            m.d.comb += [target.payload.eq(port.payload), target.valid.eq(port.valid & chosen[index])]
            ready.append(target.ready & chosen[index])
        m.d.comb += port.ready.eq(Cat(*ready, chosen[-1]).any())

    def _back(self, m: Module, channel: str, chosen: Value) -> None:
        port = getattr(self, channel)
        asked = {"b": self.w, "r": self.ar}[channel]
        # Nobody has the address: it is taken as it comes, and answered.
        failed = Signal(name=f"{channel}_failed")
        with m.If(port.ready):
            m.d.sync += failed.eq(0)
        with m.If(asked.valid & asked.ready & chosen[-1]):
            m.d.sync += failed.eq(1)
        payload: Any = port.payload
        response = payload.resp if isinstance(payload, data.View) else payload
        m.d.comb += [port.valid.eq(failed), response.eq(DECERR)]
        for index in range(len(self.regions)):
            source = getattr(self, f"{channel}_{index}")
            m.d.comb += source.ready.eq(port.ready & chosen[index])
            with m.If(chosen[index]):
                m.d.comb += [port.valid.eq(source.valid), port.payload.eq(source.payload)]
