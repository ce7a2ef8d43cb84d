"""The engine's A buffer: its two halves are filled and read in turn, and never the same one at a time.

Two locks count the halves that are free and full. Of the two there are, each is free, being filled
(``owned``), full, or its last read is under way (``release``), whatever commands, tiles and waits there are:

    free ---> loader fills ---> full ---> sequencer reads ---> last read ---> free
    lock_a_free                 lock_a_full

The locks of the accumulators' halves depend on what a program says of ``accumulate`` and ``finish``; that is
simulated.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.config import EngineConfig
from tileloom.engine.engine import Engine

from ..verify.induction import NOTHING, induction
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import number

LOCKS = ("lock_a_free.count", "lock_a_full.count")
HELD = ("loader.owned", "sequencer.release")
HALVES = ("loader.fill__half", "sequencer.a_half", "sequencer.fetch__half")


def half_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proofs of an engine's A buffer."""
    title = "A buffer: halves in turn, locks 0 to 2"
    return [Proof(title, config.label, "", 0, "induction", lambda: queries(open_netlist(Engine(config))))]


def agreement(netlist: Netlist, step: int) -> Iterator[str]:
    """Yield the conditions that hold in every cycle after a reset."""
    total = number(0, 3)
    for name in (*LOCKS, *HELD):
        total = f"(bvadd {total} {netlist.number(name, step, 3)})"
    yield f"(= {total} {number(2, 3)})"
    yield from (f"(bvule {port(name, step)} {number(2, 2)})" for name in LOCKS)
    fills, reads, read = (port(name, step) for name in HALVES)
    odd = f"(= {port(LOCKS[1], step)} {number(1, 2)})"
    yield f"(= {odd} (xor {fills} {reads}))"
    # What is being read is the half that is at the front, or the one before it while it is released.
    full = f"(not (= {port(LOCKS[1], step)} {number(0, 2)}))"
    at_front = f"(and (= {read} {reads}) {full})"
    reading, released = port("sequencer.reading.valid", step), port(HELD[1], step)
    yield f"(=> {reading} (ite {released} (= {read} (not {reads})) {at_front}))"


def queries(netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    both = f"(and {port('loader.fill__valid', 0)} {port('sequencer.fetch__valid', 0)})"
    apart = f"(=> {both} (xor {port('loader.fill__half', 0)} {port('sequencer.fetch__half', 0)}))"
    told = {name: port(name, 0) for name in LOCKS}
    return induction(netlist, NOTHING, (agreement(netlist, 0), agreement(netlist, 1)), [apart], told=told)
