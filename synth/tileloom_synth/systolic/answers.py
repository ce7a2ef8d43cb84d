"""An array as a functional unit: what it answers to an operation stays until it is taken.

    operation, a, b the same, ready, not taken  ->  in the next cycle ready, with the same result

That holds in states where results and vectors belong together, which is proved to be so from a reset on:

    unread = in the queue + what vectors on their way will put there      vectors: a step interval apart

Elements' arithmetic is left free.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor.unit import Unit
from tileloom.systolic.timing import streaming

from ..verify.induction import NOTHING, all_of, induction
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.solver import Query
from ..verify.specification import bits, number
from .vectors import FREE

WIDTH = 8
"""Bits of counts in conditions, more than any needs."""


def open_unit(config: SystolicConfig) -> Netlist:
    """Return a unit's netlist, its elements' arithmetic left free."""
    return open_netlist(Unit(config), free=FREE)


def queries(config: SystolicConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    operands = ("operation", "a", "b")
    same = {name: f"(= {port(name, 0)} {port(name, 1)})" for name in (*operands, "result")}
    waits = all_of(port("ready", 0), f"(not {port('taken', 0)})", *(same[name] for name in operands))
    held = f"(=> {waits} (and {port('ready', 1)} {same['result']}))"
    return induction(
        netlist,
        NOTHING,
        (_agreement(config, netlist, 0), _agreement(config, netlist, 1)),
        (),
        leads_to=[held],
        assumed=[f"(=> {port('taken', 0)} {port('ready', 0)})"],
        told={name: port(name, 0) for name in operands},
    )


def _agreement(config: SystolicConfig, netlist: Netlist, step: int) -> Iterator[str]:
    """Yield how the queue, the vectors on their way and the one begun belong together."""
    columns, steps, depth = config.columns, config.step_interval, 2 * config.columns
    timetable = streaming(config)
    first, last = (timetable.result_appears(column) for column in (0, columns - 1))

    def count(signal: str) -> str:
        return netlist.number(signal, step, WIDTH)

    def on_its_way(age: int) -> str:
        taps = port("wavefront.taps", step)
        return f"(= {bits(taps, age, age)} #b1)"

    unread, place, queued = (count(name) for name in ("unread", "place", "results.count"))
    total = queued
    for age in range(last + 1):
        left = columns - max(age - first, 0)
        total = f"(bvadd {total} (ite {on_its_way(age)} {number(left, WIDTH)} {number(0, WIDTH)}))"
        yield f"(=> {on_its_way(age)} (bvule {place} {number(age, WIDTH)}))"
        for older in range(age + 1, min(age + steps, last + 1)):
            yield f"(not (and {on_its_way(age)} {on_its_way(older)}))"
    yield f"(= {unread} {total})"
    yield f"(bvult {place} {number(steps, WIDTH)})"
    yield f"(bvule {unread} {number(depth, WIDTH)})"
    yield f"(bvule (bvadd {unread} {place}) {number(columns + steps, WIDTH)})"

    newest, oldest = count("results.newest_place"), count("results.oldest_place")
    end, size = f"(bvadd {oldest} {queued})", number(depth, WIDTH)
    yield f"(and (bvult {newest} {size}) (bvult {oldest} {size}))"
    yield f"(= {newest} (ite (bvuge {end} {size}) (bvsub {end} {size}) {end}))"
