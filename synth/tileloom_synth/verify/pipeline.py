"""Pipelines: any number of stages is the same function later, whatever ``enable`` does in between.

The proofs of results start from any state, leave the inputs of every later cycle free, and look at the output
in the last: so it is the operands' of ``stages`` enabled cycles ago, of no other. What is left to prove is
that a cycle without ``enable`` changes nothing: then such cycles can be left out of any sequence.
"""

from __future__ import annotations

from .netlist import Netlist, port
from .solver import Query


def pipeline_query(netlist: Netlist) -> Query:
    """Return a query without a counterexample where every register holds while ``enable`` is low."""
    if not netlist.registers:
        raise ValueError("the netlist has no register")
    lines = [*netlist.step(0), f"(assert (not {port('enable', 0)}))", f"(assert (not {netlist.held()}))"]
    return Query(lines, {"a": port("a", 0), "b": port("b", 0)})
