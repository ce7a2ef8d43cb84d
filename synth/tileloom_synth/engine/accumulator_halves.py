"""The accumulators' halves: the core and the drain have them in turn, and never the same one at a time.

Two locks count the halves that are free and complete. Of the two there are, each is free, held by a column
(``held``), handed on while its last tile is on its way (``finish``), complete, or its last row is in the
drain's first register:

    free ---> column begins ---> column ends --[to the core, latency]--> complete ---> last row ---> free
    lock_c_free                                                          lock_c_full

Which columns take a half and which hand it on is what a program says. It is assumed that a column has
``accumulate`` exactly where the one before did not ``finish``, as docs/engine.md has it, and that the first
token of each column is marked ``first`` and no other is, which is proved of the walker. All other modules are
cut out: what they give, and when, may be anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.config import EngineConfig
from tileloom.engine.engine import Engine, core_timing

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, number

FREE, COMPLETE = LOCKS = ("lock_c_free.count", "lock_c_full.count")
WIDTH = 8
"""Bits of a number of halves, more than there are places that may have one."""

CUT = (
    *("dispatch", "loader", "a_buffer", "mask", "walker", "feeder", "b_buffer", "sequencer_tokens"),
    *("feeder_tokens", "tile_loops", "mask_loop", "drain.loops", "lock_a_free", "lock_a_full"),
)
"""Modules of the engine that are cut out."""

WIDTHS = {"held": 1, "open": 1, "begins": 1}
"""Of the record: a half was taken and not handed on; a column is under way; the next token begins one."""

OPENS, TAKEN = port("sequencer.header_take", 0), port("sequencer.tokens__ready", 0)
LAST = port("sequencer.tokens__payload.last", 0)
ACCUMULATE = port("sequencer.commands__payload.accumulate", 0)
FINISH = port("sequencer.commands__payload.finish", 0)


def accumulator_half_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proof of an engine's halves of the accumulators."""
    title = "accumulators: halves in turn, locks 0 to 2"
    make = lambda: queries(config, open_netlist(Engine(config), free=CUT))  # noqa: E731
    return [Proof(title, config.label, "", 0, "induction", make)]


def places(config: EngineConfig) -> list[str]:
    """Return where a step is, from the sequencer's loops to the cycle in which its sums are written."""
    latency = core_timing(config).latency
    moved = (f"accumulators.step_{delay}" for delay in range(1, latency + 1))
    return ["sequencer.reading", "sequencer.at_core", *moved]


def queries(config: EngineConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    before = [*agreement(config, netlist, 0)]
    after = [*agreement(config, netlist, 1)]
    told = {name: port(name, 0) for name in LOCKS}
    record = Record(WIDTHS, following(), {"begins": "#b1"})
    return induction(netlist, record, (before, after), claims(config), assumed=rules(), told=told)


def following() -> dict[str, str]:
    """Return the record after a cycle without a reset, by name."""
    ends = f"(and {TAKEN} {LAST})"
    hands_on = f"(and {ends} {FINISH})"
    return {
        "held": f"(ite {hands_on} #b0 (ite {OPENS} #b1 {kept('held')}))",
        "open": f"(ite {ends} #b0 (ite {OPENS} #b1 {kept('open')}))",
        "begins": f"(ite {TAKEN} {bit(LAST)} {kept('begins')})",
    }


def rules() -> Iterator[str]:
    """Yield what is assumed of programs and tokens."""
    yield f"(=> {OPENS} (= {bit(ACCUMULATE)} {kept('held')}))"
    marked = f"(= {bit(port('sequencer.tokens__payload.first', 0))} {kept('begins')})"
    yield f"(=> {port('sequencer.tokens__valid', 0)} {marked})"


def agreement(config: EngineConfig, netlist: Netlist, step: int) -> Iterator[str]:
    """Yield the conditions that hold in every cycle after a reset."""

    def plus(*values: str) -> str:
        total = number(0, WIDTH)
        for value in values:
            total = f"(bvadd {total} {value})"
        return total

    def count(condition: str) -> str:
        return f"(ite {condition} {number(1, WIDTH)} {number(0, WIDTH)})"

    def odd(value: str) -> str:
        return f"(= ((_ extract 0 0) {value}) #b1)"

    held, opened = f"(= {kept('held', step)} #b1)", f"(= {kept('open', step)} #b1)"
    half, drained = port("sequencer.half", step), port("drain.sums__half", step)
    finishes = [count(port(f"{place}.finish", step)) for place in places(config)]
    complete = netlist.number(COMPLETE, step, WIDTH)
    row, last = port("drain.row.valid", step), port("drain.row.last", step)
    leaves = count(f"(and {row} {last})")
    free = netlist.number(FREE, step, WIDTH)
    yield f"(= {plus(free, complete, *finishes, leaves, count(held))} {number(2, WIDTH)})"
    yield f"(= {odd(plus(complete, *finishes))} (xor {half} {drained}))"

    # A step is in the half that the sequencer is in, or in one that was complete with it or after it.
    for index, place in enumerate(places(config)):
        since = plus(*finishes[: index + 1])
        own = f"(= {port(f'{place}.half', step)} (xor {half} {odd(since)}))"
        there = f"(or {held} (not (= {since} {number(0, WIDTH)})))"
        yield f"(=> {port(f'{place}.valid', step)} (and {own} {there}))"

    # The row that was read last is of the half at the front, or of the one before it, and the last row of it.
    own = f"(= {port('drain.row_half', step)} (xor {drained} {last}))"
    yield f"(=> {row} (and {own} (or {last} (not (= {complete} {number(0, WIDTH)})))))"
    yield f"(= {port('sequencer.opened', step)} {opened})"
    yield f"(=> {opened} {held})"
    yield f"(or {opened} (= {kept('begins', step)} #b1))"


def claims(config: EngineConfig) -> Iterator[str]:
    """Yield what follows: locks within their bounds, halves apart, one half a column."""
    for name in LOCKS:
        count, lock = port(name, 0), name.removesuffix(".count")
        give, take = port(f"{lock}.give", 0), port(f"{lock}.take", 0)
        yield f"(bvule {count} {number(2, 2)})"
        yield f"(=> {take} (not (= {count} {number(0, 2)})))"
        yield f"(=> {give} (or {take} (not (= {count} {number(2, 2)}))))"

    # Whoever drains a half, the core is not in it, nor on its way to it.
    drains = [
        (port("drain.sums__read", 0), port("drain.sums__half", 0)),
        (port("drain.row.valid", 0), port("drain.row_half", 0)),
    ]
    users = [(port(f"{place}.valid", 0), port(f"{place}.half", 0)) for place in places(config)]
    users.append((port("sequencer.advance", 0), port("sequencer.half", 0)))
    for used, half in users:
        same = any_of(*(f"(and {drained} (= {half} {of}))" for drained, of in drains))
        yield f"(=> {used} (not {same}))"

    # A column takes its header, and a half, where it begins, once.
    opened = f"(= {kept('open')} #b1)"
    yield f"(=> {OPENS} (not {opened}))"
    yield f"(=> {port('sequencer.advance', 0)} (or {opened} {OPENS}))"
    yield f"(= {port('sequencer.c_take', 0)} {all_of(OPENS, f'(not {ACCUMULATE})')})"
    yield f"(= {port('sequencer.header_half', 0)} {port('sequencer.half', 0)})"
