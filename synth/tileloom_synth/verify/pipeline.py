"""Pipelines: any number of stages is the same function later, whatever ``enable`` does in between.

The proofs of results start from any state, leave the inputs of every later cycle free, and look at the output
in the last: so it is the operands' of ``stages`` enabled cycles ago, of no other. What is left to prove is
that a cycle without ``enable`` changes nothing: then such cycles can be left out of any sequence.
"""

from __future__ import annotations

from .netlist import TOP, Netlist, port
from .solver import Query


def pipeline_query(netlist: Netlist) -> Query:
    """Return a query without a counterexample where every register holds while ``enable`` is low."""
    if not netlist.registers:
        raise ValueError("the netlist has no register")
    lines = [*netlist.step(0), f"(assert (not {port('enable', 0)}))", f"(assert (not {netlist.held()}))"]
    return Query(lines, {"a": port("a", 0), "b": port("b", 0)})


def same_query(one: Netlist, other: Netlist, cycles: tuple[int, int], result: str) -> Query:
    """Return a query without a counterexample where two components of ``a`` and ``b`` give the same.

    Each after so many of its own ``cycles`` with ``enable`` high: a pipeline with other registers.
    """

    def twin(line: str) -> str:
        return line.replace(f"|{TOP}", "|twin")

    first, second = cycles
    lines = [*map(twin, one.unrolled(first)), *other.unrolled(second)]
    lines += [f"(assert (= {port(name, 0)} {twin(port(name, 0))}))" for name in ("a", "b")]
    lines.append(f"(assert (distinct {port(result, second)} {twin(port(result, first))}))")
    return Query(lines, {"a": port("a", 0), "b": port("b", 0), result: port(result, second)})
