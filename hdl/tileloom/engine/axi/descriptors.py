"""Descriptors: the program in memory, read one after the other and handed to the engine and the clients."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..config import EngineConfig
from ..layouts import COMMAND, Opcode
from .signals import (
    DESCRIPTOR_BYTES,
    STREAM_JOB,
    activation_job,
    job_layout,
    request_layout,
    result_job,
)

DESCRIPTOR = data.StructLayout(
    {
        "command": COMMAND,
        "address": 64,
        "step": 32,
        "plane": 32,
        "line": 32,
        "run": 32,
        "lines": 16,
        "reserved": 16,
        "weight_bytes": 32,
        "weights": 64,
    }
)
"""A descriptor in memory, little-endian."""

assert DESCRIPTOR.size == DESCRIPTOR_BYTES * 8


class Descriptors(wiring.Component):
    """Reads a program from its first descriptor to the one whose command does nothing, for no memory tile.

    Ports
    -----
    start:
        Stream in: the address of the first descriptor, a multiple of 64: its lowest six bits are taken as 0.
        The next program starts after a reset.
    requests, beat, beat_valid:
        As in ``ReadClient``.
    commands:
        Stream out, to the engine.
    load, index, weights, write:
        Streams of jobs out, to the clients.
    finished:
        Out: the program is at its end, and all of it handed out. It stays there until a reset.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        of_stream = Out(stream.Signature(job_layout(config, STREAM_JOB)))
        super().__init__(
            {
                "start": In(stream.Signature(config.address_bits)),
                "requests": Out(stream.Signature(request_layout(config))),
                "beat": In(config.bus),
                "beat_valid": In(1),
                "commands": Out(stream.Signature(COMMAND)),
                "load": Out(stream.Signature(job_layout(config, activation_job(config)))),
                "index": of_stream,
                "weights": of_stream,
                "write": Out(stream.Signature(job_layout(config, result_job(config)))),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        beats = DESCRIPTOR_BYTES * 8 // config.bus
        # Read in bursts of at most ``burst_beats``: the address is that of the burst in the descriptor, in
        # the descriptor that is read.
        burst_beats = min(beats, config.burst_beats)
        bursts = beats // burst_beats
        low = exact_log2(DESCRIPTOR_BYTES)
        place = Signal(config.address_bits - low)
        asked = Signal(range(bursts + 1))
        burst = asked[: exact_log2(bursts)]
        bits = Signal(DESCRIPTOR.size, reset_less=True)
        descriptor = data.View(DESCRIPTOR, bits)
        command = descriptor.command
        received = Signal(range(beats))
        m.d.comb += [
            self.requests.payload.addr.eq(Cat(Const(0, low - len(burst)), burst, place)),
            self.requests.payload.len.eq(burst_beats - 1),
            self.commands.payload.eq(command),
        ]
        self._jobs(m, descriptor)
        targets = {
            Opcode.LOAD: [self.commands, self.load],
            Opcode.CONV: [self.commands, self.index, self.weights],
            Opcode.WRITE: [self.commands, self.write],
        }
        if config.grid_tile_words:
            # Engines load what their column's memory tile has read.
            targets |= {Opcode.LOAD: [self.commands], Opcode.NOTHING: [self.commands, self.load]}
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.start.ready.eq(1)
                m.d.sync += place.eq(self.start.payload >> low)
                with m.If(self.start.valid):
                    m.next = "fetch"
            with m.State("fetch"):
                m.d.comb += self.requests.valid.eq(asked != bursts)
                with m.If(self.requests.valid & self.requests.ready):
                    m.d.sync += asked.eq(asked + 1)
                with m.If(self.beat_valid):
                    m.d.sync += [bits.eq(Cat(bits, self.beat)[config.bus :]), received.eq(received + 1)]
                    with m.If(received == beats - 1):
                        m.d.sync += [asked.eq(0), received.eq(0)]
                        m.next = "hand out"
            with m.State("hand out"), m.Switch(command.opcode):
                for opcode, streams in targets.items():
                    with m.Case(opcode):
                        ready = Cat(target.ready for target in streams)
                        # To all of them in one cycle: each waits for the others.
                        for target in streams:
                            others = Cat(other.ready for other in streams if other is not target)
                            m.d.comb += target.valid.eq(others.all())
                        with m.If(ready.all()):
                            m.d.sync += place.eq(place + 1)
                            m.next = "fetch"
                        if opcode is Opcode.NOTHING:
                            # The end is for no column's tile.
                            with m.If(~command.to_columns.any()):
                                m.next = "finish"
                with m.Default():
                    m.next = "finish"
            with m.State("finish"):
                m.d.comb += self.finished.eq(1)
        return m

    def _jobs(self, m: Module, descriptor: data.View) -> None:
        command = descriptor.command
        # A memory tile's command has passes in the place of a LOAD's channel blocks.
        blocks = command.columns if self.config.grid_tile_words else command.blocks
        for port, planes in ((self.load, blocks), (self.write, command.columns)):
            m.d.comb += [
                port.payload.address.eq(descriptor.address),
                port.payload.iterations.eq(command.iterations),
                port.payload.step.eq(descriptor.step),
                port.payload.planes.eq(planes),
                port.payload.plane.eq(descriptor.plane),
                port.payload.lines.eq(descriptor.lines),
                port.payload.line.eq(descriptor.line),
                port.payload.run.eq(descriptor.run),
            ]
        for port, address, size in (
            (self.index, descriptor.address, descriptor.run),
            (self.weights, descriptor.weights, descriptor.weight_bytes),
        ):
            m.d.comb += [
                port.payload.address.eq(address),
                port.payload.iterations.eq(command.iterations),
                port.payload.run.eq(size),
            ]
