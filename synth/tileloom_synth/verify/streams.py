"""Streams: what a design offers stays until it is taken, and offering waits for nobody.

    valid, not ready  ->  in the next cycle valid, with the same payload    from any state, whatever comes in
    no ``ready`` that comes in is part of ``valid`` or payload in a cycle   by the netlist's structure

A proof from any state covers every state that the design can be in, and any sequence: each cycle of waiting
is one step of it. Of queues that have a memory only those states are taken in which places and level belong
together, which is proved, too: a reset begins it, every cycle keeps it. What large memories give is left
free, which only makes the property harder. AXI4 asks for both, of every channel (IHI 0022, A3.2.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from tileloom.api import generate
from tileloom.config import Config

from .induction import NOTHING, induction
from .netlist import TOP, Netlist, cone, netlist_of_design, port
from .proof import Proof
from .solver import Query
from .specification import number
from .structure import TreeError


@dataclass(frozen=True)
class Stream:
    """A stream that goes out: the names of its signals in Verilog."""

    name: str
    valid: str
    ready: str
    payload: tuple[str, ...]


def outgoing(manifest: Mapping[str, Any]) -> Iterator[Stream]:
    """Yield the streams that a design drives: of ports, of a unit's signals, of an AXI4 master's channels.

    With registers, those of AXI4-Lite, too.
    """
    for each in manifest["ports"]:
        signals = each.get("signals", {})
        if each["direction"] == "out" and "valid" in signals:
            payload = tuple(name for role, name in signals.items() if role not in ("valid", "ready"))
            yield Stream(each["name"], signals["valid"], signals["ready"], payload)
        if each["direction"] == "out" and each["name"].endswith("__valid"):
            name = each["name"].removesuffix("__valid")
            yield Stream(name, each["name"], f"{name}__ready", (f"{name}__payload",))
    for of, prefix, channels, title in (
        ("master", "m_axi", ("ar", "aw", "w"), ""),
        ("registers", "s_axi", ("b", "r"), "register "),
    ):
        for channel in channels if of in manifest else ():
            valid, ready = (f"{prefix}_{channel}{role}" for role in ("valid", "ready"))
            payload = tuple(name for name in manifest[of][channel] if name not in (valid, ready))
            yield Stream(f"{title}{channel} channel", valid, ready, payload)


def level_conditions(netlist: Netlist, step: int) -> Iterator[str]:
    """Yield that each queue's level is within its depth, and is how far it writes ahead of where it reads."""
    sorts = netlist.sorts
    for name in (name for name in sorts if name.endswith(".level")):
        queue = name.removesuffix(".level")
        fields = [name, f"{queue}.r_port__addr", f"{queue}.w_port__addr"]
        depth = sum(other.startswith(f"{queue}.memory[") for other in sorts)
        if not depth or not sorts.keys() >= set(fields):
            continue
        width = depth.bit_length() + 1
        level, reads, writes = (netlist.number(field, step, width) for field in fields)
        size, end = number(depth, width), f"(bvadd {reads} {level})"
        yield f"(bvule {level} {size})"
        yield f"(and (bvult {reads} {size}) (bvult {writes} {size}))"
        yield f"(= {writes} (ite (bvuge {end} {size}) (bvsub {end} {size}) {end}))"


def level_queries(netlist: Netlist, manifest: Mapping[str, Any]) -> list[Query]:
    """Return queries without a counterexample where no queue is ever over full, or mixes up its places."""
    levels = (level_conditions(netlist, 0), level_conditions(netlist, 1))
    return induction(netlist, NOTHING, levels, (), running=_running(manifest, 0))


def _running(manifest: Mapping[str, Any], cycle: int) -> str:
    reset = manifest["reset"]
    value = port(reset["name"], cycle)
    return value if reset["active_low"] else f"(not {value})"


def held_query(netlist: Netlist, manifest: Mapping[str, Any], stream: Stream) -> Query:
    """Return a query without a counterexample where what a stream offers stays until it is taken."""
    lines = [*netlist.step(0), *netlist.step(1), *netlist.clock(0)]
    lines += [f"(assert {_running(manifest, cycle)})" for cycle in (0, 1)]
    lines += [f"(assert {condition})" for condition in level_conditions(netlist, 0)]
    lines += [f"(assert {port(stream.valid, 0)})", f"(assert (not {port(stream.ready, 0)}))"]
    same = [f"(= {port(signal, 0)} {port(signal, 1)})" for signal in stream.payload]
    lines.append(f"(assert (not (and true {port(stream.valid, 1)} {' '.join(same)})))")
    return Query(lines, {})


def no_path(netlist: Netlist, stream: Stream, readies: Sequence[str]) -> int:
    """Return how many nets ``valid`` and payload are made of, no ``ready`` that comes in among them.

    Raises TreeError that names one where there is.
    """
    nets = {net.name: net for net in netlist.nets}
    inputs = {}
    for ready in readies:
        (source,) = cone(nets, f"|{TOP}_n {ready}|")  # the input that has the name
        inputs[source] = ready
    found: set[str] = set()
    for signal in (stream.valid, *stream.payload):
        made_of = cone(nets, f"|{TOP}_n {signal}|")
        for source, ready in inputs.items():
            if source in made_of:
                raise TreeError(f"{signal} waits for {ready}")
        found |= made_of
    return len(found)


@cache
def stream_proofs(config: Config, but: tuple[str, ...] = (), *, queues: bool = False) -> tuple[Proof, ...]:
    """Return the proofs of the streams that a configuration's design drives, and of its ``queues``.

    ``but`` names those of which it is proved elsewhere that they are held, given more than any state.
    """
    design = generate(config)
    streams = list(outgoing(design.manifest))
    readies = [stream.ready for stream in streams]
    netlist = cache(partial(netlist_of_design, design))

    def levels() -> list[Query]:
        return level_queries(netlist(), design.manifest)

    def held(stream: Stream) -> list[Query]:
        return [held_query(netlist(), design.manifest, stream)]

    def free(stream: Stream) -> int:
        return no_path(netlist(), stream, readies)

    of = (design.name, "", 0)
    how = "induction"
    found = []
    if queues:
        found.append(Proof("queues: in order, none over full", *of, how, levels))
    for stream in streams:
        if stream.name not in but:
            queries = partial(held, stream)
            found.append(Proof(f"{stream.name}: held until taken", *of, "a step from any state", queries))
        structure = partial(free, stream)
        found.append(Proof(f"{stream.name}: waits for no ready", *of, "structure", structure=structure))
    return tuple(found)
