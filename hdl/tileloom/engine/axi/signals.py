"""The AXI4 signals of a master, by their names in AMBA AXI (issue H, chapter A2), and the job descriptor.

One ID, INCR bursts, normal non-cacheable memory: what would be constant is left to the wrapper that names
the ports.
"""

from __future__ import annotations

from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from ..config import EngineConfig

BOUNDARY = 4096
"""A burst stays within a piece of memory of this many bytes (section A3.4.1)."""

DESCRIPTOR_BYTES = 64


def request_layout(config: EngineConfig) -> data.StructLayout:
    """Return the payload of AR and AW: where a burst begins, its beats less 1."""
    return data.StructLayout({"addr": config.address_bits, "len": 8})


def read_layout(config: EngineConfig) -> data.StructLayout:
    """Return the payload of R."""
    return data.StructLayout({"data": config.bus, "resp": 2, "last": 1})


def write_layout(config: EngineConfig) -> data.StructLayout:
    """Return the payload of W."""
    return data.StructLayout({"data": config.bus, "strb": config.bus // 8, "last": 1})


def master_members(config: EngineConfig) -> dict[str, In | Out]:
    """Return the five channels as streams; ``b`` has the response."""
    request = stream.Signature(request_layout(config))
    return {
        "ar": Out(request),
        "r": In(stream.Signature(read_layout(config))),
        "aw": Out(request),
        "w": Out(stream.Signature(write_layout(config))),
        "b": In(stream.Signature(2)),
    }


def job_layout(config: EngineConfig) -> data.StructLayout:
    """Return what a client reads or writes for a command: ``docs/engine.md``, AXI4 master variant.

    ``iterations`` times ``planes`` times ``lines`` runs of ``run`` bytes; the counts are from 1.
    """
    address = config.address_bits
    return data.StructLayout(
        {
            "address": address,
            "iterations": 16,
            "step": address,
            "planes": 16,
            "plane": address,
            "lines": 16,
            "line": address,
            "run": 32,
        }
    )


def run_layout(config: EngineConfig) -> data.StructLayout:
    """Return a run: bytes one after the other, from 1."""
    return data.StructLayout({"address": config.address_bits, "bytes": 32})
