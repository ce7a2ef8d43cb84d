"""From one manager of AXI4-Lite to several subordinates: bits 31 to 28 of an address choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring

from ..registers.axi_lite import CHANNELS, channels

ADDRESS_BITS = 32
"""Of the bus."""

REGION_BITS = 4
"""Bits of an address, the highest of 32, that choose the subordinate."""

DECERR = 0b11
"""The response of an address that no subordinate has (AMBA AXI, issue H, table A3-4)."""


def narrowed(m: Module, manager: Mapping[str, Any], subordinate: Mapping[str, Any]) -> None:
    """Connect channels to those of a subordinate with fewer bits of address, both by AMBA's names."""
    for name in CHANNELS:
        source, target = manager[name], subordinate[name]
        if name in ("b", "r"):
            source, target = target, source
        m.d.comb += [
            target.payload.eq(source.payload),
            target.valid.eq(source.valid),
            source.ready.eq(target.ready),
        ]


class Decoder(wiring.Component):
    """Passes accesses on, one at a time, a cycle after they come.

    The manager has one access under way at most, and offers W no earlier than AW, as ``serial.bridge`` does.
    An address is kept in a register, so that no path leads from the manager's address through subordinates.

    Parameters
    ----------
    regions:
        For each subordinate the values of bits 31 to 28 that choose it, and how many of the lowest bits it
        looks at: where one between is 1, nobody is chosen.

    Ports
    -----
    aw, w, b, ar, r:
        The manager's, ``channels(ADDRESS_BITS)``.
    aw_0, w_0 and so on:
        Those of each subordinate, the other way round, with all 32 bits of address.
    """

    def __init__(self, regions: Sequence[tuple[Sequence[int], int]]) -> None:
        self.regions = tuple(regions)
        members = channels(ADDRESS_BITS)
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
        address = Signal(32, reset_less=True)
        # What of the access is still to be taken by its subordinate.
        left = {name: Signal(name=f"{name}_left") for name in ("aw", "w", "ar")}
        chosen, nobody = Signal(len(self.regions)), Signal()
        m.d.comb += nobody.eq(~chosen.any())
        with m.Switch(address[-REGION_BITS:]):
            for index, (regions, bits) in enumerate(self.regions):
                with m.Case(*regions):
                    m.d.comb += chosen[index].eq(~address[bits:-REGION_BITS].any())

        m.d.comb += [self.aw.ready.eq(~left["aw"]), self.ar.ready.eq(~left["ar"])]
        taken = {name: Signal(name=f"{name}_taken") for name in left}
        for name, waiting in left.items():
            targets = [getattr(self, f"{name}_{index}") for index in range(len(self.regions))]
            offered = waiting & self.w.valid if name == "w" else waiting
            ready = Cat(*(target.ready for target in targets), 1) & Cat(chosen, nobody)
            m.d.comb += taken[name].eq(offered & ready.any())
            for index, target in enumerate(targets):
                m.d.comb += [
                    target.payload.eq(self.w.payload if name == "w" else address),
                    target.valid.eq(offered & chosen[index]),
                ]
            with m.If(taken[name]):
                m.d.sync += waiting.eq(0)
        m.d.comb += self.w.ready.eq(taken["w"])
        with m.If(self.aw.valid & self.aw.ready):
            m.d.sync += [address.eq(self.aw.payload), left["aw"].eq(1), left["w"].eq(1)]
        with m.If(self.ar.valid & self.ar.ready):
            m.d.sync += [address.eq(self.ar.payload), left["ar"].eq(1)]

        for name, last in (("b", "w"), ("r", "ar")):
            port = getattr(self, name)
            failed = Signal(name=f"{name}_failed")
            payload: Any = port.payload
            response = payload.resp if isinstance(payload, data.View) else payload
            m.d.comb += [port.valid.eq(failed), response.eq(DECERR)]
            with m.If(port.ready):
                m.d.sync += failed.eq(0)
            with m.If(taken[last] & nobody):
                m.d.sync += failed.eq(1)
            for index in range(len(self.regions)):
                source = getattr(self, f"{name}_{index}")
                m.d.comb += source.ready.eq(port.ready & chosen[index])
                with m.If(chosen[index]):
                    m.d.comb += [port.valid.eq(source.valid), port.payload.eq(source.payload)]
        return m
