"""Netlists with a mistake in them: one input of one cell tied. What no check finds, no check is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..gates.flat import ONE, ZERO, Flat


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
