"""The engine with one AXI4 master for everything, and a program in memory.

```
 start --> Descriptors -- commands --> Engine --> results --> WriteClient --> AW, W, B
                 '-- jobs --> ReadClients: activations, index, weights --^
                                    '--> ReadChannel <--> AR, R
```
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import INDEX_BITS, EngineConfig
from ..drain import result_layout
from ..engine import Engine
from ..loader import unit_layout
from ..skipped import skipped_bits
from .descriptors import Descriptors
from .read import ReadChannel, ReadClient
from .signals import STREAM_JOB, activation_job, master_members, result_job
from .write import WriteClient

STEERING = ("descriptors", "index")
"""Read clients whose data decides what is done; that of others goes into sums only."""


def status_layout(config: EngineConfig) -> data.StructLayout:
    """Return what is reported of a program.

    ``error``: there was an error response. If so, of the first: ``write``, it came on B; ``response``, SLVERR
    is 2 and DECERR 3; ``address``, where its burst began. ``fault``: the walker's since reset, of this
    program and of those before it.
    """
    return data.StructLayout(
        {"error": 1, "write": 1, "response": 2, "fault": 2, "address": config.address_bits}
    )


class AxiEngine(wiring.Component):
    """The block-sparse tile engine as an AXI4 master; memory layouts in ``docs/engine.md``.

    Ports: streams ``start`` (in), the address of the first descriptor; ``status`` (out), once for each
    program, when all is written and answered; ``ar``, ``r``, ``aw``, ``w``, ``b``; ``busy``
    (out), from ``start`` to ``status``. With registers around it also:

    abort:
        In, a cycle: give up what is under way, as after an error in a descriptor, and take back ``fault``.
    aborting:
        Out: from the cycle after ``abort`` to that in which a ``status``, that says nothing, is taken.
    reading:
        Out: there is a burst of which data is to come on ``r``.
    skipped:
        Out: blocks that are found to be left out in this cycle.

    After an error response to an activation, a weight or a result the program runs on with the data as it
    came: no value of theirs, headers included, decides how many of anything there are. Descriptors and index
    entries do, so an error among them ends the program. Nothing more is written; bursts on their way are
    brought to their end, written ones without strobes; all else is reset, and then ``status`` comes.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        control = {
            "abort": In(1),
            "aborting": Out(1),
            "reading": Out(1),
            "skipped": Out(skipped_bits(config)),
        }
        super().__init__(
            {
                "start": In(stream.Signature(config.address_bits)),
                "status": Out(stream.Signature(status_layout(config))),
                **master_members(config),
                "busy": Out(1),
                **(control if config.wrapper else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        config = self.config
        # A program was ended, by an error or at its end: what carries it out is in reset until its status is
        # taken, so that nothing is left of it, not even of what descriptors asked for and no command used.
        # Not reset are the channels, which see to their bursts' ends, and the registers of shared modules. Of
        # these the core is cleared, and the swaps on their way through a systolic array pass before new ones.
        ended = Signal()
        engine, descriptors = self._engine(), Descriptors(config)
        m.submodules.engine = ResetInserter(ended)(engine)
        m.d.comb += engine.clear.eq(ended)
        m.submodules.descriptors = ResetInserter(ended)(descriptors)
        m.submodules.write = write = self._writer()
        readers = self._readers(m, descriptors)
        m.submodules.channel = channel = ReadChannel(config, 1 + len(readers))
        clients: dict[str, Any] = {"descriptors": descriptors}
        for name, jobs in readers.items():
            client, target = self._client(m, platform, name, ended), getattr(engine, name)
            wiring.connect(m, jobs, client.jobs)
            m.d.comb += [
                target.payload.as_value().eq(client.units.payload)
                if isinstance(target.payload, data.View)
                else target.payload.eq(client.units.payload),
                target.valid.eq(client.units.valid),
                client.units.ready.eq(target.ready),
            ]
            clients[name] = client
        for index, client in enumerate(clients.values()):
            requests = getattr(channel, f"requests_{index}")
            m.d.comb += [
                requests.payload.eq(client.requests.payload),
                requests.valid.eq(client.requests.valid & ~ended),
                client.requests.ready.eq(requests.ready),
                client.beat.eq(channel.beat),
                client.beat_valid.eq(channel.beat_valid[index]),
            ]
        self._write_jobs(m, descriptors, write)
        wiring.connect(m, descriptors.commands, engine.commands)
        for name in ("ar", "r"):
            wiring.connect(m, getattr(channel, name), wiring.flipped(getattr(self, name)))
        for name in ("aw", "w", "b"):
            wiring.connect(m, getattr(write, name), wiring.flipped(getattr(self, name)))
        self._write_units(m, engine, write)
        m.d.comb += [
            descriptors.start.payload.eq(self.start.payload),
            descriptors.start.valid.eq(self.start.valid & ~ended),
            self.start.ready.eq(descriptors.start.ready & ~ended),
        ]

        # The first error of the program; one on R before one on B in the same cycle.
        status = self.status.payload
        error, fatal, finished = Signal(name="error"), Signal(name="fatal"), Signal(name="finished")
        steering = Cat(
            channel.beat_valid[place]
            for place, name in enumerate(clients)
            if name.partition("_")[0] in STEERING
        )
        stopping = channel.error & steering.any()
        m.d.comb += [
            error.eq(channel.error | write.error),
            fatal.eq(stopping | self.abort if config.wrapper else stopping),
            write.stop.eq(fatal | finished | ended),
        ]
        with m.If(error & ~status.error):
            m.d.sync += [
                status.error.eq(1),
                status.write.eq(~channel.error),
                status.response.eq(Mux(channel.error, channel.response, write.response)),
                status.address.eq(Mux(channel.error, channel.address, write.address)),
            ]
        idle, taken, fault = (
            Signal(name="idle"),
            Signal(name="taken"),
            Signal.like(engine.fault, name="fault"),
        )
        m.d.sync += fault.eq(status.fault)
        m.d.comb += [
            idle.eq(~engine.busy & write.idle & channel.idle),
            status.fault.eq(fault | engine.fault),
            finished.eq(descriptors.finished & idle),
            self.status.valid.eq(ended & idle & write.stopped),
            taken.eq(self.status.valid & self.status.ready),
            self.busy.eq(~self.start.ready),
        ]
        with m.If(fatal | finished):
            m.d.sync += ended.eq(1)
        with m.If(taken):
            m.d.sync += [status.error.eq(0), ended.eq(0)]
        if config.wrapper:
            m.d.comb += [self.reading.eq(~channel.idle), self.skipped.eq(engine.skipped)]
            with m.If(self.aborting):
                m.d.sync += fault.eq(0)
            with m.If(taken):
                m.d.sync += self.aborting.eq(0)
            # After a program that has its end in this very cycle, too.
            with m.If(self.abort):
                m.d.sync += [ended.eq(1), self.aborting.eq(1)]
        return m

    def _engine(self) -> Any:
        """Return what computes."""
        return Engine(self.config)

    def _writer(self) -> Any:
        """Return what writes results."""
        return WriteClient(self.config, result_layout(self.config).size, result_job(self.config))

    def _readers(self, m: Module, descriptors: Descriptors) -> dict[str, Any]:
        """Return the jobs of each read client, by the stream of the engine that it is for."""
        return {
            "activations": descriptors.load,
            "index": descriptors.index,
            "weights": descriptors.weights,
        }

    def _client(self, m: Module, platform: object, name: str, ended: Signal) -> Any:
        """Add the read client of a stream."""
        client = read_client(self.config, name)
        m.submodules[f"read_{name}"] = ResetInserter(ended)(client)
        return client

    def _write_jobs(self, m: Module, descriptors: Descriptors, write: Any) -> None:
        wiring.connect(m, descriptors.write, write.jobs)

    def _write_units(self, m: Module, engine: Any, write: Any) -> None:
        connect_results(m, engine.results, write.units)


def read_client(config: EngineConfig, kind: str) -> ReadClient:
    """Return the client that reads "activations", "index" or "weights"."""
    unit, bits = {
        "activations": (unit_layout(config).size, activation_job(config)),
        "index": (INDEX_BITS, STREAM_JOB),
        "weights": (config.bus, STREAM_JOB),
    }[kind]
    return ReadClient(config, unit, bits)


def connect_results(m: Module, results: Any, units: Any) -> None:
    """Connect an engine's results to who writes them."""
    m.d.comb += [
        units.payload.eq(results.payload.data.as_value()),
        units.valid.eq(results.valid),
        results.ready.eq(units.ready),
    ]
