"""What a toggle of each pin of a netlist costs, in joules, and what its cells leak, in watts.

The energy of a netlist is linear in its toggles: an output costs its cell's ``internal_power`` by slew and
load; an input the charge of its pin, C V^2 / 2, which takes all nets' charge into account, for there are no
wires, and the energy that liberty calls hidden, of transitions that change no output.

Three things are not known of a toggle and are taken as follows. Which input moved an output: the mean of the
arcs. Whether it rose or fell: as often the one as the other. When data moves: while the clock is low, where a
flip-flop's input costs most; that it then has nothing left to do when the clock falls makes up for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..gates.behaviour import Behaviour, behaviour
from ..gates.flat import Instances
from ..gates.simulator import Simulator
from ..library.cells import Cell, pins
from ..library.functions import FunctionError, truth_table
from ..library.liberty import Group
from .tables import Floats, LibraryUnits

INPUT_SLEW = 30e-12
"""Slew of the inputs and of the clock, in s."""

PASSES = 6
"""Times that slews are worked out from those before: what one cell passes on to the next fades fast."""


@dataclass(frozen=True)
class Rates:
    """Energy per toggle of each pin of one kind of cells, in J, one for each cell.

    Attributes
    ----------
    internal, charge:
        Of the library's tables, and of the pins' capacitance.
    """

    internal: dict[str, Floats]
    charge: dict[str, Floats]


def rates(simulator: Simulator, units: LibraryUnits) -> list[Rates]:
    """Return the energies of a simulation's netlist, for each of its flat netlist's instances."""
    loads = _loads(simulator, units)
    slews = _slews(simulator, units, loads)
    found = []
    for each, places in zip(simulator.flat.instances, simulator.pins, strict=True):
        does = behaviour(each.cell)
        groups = dict(pins(each.cell.group))
        internal, charge = {}, {}
        for pin in does.outputs:
            internal[pin] = _output(groups[pin], each, places, units, slews, loads)
        for pin in does.inputs:
            capacitance = groups[pin].number("capacitance") * units.load
            charge[pin] = np.full(len(each.names), capacitance * units.supply**2 / 2)
        own = {pin: slews[places[pin]] for pin in does.inputs}
        for pin, energy in _hidden(each.cell, does, groups, units, own):
            internal[pin] = internal.get(pin, 0.0) + energy
        found.append(Rates(internal, charge))
    return found


def _loads(simulator: Simulator, units: LibraryUnits) -> Floats:
    """Return the capacitance of each net, in F: of the pins on it."""
    loads = np.zeros(len(simulator.values))
    for each, places in zip(simulator.flat.instances, simulator.pins, strict=True):
        groups = dict(pins(each.cell.group))
        for pin in each.cell.inputs:
            np.add.at(loads, places[pin], groups[pin].number("capacitance") * units.load)
    return loads


def _slews(simulator: Simulator, units: LibraryUnits, loads: Floats) -> Floats:
    """Return the slew of each net, in s: the mean of rise and fall of the slowest arc."""
    slews = np.full(len(simulator.values), INPUT_SLEW)
    arcs = []
    for each, places in zip(simulator.flat.instances, simulator.pins, strict=True):
        for pin, group in pins(each.cell.group):
            if pin not in each.cell.outputs:
                continue
            own = []
            for timing in group.all("timing"):
                tables = [
                    units.time_table(t)
                    for t in timing.all("rise_transition", "fall_transition")
                    if t.complex("values")
                ]
                related = timing.attributes.get("related_pin", "").split()
                own += [(places[name], tables) for name in related if name in places and tables]
            if own:
                arcs.append((places[pin], own))
    for _ in range(PASSES):
        before = slews.copy()
        for driven, own in arcs:
            each_arc = [
                np.mean([table.at(before[source], loads[driven]) for table in tables], axis=0)
                for source, tables in own
            ]
            slews[driven] = np.max(each_arc, axis=0)
    return slews


def _power_groups(pin: Group, ground: set[str]) -> Iterator[Group]:
    """Yield a pin's groups of internal power; where they come by rail, the supply's, which are all of it."""
    for group in pin.all("internal_power"):
        if group.attributes.get("related_pg_pin") not in ground:
            yield group


def ground_pins(cell: Cell) -> set[str]:
    """Return the names of a cell's ground rails."""
    return {
        pin.name for pin in cell.group.all("pg_pin") if pin.attributes.get("pg_type", "").endswith("ground")
    }


def _output(
    pin: Group,
    each: Instances,
    places: dict[str, np.ndarray],
    units: LibraryUnits,
    slews: Floats,
    loads: Floats,
) -> Floats:
    """Return the energy of a toggle of an output, of each cell: the mean of its arcs, of rise and fall."""
    energies = []
    own = places[next(name for name in pin.arguments if name in places)]
    for group in _power_groups(pin, ground_pins(each.cell)):
        tables = [units.energy_table(table) for table in group.all("rise_power", "fall_power", "power")]
        for related in group.attributes.get("related_pin", "").split():
            if related in places and tables:
                energies.append(
                    np.mean([table.at(slews[places[related]], loads[own]) for table in tables], axis=0)
                )
    return np.mean(energies, axis=0) if energies else np.zeros(len(each.names))


def _hidden(
    cell: Cell, does: Behaviour, groups: dict[str, Group], units: LibraryUnits, slews: Mapping[str, Floats]
) -> Iterator[tuple[str, Floats]]:
    """Yield pins and what each toggle of them adds for transitions of inputs that change no output.

    Of a clock that does change an output the cost is in the output's tables, so that it is taken off again
    where the output toggles.
    """
    names = (*does.inputs, *(["\0state"] if does.has_state else []))
    clock = _clock_pin(cell, does)
    ground = ground_pins(cell)
    rows = range(1 << len(names))
    for place, pin in enumerate(does.inputs):
        found = _conditions(list(_power_groups(groups[pin], ground)), does)
        if not found:
            continue
        # Of data in a cell with a clock, while that is low (see above).
        known = [
            row
            for row in rows
            if not clock or pin == clock or row >> does.inputs.index(clock) & 1 == _idle(does, clock)
        ]
        still = [row for row in known if not _changes(does, row, place)]
        edges = [_mean(found, edge, still, does, units, slews[pin]) for edge in ("rise_power", "fall_power")]
        share = 1.0 if clock else len(still) / len(known)
        per_toggle = (edges[0] + edges[1]) / 2 * share
        yield pin, per_toggle
        if pin == clock:
            # A clock gate passes both edges on; a flip-flop's state changes with one of them.
            gate = does.next_state is None
            yield (next(iter(does.outputs)), -per_toggle) if gate else ("", -edges[_idle(does, clock)])


def _conditions(found: list[Group], does: Behaviour) -> list[tuple[int | None, Group]]:
    """Return groups with their conditions as truth tables over inputs and outputs; that without one last."""
    names = (*does.inputs, *does.outputs)
    conditions: list[tuple[int | None, Group]] = []
    for group in found:
        text = group.attributes.get("when")
        try:
            conditions.append((None if text is None else truth_table(text, names), group))
        except FunctionError:
            continue  # of an internal node, which nobody sees
    return sorted(conditions, key=lambda each: each[0] is None)


def _mean(
    found: list[tuple[int | None, Group]],
    edge: str,
    rows: list[int],
    does: Behaviour,
    units: LibraryUnits,
    slew: Floats,
) -> Floats:
    """Return the mean energy of a transition in these states of a cell, as the first condition met has it."""
    counts: Counter[Group] = Counter()
    inputs = (1 << len(does.inputs)) - 1
    for row in rows:
        outputs = sum((table >> row & 1) << place for place, table in enumerate(does.outputs.values()))
        index = row & inputs | outputs << len(does.inputs)
        for condition, group in found:
            table = next(group.all(edge, "power"), None)
            if table is not None and (condition is None or condition >> index & 1):
                counts[table] += 1
                break
    total = np.zeros(slew.shape)
    for table, count in counts.items():
        total += units.energy_table(table).at(slew, np.zeros(slew.shape)) * (count / len(rows))
    return total


def _clock_pin(cell: Cell, does: Behaviour) -> str | None:
    """Return the pin that a cell with state waits for."""
    if not does.has_state:
        return None
    marked = [
        name
        for name, pin in pins(cell.group)
        if name in does.inputs
        and (pin.attributes.get("clock") == "true" or pin.attributes.get("clock_gate_clock_pin") == "true")
    ]
    return marked[0] if marked else does.inputs[0]


def _idle(does: Behaviour, clock: str) -> int:
    """Return the clock's value between its edges: 0, but for flip-flops of falling edges."""
    if does.clock is None:
        return 0
    place = does.inputs.index(clock)
    return 0 if does.clock >> (1 << place) & 1 else 1


def _changes(does: Behaviour, row: int, place: int) -> bool:
    """Return whether an output changes where an input does, from one of its values to the other."""
    state = len(does.inputs)
    other = row ^ 1 << place
    if (
        does.next_state is not None
        and does.clock is not None
        and (does.clock >> row ^ does.clock >> other) & 1
    ):
        first = row if not does.clock >> row & 1 else other
        return bool((does.next_state >> first & 1) != (first >> state & 1))
    return any((table >> row ^ table >> other) & 1 for table in does.outputs.values())
