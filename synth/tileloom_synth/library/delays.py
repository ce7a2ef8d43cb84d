"""The yardstick of a library's speed: the delay of an inverter that drives four of its own kind.

Delays said in it mean the same in every process (Harris and Ho, "The fanout-of-4 inverter delay metric").
It is read from the tables of delay (NLDM: a delay and a slew for each slew of the input and each load).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import cells
from .cells import Cell
from .liberty import Group

_KINDS = {"cell_rise", "cell_fall", "rise_transition", "fall_transition"}

ROUNDS = 20
"""Inverters in a row until the slew at the input of one is that of its output."""


@dataclass(frozen=True)
class FanOutOfFour:
    """The delay of an inverter that drives four like it, and what one of them loads its driver with.

    Attributes
    ----------
    inverter:
        The cell's name.
    delay, load:
        In the library's units of time and of capacitance; the delay is the mean of rising and falling.
    """

    inverter: str
    delay: float
    load: float


def fan_out_of_four(usable: Mapping[str, Cell], templates: Mapping[str, Group]) -> FanOutOfFour:
    """Return the delay of the quickest of the smallest inverters.

    ``templates`` are the library's ``lu_table_template`` groups by name. Raises ValueError where the
    inverters have no such tables.
    """
    inverters = cells.of_function(usable.values(), 1, 0b01)
    smallest = min(cell.area for cell in inverters)
    found = [_measure(cell, templates) for cell in inverters if cell.area == smallest]
    return min(found, key=lambda one: one.delay)


def _measure(cell: Cell, templates: Mapping[str, Group]) -> FanOutOfFour:
    source, (drain,) = cell.inputs[0], cell.outputs
    by_name = dict(cells.pins(cell.group))
    load = by_name[source].number("capacitance")
    tables = {
        table.kind: _Table(table, templates)
        for arc in by_name[drain].all("timing")
        for table in arc.all(*_KINDS)
    }
    if not load > 0 or not tables.keys() >= _KINDS:
        raise ValueError(f"{cell.group.where}: cell {cell.name} has no capacitance or no tables of delay")
    slew, delays = 0.0, [0.0, 0.0]
    for _ in range(ROUNDS):
        # Through an inverter edges alternate, so that two of them see each kind once.
        delays = []
        for edge in ("rise", "fall"):
            delays.append(tables[f"cell_{edge}"].at(slew, 4 * load))
            slew = tables[f"{edge}_transition"].at(slew, 4 * load)
    return FanOutOfFour(cell.name, sum(delays) / 2, load)


class _Table:
    """A liberty table of one or two variables, linear between its points, and as at its ends beyond."""

    def __init__(self, group: Group, templates: Mapping[str, Group]) -> None:
        template = templates.get(group.name)
        first = template.attributes.get("variable_1", "") if template else ""
        self._by_load = "capacitance" in first
        axes = []
        for index in ("index_1", "index_2"):
            points = group.numbers(index) or (template.numbers(index) if template else [])
            axes.append(points or [0.0])
        self._axes = axes
        values = group.numbers("values")
        width = len(axes[1])
        if len(values) != width * len(axes[0]):
            raise ValueError(f"{group.where}: {group.kind}: {len(values)} values, not {width * len(axes[0])}")
        self._rows = [values[place : place + width] for place in range(0, len(values), width)]

    def at(self, slew: float, load: float) -> float:
        """Return the value at an input's slew and an output's load."""
        first, second = (load, slew) if self._by_load else (slew, load)
        return _between(self._axes[0], [_between(self._axes[1], row, second) for row in self._rows], first)


def _between(points: Sequence[float], values: Sequence[float], at: float) -> float:
    at = min(max(at, points[0]), points[-1])
    upper = next((place for place, point in enumerate(points) if at <= point), len(points) - 1)
    if upper == 0:
        return values[0]
    low, high = points[upper - 1], points[upper]
    return values[upper - 1] + (values[upper] - values[upper - 1]) * (at - low) / (high - low)
