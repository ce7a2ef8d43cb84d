"""The cells of a library: read from liberty, and told apart by their Boolean functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import product

from .functions import FunctionError, equal_but_for_order, truth_table
from .lexer import LibertyError
from .liberty import Group

UNUSABLE = ("*__lpflow_*", "*__probe*", "*dlymetal*", "*dlygate*", "*clkdlyb*")
"""Cells that no one wants in a datapath although their library does not say so: SKY130's for power domains,
for probing, and for delay."""

_MARKS = ("dont_use", "pad_cell", "is_macro_cell", "is_level_shifter", "is_isolation_cell")
"""Attributes that say, where they are true, that a cell is not for mapping."""

_SEQUENTIAL = ("ff", "latch", "ff_bank", "latch_bank", "statetable")
_WIDE = ("bus", "bundle", "ff_bank", "latch_bank")
_DIRECTIONS = ("input", "output", "inout", "internal")
_SUM = {2: 0b0110, 3: 0b10010110}
_CARRY = {2: 0b1000, 3: 0b11101000}


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes
    ----------
    name, area:
        As in the library, in its unit of area; 0 where a cell that is not mapped to has no area.
    inputs:
        Names of the input pins.
    outputs:
        Each output pin's function as a truth table over ``inputs`` (``functions.truth_table``), or None
        where it is not combinational.
    is_sequential:
        It holds state.
    is_flip_flop:
        It is a flip-flop of one bit that loads one pin and has no other inputs but its clock, clear and
        preset, so that a netlist's flip-flops can be mapped to it; scan flip-flops are none.
    clock_gate:
        It is a clock gate for rising edges, with a latch.
    dont_use:
        The library, or ``UNUSABLE``, says to leave it alone, or it is nothing that the tools map to: it has
        buses or bundles, or is a flip-flop of another kind than ``is_flip_flop``. Clock gates are never left
        alone: libraries mark them so because only one step of a flow may use them.
    group:
        What the library says of it.
    """

    name: str
    area: float
    inputs: tuple[str, ...]
    outputs: Mapping[str, int | None]
    is_sequential: bool
    is_flip_flop: bool
    clock_gate: bool
    dont_use: bool
    group: Group = field(repr=False, compare=False)

    @property
    def is_mapped_to(self) -> bool:
        """Whether mapping can choose it: a gate, a flip-flop, a clock gate; ties and fillers are none."""
        if self.dont_use or self.is_sequential:
            return not self.dont_use and (self.is_flip_flop or self.clock_gate)
        return bool(self.inputs) and any(True for _ in self.driven())

    @property
    def is_driver(self) -> bool:
        """Whether it is a gate with one output, such as can stand before an input."""
        return self.is_mapped_to and not self.is_sequential and len(self.outputs) == 1

    def driven(self) -> Iterator[tuple[str, Group]]:
        """Yield name and group of each output pin that has a function and is always driven."""
        for name, pin in pins(self.group):
            if name in self.outputs and "function" in pin.attributes and "three_state" not in pin.attributes:
                yield name, pin

    def has_delays(self) -> bool:
        """Return whether each output that is mapped to has tables of rising and of falling delay."""
        needed = {"cell_rise", "cell_fall"}
        return all(
            needed
            <= {
                table.kind
                for arc in pin.all("timing")
                for table in arc.all(*needed)
                if any(table.complex("values") or ())
            }
            for _, pin in self.driven()
        )


@dataclass(frozen=True)
class FullAdder:
    """A full or half adder: its cell's name and area, its pins, and whether an output is inverted."""

    cell: str
    area: float
    inputs: tuple[str, ...]
    sum: str
    carry: str
    sum_inverted: bool
    carry_inverted: bool


def pins(group: Group) -> Iterator[tuple[str, Group]]:
    """Yield name and group of each pin of a cell; one group can declare several."""
    return ((name, pin) for pin in group.all("pin") for name in pin.arguments)


def read(group: Group) -> Cell:
    """Return the cell that a liberty group describes.

    Raises LibertyError that names the cell: where it can be mapped to and its area is no positive number, and
    where a pin has no direction.
    """
    kinds = {inner.kind for inner in group.groups}
    gating = group.attributes.get("clock_gating_integrated_cell", "").startswith("latch_posedge")
    avoided = (
        any(group.attributes.get(mark, "").lower() == "true" for mark in _MARKS)
        or any(fnmatch(group.name, pattern) for pattern in UNUSABLE)
    ) and not gating
    wide = not kinds.isdisjoint(_WIDE)
    directions = {name: pin.attributes.get("direction", "").lower() for name, pin in pins(group)}
    for pin, direction in directions.items():
        if direction not in _DIRECTIONS and not (avoided or wide):
            raise LibertyError(
                f"{group.where}: cell {group.name}, pin {pin}: direction {direction or 'missing'}; "
                f"must be one of {', '.join(_DIRECTIONS)}"
            )
    inputs = tuple(name for name, direction in directions.items() if direction == "input")
    is_flip_flop = "ff" in kinds and why_not_flip_flop(group, inputs) is None
    is_sequential = not kinds.isdisjoint(_SEQUENTIAL)
    cell = Cell(
        name=group.name,
        area=_area(group),
        inputs=inputs,
        outputs={
            name: None if is_sequential else _table(pin, inputs)
            for name, pin in pins(group)
            if directions[name] == "output"
        },
        is_sequential=is_sequential,
        is_flip_flop=is_flip_flop,
        clock_gate=gating,
        dont_use=avoided or wide or ("ff" in kinds and not (is_flip_flop or gating)),
        group=group,
    )
    if cell.is_mapped_to and cell.area <= 0:
        raise LibertyError(
            f"{group.where}: cell {group.name}: area {group.attributes.get('area', 'missing')}; "
            "must be a positive number (or the cell marked dont_use)"
        )
    return cell


def why_not_flip_flop(group: Group, inputs: tuple[str, ...]) -> str | None:
    """Return why a netlist's flip-flops cannot be mapped to this cell, or None where they can."""
    flop = next(group.all("ff"), None)
    if flop is None:
        return "holds several bits" if next(group.all("ff_bank"), None) else "is none"
    connected: set[str] = set()
    for name in ("next_state", "clocked_on", "clear", "preset"):
        function = flop.attributes.get(name)
        if function is None and name in ("clear", "preset"):
            continue
        pin = _one_pin(function or "", inputs)
        if pin is None:
            return f"has {name} {function!r}, which is not one pin"
        connected.add(pin)
    others = [name for name in inputs if name not in connected]
    return f"has more inputs ({', '.join(others)})" if others else None


def _one_pin(function: str, inputs: tuple[str, ...]) -> str | None:
    """Return the pin that a function is, inverted or not, or None."""
    for pin in inputs:
        try:
            if truth_table(function, (pin,)) in (0b10, 0b01):
                return pin
        except FunctionError:
            continue
    return None


def _area(group: Group) -> float:
    try:
        area = float(group.attributes.get("area", "0"))
    except ValueError:
        return 0.0
    return area if math.isfinite(area) else 0.0


def _table(pin: Group, inputs: tuple[str, ...]) -> int | None:
    # Nothing that is looked for has more inputs, and a truth table of a wide one would be long.
    if "three_state" in pin.attributes or "function" not in pin.attributes or len(inputs) > 6:
        return None
    try:
        return truth_table(pin.attributes["function"], inputs)
    except FunctionError:
        return None


def of_function(cells: Iterable[Cell], inputs: int, table: int) -> list[Cell]:
    """Return the cells with one output that is this function of ``inputs`` inputs, in any order."""
    return [
        cell
        for cell in cells
        if len(cell.inputs) == inputs and len(cell.outputs) == 1 and _is(cell, table, *cell.outputs)
    ]


def smallest_adder(cells: Iterable[Cell], inputs: int) -> FullAdder | None:
    """Return the smallest full (3 inputs) or half (2 inputs) adder, or None."""
    ones = (1 << (1 << inputs)) - 1
    found = []
    for cell in cells:
        if len(cell.inputs) != inputs or len(cell.outputs) != 2:
            continue
        for (total, carry), *inverted in product(
            (tuple(cell.outputs), tuple(cell.outputs)[::-1]), (False, True), (False, True)
        ):
            if _is(cell, _SUM[inputs] ^ ones * inverted[0], total) and _is(
                cell, _CARRY[inputs] ^ ones * inverted[1], carry
            ):
                found.append(FullAdder(cell.name, cell.area, cell.inputs, total, carry, *inverted))
    return min(found, key=lambda adder: adder.area, default=None)


def _is(cell: Cell, table: int, output: str) -> bool:
    own = cell.outputs[output]
    return own is not None and equal_but_for_order(own, table, len(cell.inputs))
