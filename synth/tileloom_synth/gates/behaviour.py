"""What a cell does, read from its liberty group: outputs, flip-flop, latch, clock gate.

A cell's functions are truth tables over its input pins and, last, its state (``IQ``). A latch and the latch
in a clock gate's state table are one thing: a function that says when it holds, and one that says what it
takes while it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..library.cells import Cell, pins
from ..library.functions import FunctionError, truth_table
from ..library.liberty import Group
from ..library.standard_cells import LibraryError


@dataclass(frozen=True)
class Behaviour:
    """What a cell does.

    Attributes
    ----------
    inputs:
        Names of the input pins; tables are over these and, of a cell with state, the state as the last input.
    outputs:
        Truth table of each output pin.
    clock, next_state:
        Of a flip-flop: it takes ``next_state`` where ``clock`` rises. Else None.
    hold, taken:
        Of a latch: it keeps its state while ``hold`` is 1, and is ``taken`` else. Else None.
    clear, preset:
        The state is 0, or 1, while these are; None where the cell has none.
    """

    inputs: tuple[str, ...]
    outputs: dict[str, int]
    clock: int | None = None
    next_state: int | None = None
    hold: int | None = None
    taken: int | None = None
    clear: int | None = None
    preset: int | None = None

    @property
    def has_state(self) -> bool:
        """Whether it is a flip-flop or a latch."""
        return self.next_state is not None or self.hold is not None

    @property
    def arity(self) -> int:
        """Inputs of the truth tables."""
        return len(self.inputs) + self.has_state


def behaviour(cell: Cell) -> Behaviour:
    """Return what a cell does. Raises LibraryError that names a cell which its library does not explain."""
    group = cell.group
    try:
        if flop := next(group.all("ff"), None):
            return _flip_flop(cell, flop)
        if latch := next(group.all("latch"), None):
            return _latch(cell, latch)
        if table := next(group.all("statetable"), None):
            return _state_table(cell, table)
        outputs = {name: truth_table(function, cell.inputs) for name, function in _functions(group)}
        return Behaviour(cell.inputs, outputs)
    except FunctionError as error:
        raise LibraryError(f"{group.where}: cell {cell.name}: {error}") from None


def _functions(group: Group, attribute: str = "function") -> Iterator[tuple[str, str]]:
    for name, pin in pins(group):
        if attribute in pin.attributes and pin.attributes.get("direction") == "output":
            yield name, pin.attributes[attribute]


def over_state(function: str, inputs: tuple[str, ...], state: str, inverse: str | None = None) -> int:
    """Return the truth table of a function of pins, a state variable and its complement, the state last."""
    names = (*inputs, state)
    if inverse is None:
        return truth_table(function, names)
    # The complement is one more input at first; of its rows those are kept where it is the complement.
    table = truth_table(function, (*names, inverse))
    half = 1 << len(inputs)
    ones = (1 << half) - 1
    when_0 = table >> 2 * half & ones
    when_1 = table >> half & ones
    return when_0 | when_1 << half


def _flip_flop(cell: Cell, flop: Group) -> Behaviour:
    state, inverse = flop.arguments[0], flop.arguments[1]

    def table(function: str | None) -> int | None:
        return None if function is None else over_state(function, cell.inputs, state, inverse)

    known = flop.attributes
    return Behaviour(
        cell.inputs,
        {name: over_state(text, cell.inputs, state, inverse) for name, text in _functions(cell.group)},
        clock=table(known["clocked_on"]),
        next_state=table(known["next_state"]),
        clear=table(known.get("clear")),
        preset=table(known.get("preset")),
    )


def _latch(cell: Cell, latch: Group) -> Behaviour:
    state, inverse = latch.arguments[0], latch.arguments[1]

    def table(function: str | None) -> int | None:
        return None if function is None else over_state(function, cell.inputs, state, inverse)

    known = latch.attributes
    return Behaviour(
        cell.inputs,
        {name: over_state(text, cell.inputs, state, inverse) for name, text in _functions(cell.group)},
        hold=table(f"!({known['enable']})"),
        taken=table(known["data_in"]),
        clear=table(known.get("clear")),
        preset=table(known.get("preset")),
    )


def _state_table(cell: Cell, table: Group) -> Behaviour:
    """Return the behaviour of a cell with a state table, which is how liberty describes clock gates.

    A row is ``inputs : state before : state after``; L, H, - (any) and N (as before).
    """
    state = table.arguments[1].split()[0]
    names = table.arguments[0].split()
    hold = taken = 0
    rows = "".join(table.complex("table") or ()) or table.attributes.get("table", "")
    for row in rows.split(","):
        columns, _, after = (part.split() for part in row.split(":"))
        chosen = [
            name if value == "H" else f"!{name}"
            for name, value in zip(names, columns, strict=True)
            if value != "-"
        ]
        condition = over_state(" * ".join(chosen) or "1", cell.inputs, state)
        if after == ["N"]:
            hold |= condition
        elif after == ["H"]:
            taken |= condition
        elif after != ["L"]:
            raise LibraryError(
                f"{table.where}: cell {cell.name}: state {after} in its table; L, H or N is known"
            )
    functions = dict(_functions(cell.group)) | dict(_functions(cell.group, "state_function"))
    outputs = {name: over_state(text, cell.inputs, state) for name, text in functions.items()}
    return Behaviour(cell.inputs, outputs, hold=hold, taken=taken)
