"""Netlists with a mistake in them: one input of one cell tied. What no check finds, no check is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tileloom import scratch
from tileloom.netlist.text import renamed

from ..gates.flat import ONE, ZERO, Flat
from ..gates.units import circuit
from .miter import difference
from .transition import transition


@dataclass(frozen=True)
class Tie:
    """One input of one cell tied to a constant.

    Attributes
    ----------
    cell, kind, pin, value:
        Name of the cell, what it is in the library, which pin, and 0 or 1.
    """

    cell: str
    kind: str
    pin: str
    value: int

    def __str__(self) -> str:
        return f"{self.cell} ({self.kind}), {self.pin} = {self.value}"


def ties(flat: Flat, rng: np.random.Generator) -> Iterator[Tie]:
    """Yield random ties of a netlist without end; pins that are constant already are left out."""
    places = [
        (each, pin, cell)
        for each in flat.instances
        for pin in each.cell.inputs
        if pin in each.pins
        for cell in np.flatnonzero(each.pins[pin] > ONE)
    ]
    while True:
        each, pin, cell = places[rng.integers(len(places))]
        yield Tie(each.names[cell], each.cell.name, pin, int(rng.integers(2)))


def tied(flat: Flat, tie: Tie) -> Flat:
    """Return a netlist with that mistake in it."""
    instances = list(flat.instances)
    for place, each in enumerate(instances):
        if each.cell.name == tie.kind:
            nets = each.pins[tie.pin].copy()
            nets[each.names.index(tie.cell)] = (ZERO, ONE)[tie.value]
            instances[place] = replace(each, pins={**each.pins, tie.pin: nets})
    return replace(flat, instances=instances)


def harmless(flat: Flat, mutant: Flat, clock: str = "clk", *, timeout: float = 60.0) -> bool:
    """Return whether SAT shows that a mutant does what the netlist does that it was made of.

    Both are the same cells, so that sweeping leaves the solver little: this ends where a proof against the
    RTL of a multiplier does not. Raises ``yosys.YosysError`` where it is not done in ``timeout`` seconds.
    """
    states = [int(net) for flops in circuit(flat).flip_flops for net in flops.states]
    names = [f"state[{net}]" for net in states]
    with scratch.folder() as folder:
        for file, each in (("before", flat), ("after", mutant)):
            ports: dict[str, Any] = {port: {"bits": []} for port in _with_bits(each, clock)}
            ports |= {port: {"bits": [0] * len(states)} for port in ("state", "next")}
            named = replace(each, names=dict(zip(states, names, strict=True)))
            text, _ = transition(named, clock, names, ports)
            (folder / f"{file}.v").write_text(renamed(text, file), "utf-8")
        return not difference("read_verilog before.v after.v\nproc", "before", "after", folder, timeout)


def _with_bits(flat: Flat, clock: str) -> list[str]:
    clock_nets = list(flat.ports.get(clock, ()))
    return [port for port, nets in flat.ports.items() if len(nets) and list(nets) != clock_nets]
