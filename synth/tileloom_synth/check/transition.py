"""A netlist as one step of its own: combinational Verilog, with the states of flip-flops as a port.

Of a gated clock the condition is worked out, so that a flip-flop behind it keeps its state where that is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..gates.behaviour import behaviour
from ..gates.boolean import expression
from ..gates.flat import ONE, ZERO, Flat
from ..gates.units import Circuit, circuit
from ..library.cells import Cell, pins

INVERTER = (1, 0b01)
"""Inputs and truth table."""

STILL = "1'b0"
"""The condition under which a clock that is a constant rises."""


class UnprovableError(Exception):
    """A netlist that this method does not fit; the message says why."""


def transition(flat: Flat, clock: str, names: list[str], ports: dict[str, Any]) -> tuple[str, int]:
    """Return the netlist as a combinational module like the RTL's, and the number of its flip-flops.

    Of ``next`` the bits that the netlist has no flip-flop for are dropped from both.
    """
    parts = circuit(flat)
    place = {each: index for index, joined in enumerate(names) for each in joined.split()}
    lines = _gates(parts)
    enables = _enables(flat, parts, flat.ports[clock]) if clock in flat.ports else {}
    following: dict[int, str] = {}
    count = 0
    inverters = {
        int(operand): int(driven)
        for unit in parts.units
        if unit.function == INVERTER
        for operand, driven in zip(unit.operands[0], unit.driven, strict=True)
    }
    for flops in parts.flip_flops:
        pins = [f"p{index}" for index in range(len(flops.pins))]
        clock_pins = [
            index for index in range(len(flops.pins)) if flops.clock == _only(index, len(flops.pins))
        ]
        if not clock_pins:
            raise UnprovableError("a flip-flop of another edge")
        for column, net in enumerate(map(int, flops.states)):
            count += 1
            own, inverted = _named(flat, place, net, inverters)
            after = _of(expression(flops.next_state, pins), pins, flops.pins[:, column])
            clocked = int(flops.pins[clock_pins[0], column])
            enable = STILL if clocked in (ZERO, ONE) else enables.get(clocked)
            if enable is None:
                raise UnprovableError("a clock that is neither the clock nor gated by a clock gate")
            value = after if enable == "1'b1" else f"({enable}) ? ({after}) : n[{net}]"
            if own in following:
                raise UnprovableError("two flip-flops for one register")
            lines.append(f"assign n[{net}] = {'~' if inverted else ''}state[{own}];")
            following[own] = f"~({value})" if inverted else value
    kept = sorted(following)
    ports["next"]["bits"] = [ports["next"]["bits"][index] for index in kept]
    for port in ("state", "next"):
        if not ports[port]["bits"]:
            del ports[port]
    lines += [f"assign next[{index}] = {following[own]};" for index, own in enumerate(kept)]
    header = []
    clock_net = [int(bit) for bit in flat.ports.get(clock, ())]
    shown = {port: bits for port, bits in flat.ports.items() if len(bits) and list(bits) != clock_net}
    if different := shown.keys() ^ (ports.keys() - {"state", "next"}):
        raise UnprovableError(f"ports that only one of both has: {', '.join(sorted(different))}")
    for port, bits in shown.items():
        direction = "input" if port in flat.inputs else "output"
        header.append(f"{direction} [{len(bits) - 1}:0] {_quoted(port)}")
        for index, bit in enumerate(bits):
            pair = (f"n[{bit}]", f"{_quoted(port)}[{index}]")
            left, right = pair if direction == "input" else pair[::-1]
            lines.append(f"assign {left} = {right};")
    header += [f"input [{len(names) - 1}:0] state"] if names else []
    header += [f"output [{len(kept) - 1}:0] next"] if kept else []
    constants = f"assign n[{ZERO}] = 1'b0;\nassign n[{ONE}] = 1'b1;"
    body = "\n".join([f"wire [{parts.nets - 1}:0] n;", constants, *lines])
    return f"module netlist ({', '.join(header)});\n{body}\nendmodule\n", count


def _gates(parts: Circuit) -> list[str]:
    """Return the gates as assignments."""
    lines = []
    on_clock = {int(net) for flops in parts.flip_flops for net in flops.states}
    for unit in parts.units:
        arity, table = unit.function
        pins = [f"p{index}" for index in range(arity)]
        constant = table in (0, (1 << (1 << arity)) - 1)
        text = "1'b1" if constant and table else "1'b0" if constant else expression(table, pins)
        for column, net in enumerate(map(int, unit.driven)):
            operands = unit.operands[:, column]
            if net in operands:
                # The state of a clock gate's latch is taken care of with enables; a clear must be tied off.
                if net in on_clock and not _holds(unit.function, operands, net):
                    raise UnprovableError("an asynchronous clear or preset in use")
                continue
            lines.append(f"assign n[{net}] = {_of(text, pins, operands)};")
    return lines


def _holds(function: tuple[int, int], operands: np.ndarray, net: int) -> bool:
    """Return whether a function of a state and constants is the state itself."""
    for value in (0, 1):
        row = 0
        for index, operand in enumerate(map(int, operands)):
            if operand != net and operand not in (ZERO, ONE):
                return False
            row |= (value if operand == net else operand == ONE) << index
        if function[1] >> row & 1 != value:
            return False
    return True


def _enables(flat: Flat, parts: Circuit, clock: np.ndarray) -> dict[int, str]:
    """Return for each net that is the clock, gated or not, the condition under which it rises."""
    found = {int(clock[0]): "1'b1"}
    gates = [
        (behaviour(each.cell), known, _clock_pin(each.cell))
        for each, known in zip(flat.instances, parts.pins, strict=True)
        if each.cell.clock_gate
    ]
    changed = True
    while changed:
        changed = False
        for does, known, source in gates:
            (output,) = does.outputs
            for column, net in enumerate(map(int, known[output])):
                clocked = int(known[source][column])
                if clocked in (ZERO, ONE):
                    found[net] = STILL
                if net in found or clocked not in found or does.taken is None:
                    continue
                pins = [pin for pin in does.inputs if pin != source]
                taken = _restricted(does.taken, does.arity, does.inputs.index(source))
                texts = [f"p{index}" for index in range(len(pins))]
                own = _of(expression(taken, texts), texts, np.array([known[pin][column] for pin in pins]))
                before = found[clocked]
                found[net] = own if before == "1'b1" else f"({before}) & ({own})"
                changed = True
    return found


def _clock_pin(cell: Cell) -> str:
    """Return the pin of a clock gate that its clock comes in at."""
    return next(
        name for name, pin in pins(cell.group) if pin.attributes.get("clock_gate_clock_pin") == "true"
    )


def _restricted(table: int, arity: int, place: int) -> int:
    """Return a function with one input 0 and without the state, which is the last."""
    rows = [row for row in range(1 << (arity - 1)) if not row >> place & 1]
    return sum((table >> row & 1) << index for index, row in enumerate(rows))


def _only(place: int, arity: int) -> int:
    """Return the truth table that is one input."""
    return sum(1 << row for row in range(1 << arity) if row >> place & 1)


def _of(text: str, pins: list[str], nets: np.ndarray) -> str:
    """Return an expression of pins as one of nets."""
    for pin, net in sorted(zip(pins, nets, strict=True), key=lambda each: -len(each[0])):
        text = text.replace(pin, f"n[{net}]")
    return text


def _named(flat: Flat, place: dict[str, int], net: int, inverters: dict[int, int]) -> tuple[int, bool]:
    """Return which state of the RTL a flip-flop is, and whether it holds the complement."""
    for candidate, inverted in ((net, False), (inverters.get(net, -1), True)):
        name = flat.names.get(candidate)
        if name in place:
            return place[name], inverted
    raise UnprovableError("a register has lost its name in mapping")


def _quoted(port: str) -> str:
    return f"\\{port} "
