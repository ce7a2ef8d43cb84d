"""The cells of a library: read from liberty, and told apart by their Boolean functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import product

from .functions import FunctionError, equal_but_for_order, truth_table
from .liberty import Group

UNUSABLE = ("*__lpflow_*", "*__probe*", "*dlymetal*", "*dlygate*", "*clkdlyb*")
"""Cells that no one wants in a datapath although their library does not say so: SKY130's for power domains,
for probing, and for delay."""

_SEQUENTIAL = ("ff", "latch", "ff_bank", "latch_bank", "statetable")
_SUM = {2: 0b0110, 3: 0b10010110}
_CARRY = {2: 0b1000, 3: 0b11101000}


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes
    ----------
    name, area:
        As in the library, in its unit of area.
    inputs:
        Names of the input pins.
    outputs:
        Each output pin's function as a truth table over ``inputs`` (``functions.truth_table``), or None
        where it is not combinational.
    is_sequential, is_flip_flop:
        It holds state; it does so from edge to edge.
    clock_gate:
        It is a clock gate for rising edges, with a latch.
    dont_use:
        The library, or ``UNUSABLE``, says to leave it alone. Clock gates are never left alone: libraries mark
        them so because only one step of a flow may use them.
    """

    name: str
    area: float
    inputs: tuple[str, ...]
    outputs: Mapping[str, int | None]
    is_sequential: bool
    is_flip_flop: bool
    clock_gate: bool
    dont_use: bool


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


def read(group: Group) -> Cell:
    """Return the cell that a liberty group describes.

    Raises ValueError that names the cell where it has no area.
    """
    try:
        area = float(group.attributes["area"])
    except (KeyError, ValueError):
        raise ValueError(f"cell {group.name} has no area") from None
    pins = [(name, pin) for pin in group.all("pin", "bus") for name in pin.arguments]
    inputs = tuple(name for name, pin in pins if pin.attributes.get("direction") == "input")
    kinds = {inner.kind for inner in group.groups}
    is_sequential = not kinds.isdisjoint(_SEQUENTIAL)
    gating = group.attributes.get("clock_gating_integrated_cell", "").startswith("latch_posedge")
    avoided = group.attributes.get("dont_use") == "true" or any(fnmatch(group.name, p) for p in UNUSABLE)
    return Cell(
        name=group.name,
        area=area,
        inputs=inputs,
        outputs={
            name: None if is_sequential else _table(pin, inputs)
            for name, pin in pins
            if pin.attributes.get("direction") == "output"
        },
        is_sequential=is_sequential,
        is_flip_flop=not kinds.isdisjoint(("ff", "ff_bank")),
        clock_gate=gating,
        dont_use=avoided and not gating,
    )


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
