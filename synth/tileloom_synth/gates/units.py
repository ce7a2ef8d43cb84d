"""From a flat netlist to what a simulator evaluates: functions of nets, in levels, alike side by side.

Nets get numbers such that all that one function drives in one level lie next to each other: an evaluation
then gathers its operands and writes one slice. State is a net as any other; a latch, and a flip-flop's
asynchronous clear, are functions that read the net that they drive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tileloom.errors import ToolError

from .behaviour import Behaviour, behaviour
from .flat import Flat, Instances, Nets

DEEPEST = 5000
"""Levels above which a netlist is taken to have a loop."""

Function = tuple[int, int]
"""Inputs and truth table, of the inputs that matter only."""


class LoopError(ToolError):
    """A netlist with a loop through gates or transparent latches, which has no order to evaluate it in."""


@dataclass(frozen=True)
class Units:
    """Cells' outputs of one function.

    Attributes
    ----------
    function:
        What they compute.
    operands:
        Nets, inputs x units.
    driven:
        Net of each.
    """

    function: Function
    operands: Nets
    driven: Nets


@dataclass(frozen=True)
class FlipFlops:
    """Flip-flops of one kind: nets of their states and input pins (the state last), clock and next state."""

    clock: int
    next_state: int
    pins: Nets
    states: Nets


@dataclass(frozen=True)
class Circuit:
    """A netlist ready to be ordered.

    Attributes
    ----------
    nets:
        How many there are, those of open outputs and of hidden states included.
    units, flip_flops:
        All that drives nets.
    pins:
        For each of the flat netlist's instances, the nets of its pins, of the open ones too; and of its
        states where it has some, as ``""``.
    latch_states:
        Nets of the states of latches that are in no clock gate.
    """

    nets: int
    units: list[Units]
    flip_flops: list[FlipFlops]
    pins: list[dict[str, Nets]]
    latch_states: Nets

    @property
    def latches(self) -> bool:
        """Whether there are latches besides those in clock gates."""
        return bool(len(self.latch_states))


def circuit(flat: Flat) -> Circuit:
    """Return what ``flat`` evaluates. Raises LibraryError for a cell that its library does not explain."""
    nets = flat.nets
    found: dict[Function, list[tuple[Nets, Nets]]] = defaultdict(list)
    flip_flops: list[FlipFlops] = []
    pins: list[dict[str, Nets]] = []
    latch_states = [np.zeros(0, np.int64)]

    def fresh(count: int) -> Nets:
        nonlocal nets
        nets += count
        return np.arange(nets - count, nets)

    def add(table: int, operands: Nets, driven: Nets) -> None:
        function, kept = _reduced(table, len(operands))
        found[function].append((operands[kept], driven))

    for each in flat.instances:
        does = behaviour(each.cell)
        known = _pins(each, does, fresh)
        pins.append(known)
        count = len(each.names)
        operands = np.stack([known[pin] for pin in does.inputs]) if does.inputs else np.zeros((0, count), int)
        if does.has_state:
            states = known[""]
            operands = np.vstack([operands, states])
            if does.hold is not None and does.taken is not None:
                if not each.cell.clock_gate:
                    latch_states.append(states)
                add(_latch_table(does), operands, states)
            elif does.clock is not None and does.next_state is not None:
                flip_flops.append(FlipFlops(does.clock, does.next_state, operands, states))
                if does.clear is not None or does.preset is not None:
                    add(_forced(_state(does.arity), does), operands, states)
        for pin, table in does.outputs.items():
            if not (does.has_state and known[pin] is known[""]):
                add(table, operands, known[pin])
    units = [
        Units(function, np.hstack([o for o, _ in parts]), np.concatenate([d for _, d in parts]))
        for function, parts in found.items()
    ]
    return Circuit(nets, units, flip_flops, pins, np.concatenate(latch_states))


def _pins(each: Instances, does: Behaviour, fresh: object) -> dict[str, Nets]:
    """Return the nets of all pins; an output that is the state itself shares the state's net."""
    assert callable(fresh)
    known: dict[str, Nets] = {}
    count = len(each.names)
    for pin in (*does.inputs, *does.outputs):
        nets = each.pins.get(pin, np.full(count, -1)).copy()
        is_open = nets < 0
        nets[is_open] = fresh(int(is_open.sum())) if pin in does.outputs else 0
        known[pin] = nets
    if does.has_state:
        same = [pin for pin, table in does.outputs.items() if table == _state(does.arity)]
        known[""] = known[same[0]] if same else fresh(count)
    return known


def _state(arity: int) -> int:
    """Return the truth table that is the last input."""
    half = 1 << (arity - 1)
    return ((1 << half) - 1) << half


def _latch_table(does: Behaviour) -> int:
    assert does.hold is not None and does.taken is not None
    return _forced(does.hold & _state(does.arity) | ~does.hold & does.taken, does)


def _forced(table: int, does: Behaviour) -> int:
    return table & ~(does.clear or 0) | (does.preset or 0)


def _reduced(table: int, arity: int) -> tuple[Function, list[int]]:
    """Return a function of only the inputs that matter, and which these are; of a constant, the first."""
    kept = list(range(arity))
    for index in reversed(range(arity)):
        rows = [row for row in range(1 << len(kept)) if not row >> index & 1]
        low = sum((table >> row & 1) << place for place, row in enumerate(rows))
        high = sum((table >> (row | 1 << index) & 1) << place for place, row in enumerate(rows))
        if low == high and len(kept) > 1:
            table, kept = low, kept[:index] + kept[index + 1 :]
    return (len(kept), table), kept


def levels(nets: int, units: Sequence[Units]) -> npt.NDArray[np.int64]:
    """Return the level of each net: 0 for what no unit drives, else one more than its latest operand's.

    Raises LoopError where there is no such order.
    """
    level = np.zeros(nets, np.int64)
    for _ in range(DEEPEST):
        before = level.copy()
        for each in units:
            depth = np.where(each.operands == each.driven, -1, level[each.operands]).max(axis=0, initial=0)
            level[each.driven] = depth + 1
        if np.array_equal(before, level):
            return level
    raise LoopError("the netlist has a loop through gates or latches")


def reached(nets: int, units: Sequence[Units], start: Nets, stop: Nets) -> npt.NDArray[np.bool_]:
    """Return which nets change with those of ``start``, through units alone, ``stop`` and beyond left out."""
    mark, free = np.zeros(nets, np.bool_), np.ones(nets, np.bool_)
    mark[start], free[stop] = True, False
    while True:
        before = mark.sum()
        for each in units:
            mark[each.driven] |= mark[each.operands].any(axis=0) & free[each.driven]
        if mark.sum() == before:
            return mark
