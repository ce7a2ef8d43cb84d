"""The fabric's ports and its memory map: what docs/cluster.md says of both."""

from __future__ import annotations

from amaranth.hdl import Shape
from amaranth.lib import data
from amaranth.lib.wiring import Flow, In, Member, Out

from .config import ClusterConfig

L1_REGION, CONTROL_REGION = 0x2, 0x3
"""Bits 31:28 of addresses of L1 and of registers; all others are L2's."""

EVENTS_PAGE, DMA_PAGE = 0, 1
"""Bits 27:12 of registers' addresses: of the event unit, of the DMA engine."""


def vector(bits: int, count: int) -> data.ArrayLayout:
    """Return the shape of a port with so many bits for each core, bank or lane."""
    return data.ArrayLayout(bits, count)


def obi(name: str, flow: Flow, count: int, *, bytes_of: bool = True) -> dict[str, Member]:
    """Return the members of ``count`` OBI ports as vectors; ``flow`` is that of requests.

    Without ``bytes_of`` there is neither ``be`` nor ``err``.
    """
    back = In if flow is Out else Out
    words, one = vector(32, count), Shape(count)
    members = {
        "req": flow(one),
        "gnt": back(one),
        "addr": flow(words),
        "we": flow(one),
        "be": flow(vector(4, count)),
        "wdata": flow(words),
        "rvalid": back(one),
        "rdata": back(words),
        "err": back(one),
    }
    left_out = () if bytes_of else ("be", "err")
    return {f"{name}_{port}": member for port, member in members.items() if port not in left_out}


def members(config: ClusterConfig) -> dict[str, Member]:
    """Return all ports of a fabric."""
    words, row = vector(32, config.banks), max((config.bank_words - 1).bit_length(), 0)
    banks = {
        "req": Out(config.banks),
        "we": Out(config.banks),
        "addr": Out(vector(row, config.banks)),
        "be": Out(vector(4, config.banks)),
        "wdata": Out(words),
        "rdata": In(words),
    }
    return {
        **obi("core", In, config.cores),
        **{f"bank_{port}": member for port, member in banks.items()},
        **obi("l2", Out, 1),
        **obi("dma", Out, config.dma_lanes, bytes_of=False),
    }
