"""Which proofs an engine's faults are held to: those of its parts, of the design's own modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from amaranth.lib import wiring

from tileloom.engine.accumulators import Accumulators
from tileloom.engine.axi.read import ReadChannel, Units
from tileloom.engine.axi.runs import Bursts, Runs
from tileloom.engine.axi.signals import job_layout, result_job, run_layout
from tileloom.engine.axi.write import Beats, WriteClient
from tileloom.engine.config import EngineConfig, EnginePort
from tileloom.engine.dispatch import Dispatch
from tileloom.engine.drain import Drain, result_layout
from tileloom.engine.engine import Engine, core_timing
from tileloom.engine.loader import Loader
from tileloom.engine.sequencer import Sequencer
from tileloom.engine.walker import Walker
from tileloom.netlist.text import split_modules
from tileloom.stream.queue import Queue

from ..mutation.component import as_component
from ..mutation.mutants import Mutated
from ..mutation.proofs import Held
from ..verify.netlist import Netlist
from ..verify.proof import Proof
from ..verify.solver import Query
from . import accumulator_halves, accumulators, bursts, commands, halves, loader, master, runs, units, walker
from .drain import DrainProof, drain_proofs
from .queue_words import DEPTHS, queue_proofs, queue_queries
from .tiles import TileProof, tile_proofs


@dataclass(frozen=True)
class Part:
    """A part that is proved.

    Attributes
    ----------
    proof:
        What ``tileloom verify --formal`` has of it.
    module, component:
        Of the design, and what it is made from.
    queries, free:
        Of its netlist, and what of that is left free.
    """

    proof: Proof
    module: str
    component: Callable[[], wiring.Component]
    queries: Callable[[Netlist], Sequence[Query]]
    free: Sequence[str] = ()


def held(config: EngineConfig, mutated: Mutated) -> list[Held]:
    """Return the proofs of an engine's parts, those of whole engines last."""
    axi4 = config.port is EnginePort.AXI4
    parts = list(_engine(config, "array_engine" if axi4 else "array"))
    if axi4:
        parts = [*_clients(config), *_channels(config), *parts]
    there = split_modules(mutated.design.verilog)

    def queries(part: Part, module: str, number: int) -> Sequence[Query]:
        return part.queries(as_component(mutated, number, module, part.component(), part.free))

    found = []
    for part in parts:
        module = f"{mutated.design.name}_{part.module}"
        if module in there:  # equal modules are one
            found.append(Held(part.proof.title, module, partial(queries, part, module)))
    return found


def _engine(config: EngineConfig, array: str) -> Iterator[Part]:
    """Yield what a stream engine has, too, in the modules whose names begin with ``array``."""
    timing = core_timing(config)
    for (proof,), module, component, queries in (
        (walker.walker_proofs(), "walker", Walker, walker.queries),
        (
            commands.command_proofs(config),
            "dispatch",
            partial(Dispatch, config),
            partial(commands.queries, config),
        ),
        (loader.loader_proofs(config), "loader", partial(Loader, config), partial(loader.queries, config)),
        (
            accumulators.accumulator_proofs(config),
            "accumulators",
            partial(Accumulators, config, timing),
            partial(accumulators.queries, config, timing),
        ),
    ):
        yield Part(proof, f"{array}_{module}", component, queries)
    if config.acc_tiles > 1:
        for proof in drain_proofs(config):
            yield Part(
                proof,
                f"{array}_drain",
                partial(Drain, config),
                lambda found: DrainProof(config, found).queries(),
            )
        for proof in tile_proofs(config):
            sequencer = partial(Sequencer, config, timing)
            yield Part(
                proof, f"{array}_sequencer", sequencer, lambda found: TileProof(config, found).queries()
            )
    engine = partial(Engine, config)
    (proof,) = halves.half_proofs(config)
    yield Part(proof, array, engine, halves.queries)
    (proof,) = accumulator_halves.accumulator_half_proofs(config)
    whole = partial(accumulator_halves.queries, config)
    yield Part(proof, array, engine, whole, accumulator_halves.CUT)


def _clients(config: EngineConfig) -> Iterator[Part]:
    """Yield the parts of an AXI4 master's clients."""
    run_proof, burst_proof = *runs.run_proofs(config), *bursts.burst_proofs(config)
    unit_proof, beat_proof = units.unit_proofs(config)
    (queue_proof,) = queue_proofs()
    written = result_layout(config).size, result_job(config)
    for client, (unit, job) in {**units.read_units(config), "write": written}.items():
        where, own, beat = f"array_{client}", (config, job), (config, unit, job)
        cutter = f"{where}_cutter"
        yield Part(burst_proof, f"{cutter}_bursts", partial(Bursts, *own), partial(bursts.queries, *own))
        yield Part(run_proof, f"{cutter}_runs", partial(Runs, *own), partial(runs.queries, *own))
        for name, layout, depth in (
            ("job", job_layout(config, job), DEPTHS[0]),
            ("run", run_layout(config, job), DEPTHS[client != "write"]),
        ):
            queries = partial(queue_queries, depth=depth)
            yield Part(queue_proof, f"{cutter}_{name}_queue", partial(Queue, layout, depth), queries)
        if client == "write":
            yield Part(
                beat_proof, f"{where}_beats", partial(Beats, *beat), partial(units.write_queries, *beat)
            )
        else:
            yield Part(
                unit_proof, f"{where}_units", partial(Units, *beat), partial(units.read_queries, *beat)
            )


def _channels(config: EngineConfig) -> Iterator[Part]:
    """Yield the parts of an AXI4 master's channels."""
    writes, reads, _ = master.master_proofs(config)
    channel = partial(ReadChannel, config, len(master.CLIENTS))
    yield Part(reads, "array_channel", channel, partial(master.read_queries, config))
    client = partial(WriteClient, config, result_layout(config).size, result_job(config))
    free = ("cutter", "beats")
    yield Part(writes, "array_write", client, partial(master.write_queries, config), free)
