"""Proofs over sequences of any length: an invariant that a reset in any state begins, and every cycle keeps.

Where a property speaks of what has happened, a record of it goes beside the netlist: parts that change by
rules of the specification, from what crosses ports. Registers and record belong together by the invariant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .netlist import Netlist, port
from .solver import Query
from .specification import number


def kept(name: str, step: int = 0) -> str:
    """Return the symbol of a part of the record in a step."""
    return f"|kept {name}@{step}|"


@dataclass(frozen=True)
class Record:
    """What is kept beside a netlist, whose reset is ``rst``.

    Attributes
    ----------
    widths:
        Bits of each part, by its name.
    following:
        What a part is after a cycle without a reset.
    init:
        What it is after one with it; of parts that are not named 0.
    """

    widths: Mapping[str, int]
    following: Mapping[str, str]
    init: Mapping[str, str]

    def declared(self, step: int) -> list[str]:
        """Return the declarations of a step."""
        return [
            f"(declare-fun {kept(name, step)} () (_ BitVec {width}))" for name, width in self.widths.items()
        ]

    @property
    def changes(self) -> list[str]:
        """What ties step 1 to step 0."""
        return [
            f"(assert (= {kept(name, 1)} (ite {port('rst', 0)} "
            f"{self.init.get(name, number(0, self.widths[name]))} {value})))"
            for name, value in self.following.items()
        ]


NOTHING = Record({}, {}, {})


def all_of(*conditions: str) -> str:
    """Return that all conditions hold; there may be none."""
    return f"(and true true {' '.join(conditions)})"


def any_of(*conditions: str) -> str:
    """Return that one of some conditions holds; there may be none."""
    return f"(or false false {' '.join(conditions)})"


def induction(
    netlist: Netlist,
    record: Record,
    invariant: tuple[Iterable[str], Iterable[str]],
    claims: Iterable[str],
    *,
    leads_to: Iterable[str] = (),
    assumed: Iterable[str] = (),
    told: Mapping[str, str] | None = None,
    running: str | None = None,
) -> list[Query]:
    """Return queries without a counterexample where a property holds in every cycle after a reset.

    Parameters
    ----------
    netlist, record:
        What is spoken of, in steps 0 and 1.
    invariant:
        Its conditions in both steps.
    claims:
        The property: conditions of step 0, where the invariant holds and there is no reset.
    leads_to:
        Conditions of step 1 after such a step 0.
    assumed:
        Of what comes in, in step 0.
    told:
        What a counterexample tells beside the record.
    running:
        That there is no reset in step 0; by default that ``rst`` is low.
    """
    lines = [*netlist.step(0), *netlist.step(1), *netlist.clock(0)]
    lines += [*record.declared(0), *record.declared(1), *record.changes]
    before, after = map(list, invariant)
    running = running or f"(not {port('rst', 0)})"
    holds = [running, *assumed, *before]
    shown = {name: kept(name) for name in record.widths} | dict(told or {})

    def query(conditions: list[str], refuted: str) -> Query:
        return Query(
            [*lines, *(f"(assert {each})" for each in conditions), f"(assert (not {refuted}))"], shown
        )

    claimed = list(claims)
    return [
        *([query(holds, all_of(*claimed))] if claimed else []),
        query(holds, all_of(*after, *leads_to)),
        query([f"(not {running})"], all_of(*after)),
    ]
