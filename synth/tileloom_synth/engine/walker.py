"""The engine's walker: each entry of the index comes out once, in order, with its place in its column.

Beside the netlist goes a record of what was taken from the index, which handshakes alone decide: the columns
that are through and whether the next entry is its column's first; and the entry that is inside, with what it
must come out as. Both agree after a reset in any state, and every cycle keeps it so.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.layouts import INDEX, WALK_COMMAND
from tileloom.engine.walker import Walker

from ..verify.induction import Record, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, number, widen

COLUMN = WALK_COMMAND["columns"].width
ROW = INDEX["row"].width
FLAGS = ("empty", "first", "last", "end", "final")
RECORD = {"columns": COLUMN, "begins": 1, "before": ROW, "inside": 1, "column": COLUMN, "row": ROW}
RECORD |= dict.fromkeys(FLAGS, 1) | {"beyond": 1, "behind": 1}


def walker_proofs() -> list[Proof]:
    """Return the proof of the walker, which is the same in every engine."""
    title = "walker: entries once, in order"
    return [Proof(title, "any engine", "", 0, "induction", lambda: queries(open_netlist(Walker())))]


def following() -> dict[str, str]:
    """Return the record after a cycle without a reset, by name."""
    taken = f"(and {port('index__valid', 0)} {port('index__ready', 0)})"
    left = f"(and {port('tokens__valid', 0)} {port('tokens__ready', 0)})"
    row, last = port("index__payload.row", 0), port("index__payload.last", 0)
    empty, begins = port("index__payload.empty", 0), f"(= {kept('begins')} #b1)"
    one = number(1, COLUMN)
    through = f"(bvadd {kept('columns')} {one})"
    end = f"(and {last} (= {through} {port('commands__payload.columns', 0)}))"
    blocks = port("commands__payload.blocks", 0)
    beyond = f"(and (not {empty}) (bvuge {widen(row, WALK_COMMAND['blocks'].width - ROW)} {blocks}))"
    behind = f"(and (not {begins}) (bvule {row} {kept('before')}))"
    new = {
        "columns": f"(ite {end} {number(0, COLUMN)} (ite {last} {through} {kept('columns')}))",
        "begins": bit(last),
        "before": row,
        "column": kept("columns"),
        "row": row,
        "empty": bit(empty),
        "first": kept("begins"),
        "last": bit(last),
        "end": bit(end),
        "final": bit(f"(and {end} {port('final', 0)})"),
        "beyond": f"(bvor {kept('beyond')} {bit(beyond)})",
        "behind": f"(bvor {kept('behind')} {bit(behind)})",
    }
    after = {name: f"(ite {taken} {value} {kept(name)})" for name, value in new.items()}
    return after | {"inside": f"(ite {taken} #b1 (ite {left} #b0 {kept('inside')}))"}


def agreement(step: int) -> Iterator[str]:
    """Yield how the walker's registers and the record belong together."""
    there = f"(= {kept('inside', step)} #b1)"
    yield f"(= {port('tokens__valid', step)} {there})"
    yield f"(= {port('entry_column', step)} {kept('columns', step)})"
    begins = f"(= {kept('begins', step)} #b1)"
    yield f"(= {port('first', step)} {begins})"
    yield f"(or {begins} (= {port('previous_row', step)} {kept('before', step)}))"
    same = [f"(= {port(f'tokens__payload.{name}', step)} (= {kept(name, step)} #b1))" for name in FLAGS]
    same += [
        f"(= {port('tokens__payload.row', step)} {kept('row', step)})",
        f"(= {port('column', step)} {kept('column', step)})",
    ]
    yield f"(=> {there} (and {' '.join(same)}))"
    yield f"(= {port('fault', step)} (concat {kept('behind', step)} {kept('beyond', step)}))"


def offers() -> Iterator[str]:
    """Yield what holds of the ports beside: when the index and a command are taken."""
    room = f"(or (not {port('tokens__valid', 0)}) {port('tokens__ready', 0)})"
    yield f"(= {port('index__ready', 0)} (and {room} {port('commands__valid', 0)}))"
    through = f"(= (bvadd {kept('columns')} {number(1, COLUMN)}) {port('commands__payload.columns', 0)})"
    ends = f"(and {port('index__valid', 0)} {port('index__payload.last', 0)} {through})"
    yield f"(= {port('commands__ready', 0)} (and {room} {ends}))"


def queries(netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    record = Record(RECORD, following(), {"begins": "#b1"})
    return induction(netlist, record, (agreement(0), agreement(1)), offers())
