"""Words cut into the runs of bits that are needed, and what becomes of a module's ports by that."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .live import Live, Module


@dataclass(frozen=True)
class Piece:
    """A run of bits of a port or wire: its name, the number of its lowest bit, the places taken."""

    name: str
    offset: int
    places: range


@dataclass
class Plan:
    """What becomes of a module's ports: by old name, the pieces that are kept, in order."""

    pieces: dict[str, list[Piece]]
    taken: set[str] = field(default_factory=set)


def plan(module: Module, live: Live, order: Sequence[str] | None) -> Plan:
    """Return what becomes of a module's ports: with ``order``, of the top's."""
    taken: set[str] = set()
    pieces: dict[str, list[Piece]] = {}
    if order is not None:
        extra = [port for port in ("clk", "rst") if port in module["ports"] and port not in order]
        for port in (*extra, *order):
            bits = module["ports"][port]["bits"]
            if port in order or live.bits.intersection(bits):
                pieces[port] = [Piece(unique(port, taken), 0, range(len(bits)))]
        return Plan(pieces, taken)
    for port in sorted(module["ports"], key=lambda port: (port not in ("clk", "aclk"), port != "rst")):
        account = module["ports"][port]
        output = account["direction"] == "output"
        places = [
            place
            for place, bit in enumerate(account["bits"])
            if ((port, place) in live.outputs if output else bit in live.bits)
        ]
        if places:
            pieces[port] = _cut(port, places, len(account["bits"]), taken)
    return Plan(pieces, taken)


def _cut(name: str, places: Sequence[int], width: int, taken: set[str]) -> list[Piece]:
    """Return the runs of ``places`` of a word as pieces; a single one keeps the word's name."""
    return named(name, runs_of(places), width, taken)


def named(name: str, runs: Sequence[range], width: int, taken: set[str]) -> list[Piece]:
    """Return runs of a word of ``width`` as pieces, with names that are not in ``taken``, and add these."""
    if len(runs) == 1:
        return [Piece(unique(name, taken), runs[0].start if width > 1 else 0, runs[0])]
    return [
        Piece(
            unique(f"{name}_{run[-1]}_{run[0]}" if len(run) > 1 else f"{name}_{run[0]}", taken), run[0], run
        )
        for run in runs
    ]


def runs_of(places: Sequence[int]) -> list[range]:
    """Return ascending places as runs without gaps."""
    runs: list[range] = []
    for place in places:
        if runs and runs[-1].stop == place:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return runs


def unique(name: str, taken: set[str]) -> str:
    """Return ``name`` as an identifier that is not in ``taken``, and add it there."""
    name = re.sub(r"\W", "_", name)
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    found = next(each for each in itertools.chain((name,), numbered) if each not in taken)
    taken.add(found)
    return found
