"""The AXI4 signals of a master, by their names in AMBA AXI (issue H, chapter A2), and the job descriptor.

One ID, INCR bursts, normal non-cacheable memory: what would be constant is left to the wrapper that names
the ports.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..config import COLUMN_BITS, EngineConfig
from ..drain import result_layout
from ..layouts import count_bits, pixel_bits, tile_bits
from ..loader import unit_layout

BOUNDARY = 4096
"""A burst stays within a piece of memory of this many bytes (section A3.4.1)."""

DESCRIPTOR_BYTES = 64


def request_layout(config: EngineConfig) -> data.StructLayout:
    """Return the payload of AR and AW: where a burst begins, its beats less 1."""
    return data.StructLayout({"addr": config.address_bits, "len": 8})


def read_layout(config: EngineConfig) -> data.StructLayout:
    """Return the payload of R."""
    return data.StructLayout({"data": config.bus, "resp": 2, "last": 1})


def beat_layout(config: EngineConfig) -> data.StructLayout:
    """Return a beat of W without ``last``."""
    return data.StructLayout({"data": config.bus, "strb": config.bus // 8})


def write_layout(config: EngineConfig) -> data.StructLayout:
    """Return the payload of W."""
    return data.StructLayout({**beat_layout(config).members, "last": 1})


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


@dataclass(frozen=True)
class JobBits:
    """How wide the counts of a client's jobs are, with which its hardware counts.

    Attributes
    ----------
    run:
        Bits of a number of bytes.
    lines, planes:
        Bits of their numbers; 0 where a job has one.
    """

    run: int
    lines: int = 0
    planes: int = 0


STREAM_JOB = JobBits(run=32)
"""Of the index and the weights: a run an iteration."""


def activation_job(config: EngineConfig) -> JobBits:
    """Return the bits of jobs that read activations: no more than fit the A buffer.

    A memory tile has more channel blocks.
    """
    count = count_bits(config)
    planes = COLUMN_BITS if config.grid_tile_words else count
    return JobBits(count + exact_log2(unit_layout(config).size // 8), count, planes)


def result_job(config: EngineConfig) -> JobBits:
    """Return the bits of jobs that write results: no more than the accumulators have, of any columns."""
    run = pixel_bits(config) + exact_log2(result_layout(config).size // 8)
    return JobBits(run, tile_bits(config), COLUMN_BITS)


def job_layout(config: EngineConfig, bits: JobBits) -> data.StructLayout:
    """Return what a client reads or writes for a command: ``docs/engine.md``, AXI4 master variant.

    ``iterations`` times ``planes`` times ``lines`` runs of ``run`` bytes; the counts are from 1.
    """
    address = config.address_bits
    fields = {"address": address, "run": bits.run}
    for count, pitch, width in (
        ("lines", "line", bits.lines),
        ("planes", "plane", bits.planes),
        ("iterations", "step", COLUMN_BITS),
    ):
        if width:
            fields |= {count: width, pitch: address}
    return data.StructLayout(fields)


def run_layout(config: EngineConfig, bits: JobBits) -> data.StructLayout:
    """Return a run: bytes one after the other, from 1."""
    return data.StructLayout({"address": config.address_bits, "bytes": bits.run})
