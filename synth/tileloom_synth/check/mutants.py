"""Netlists with a mistake in them: one input of one cell tied. What no check finds, no check is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tileloom import scratch, yosys

from ..gates.flat import ONE, ZERO, Flat
from ..gates.units import circuit
from .transition import transition


def mutants(flat: Flat, rng: np.random.Generator) -> Iterator[tuple[str, Flat]]:
    """Yield netlists without end, each with a random input of a random cell tied to 0 or 1, and its name.

    Inputs that are constant already, and those of clock gates that are for scan alone, are left out.
    """
    places = [
        (kind, pin, cell)
        for kind, each in enumerate(flat.instances)
        for pin in each.cell.inputs
        if pin in each.pins
        for cell in np.flatnonzero(each.pins[pin] > ONE)
    ]
    while True:
        kind, pin, cell = places[rng.integers(len(places))]
        value = int(rng.integers(2))
        each = flat.instances[kind]
        nets = each.pins[pin].copy()
        nets[cell] = (ZERO, ONE)[value]
        changed = replace(each, pins={**each.pins, pin: nets})
        instances = [*flat.instances[:kind], changed, *flat.instances[kind + 1 :]]
        yield f"{each.names[cell]} ({each.cell.name}), {pin} = {value}", replace(flat, instances=instances)


MITER = """
read_verilog before.v after.v
proc
miter -equiv -flatten -make_outputs before after both
hierarchy -top both
opt -full
techmap
opt -full
abc -g AND,XOR
opt_clean
sat -verify -prove trigger 0 both
"""


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
            (folder / f"{file}.v").write_text(text.replace("module netlist", f"module {file}"), "utf-8")
        try:
            yosys.run(MITER, folder=folder, timeout=timeout)
        except yosys.YosysError as error:
            if "proof did fail" in str(error):
                return False
            raise
    return True


def _with_bits(flat: Flat, clock: str) -> list[str]:
    clock_nets = list(flat.ports.get(clock, ()))
    return [port for port, nets in flat.ports.items() if len(nets) and list(nets) != clock_nets]
