"""That the carry-save tree, and the adder behind it, give the product of the significands: by structure.

No solver ends on a tree of 24 x 24 bits. Its output is instead rewritten, gate by gate from the end, into a
polynomial of its inputs, which is then compared with the product's own.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from amaranth.lib import wiring

from tileloom import scratch, yosys

from .digits import polynomial
from .netlist import TOP, rtlil_of
from .polynomial import ONE, Form, Polynomial, binary, product

SCRIPT = f"""
read_rtlil design.il
hierarchy -top {TOP}
proc
flatten
opt_expr
simplemap
write_json design.json
"""

# Nothing is removed: the lowest places of a product go nowhere, and are still what its carries are of.

LOW, HIGH, UNDEFINED = -1, -2, -3
"""Nets of the constants 0 and 1, and of what is neither."""

MOST_TERMS = 50_000
"""Where rewriting is given up: a product of 53 x 53 bits has 19,470 at most on the way."""

_CONSTANTS: Mapping[int, Form] = {LOW: {}, HIGH: {ONE: 1}}


class TreeError(ValueError):
    """A netlist that is no product of the two significands; the message says where the proof ends."""


class Gates:
    """A netlist as gates of one bit, adders of whole words, and registers; nets are numbers.

    Attributes
    ----------
    names:
        The nets of each signal, the lowest bit first.
    registers:
        By the net of a register's output that of its input, in cycles with ``enable``.
    """

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.names = {name: _nets(entry["bits"]) for name, entry in module["netnames"].items()}
        self.registers: dict[int, int] = {}
        self.drivers: dict[int, tuple[str, dict[str, list[int]]]] = {}
        self._levels: dict[int, int] = {}
        held: list[tuple[int, int]] = []
        for cell in module["cells"].values():
            kind, pins = cell["type"], {pin: _nets(bits) for pin, bits in cell["connections"].items()}
            if kind == "$_DFF_P_":
                held.append((pins["Q"][0], pins["D"][0]))
            elif kind in FORMS or (kind == "$add" and "1" not in cell["parameters"]["A_SIGNED"]):
                self.drivers |= dict.fromkeys(pins["Y"], (kind, pins))
        for output, source in held:
            kind, pins = self.drivers.get(source, ("", {}))
            if kind == "$_MUX_" and pins["A"] == [output] and pins["S"] == self.names["enable"]:
                self.registers[output] = pins["B"][0]

    def rewrite(self, rest: Polynomial, stop: Collection[int]) -> int:
        """Replace nets by what their gates make of their inputs, down to ``stop``; return how many gates.

        Farthest from the inputs first: each gate goes once, and what two of them share cancels soon.
        """
        waiting = [(-self._level(net), net) for net in rest.nets]
        heapq.heapify(waiting)
        count = 0
        while waiting:
            _, net = heapq.heappop(waiting)
            if net in stop or net not in rest:
                continue
            if net in _CONSTANTS:
                rest.replace(net, _CONSTANTS[net])
            elif net in self.drivers:
                kind, pins = self.drivers[net]
                inputs = [pins[pin] for pin in sorted(pins) if pin != "Y"]
                count += 1
                if kind == "$add":
                    _replace_sum(rest, pins)
                else:
                    rest.replace(net, FORMS[kind](*(_net(nets[0]) for nets in inputs)))
                if len(rest.form) > MOST_TERMS:
                    raise TreeError(f"terms do not cancel: over {MOST_TERMS}, after {count} gates")
                for other in {bit for nets in inputs for bit in nets}:
                    heapq.heappush(waiting, (-self._level(other), other))
        return count

    def _level(self, net: int) -> int:
        """Return how many gates there are at most from inputs and registers to a net."""
        if net not in self.drivers:
            return 0
        if net not in self._levels:
            inputs = [bit for pin, nets in self.drivers[net][1].items() if pin != "Y" for bit in nets]
            self._levels[net] = 1 + max(map(self._level, inputs))
        return self._levels[net]


def gates_of(component: wiring.Component) -> Gates:
    """Return the gates of a component. Raises ``yosys.YosysError`` where Yosys refuses it."""
    with scratch.folder() as folder:
        (folder / "design.il").write_text(rtlil_of(component), encoding="utf-8")
        yosys.run(SCRIPT, folder=folder)
        return Gates(json.loads((folder / "design.json").read_text(encoding="utf-8"))["modules"][TOP])


def _nets(bits: Sequence[int | str]) -> list[int]:
    """Return nets as numbers, those of constants included; what is undefined is an undriven net."""
    constants: dict[int | str, int] = {"0": LOW, "1": HIGH}
    return [constants.get(bit, bit if isinstance(bit, int) else UNDEFINED) for bit in bits]


def _net(net: int) -> Form:
    return {frozenset((net,)): 1}


def _sum(*terms: tuple[int, Form]) -> Form:
    total: dict[frozenset[int], int] = {}
    for times, form in terms:
        for monomial, coefficient in form.items():
            total[monomial] = total.get(monomial, 0) + times * coefficient
    return total


def _and(a: Form, b: Form) -> Form:
    return product(a, b)


def _or(a: Form, b: Form) -> Form:
    return _sum((1, a), (1, b), (-1, product(a, b)))


def _xor(a: Form, b: Form) -> Form:
    return _sum((1, a), (1, b), (-2, product(a, b)))


def _mux(a: Form, b: Form, select: Form) -> Form:
    return _sum((1, a), (1, product(select, b)), (-1, product(select, a)))


FORMS: Mapping[str, Callable[..., Form]] = {
    "$_AND_": _and,
    "$_OR_": _or,
    "$_XOR_": _xor,
    "$_MUX_": _mux,
    "$_NOT_": lambda a: _sum((1, {ONE: 1}), (-1, a)),
}
"""What gates of one bit make of their inputs, these in the order of their names."""


def _replace_sum(rest: Polynomial, pins: Mapping[str, Sequence[int]]) -> None:
    """Put two unsigned words in the place of their sum; its lowest bit may be left out.

    Raises TreeError where the other bits are not in places next to each other, or a carry out counts.
    """
    a, b, y = pins["A"], pins["B"], pins["Y"]
    times = rest.coefficient(y[1]) >> 1
    if any(rest.coefficient(net) != (times << place) % rest.modulus for place, net in enumerate(y) if place):
        raise TreeError("an adder's bits are not all in their places")
    if len(y) <= max(len(a), len(b)) and (times << len(y)) % rest.modulus:
        raise TreeError("an adder's carry is lost")
    rest.add(binary(y), -times)
    rest.add(binary(a), times)
    rest.add(binary(b), times)
    rest.replace(y[0], _xor(_net(a[0]), _net(b[0])))
    if any(net in rest for net in y):
        raise TreeError("an adder's bits are multiplied")


def significands_multiplied(
    gates: Gates, a_fraction: int, b_fraction: int, *, place: str = "multiply"
) -> int:
    """Show that a multiplier's ``product`` is that of its operands' significands, one enabled cycle later.

    Parameters
    ----------
    gates:
        A netlist with the multiplier's signals ``a``, ``b`` and ``product`` under ``place``.
    a_fraction, b_fraction:
        Fraction bits of the operands, whose significands are ``1.fraction``: the lowest bits of ``a`` are the
        fraction, those of ``b`` the digits of all of it.

    Returns how many gates and registers were rewritten. Raises TreeError where it is not the product.
    """
    output = gates.names[f"{place}.product"]
    width = len(output)
    if width != a_fraction + b_fraction + 2:
        raise TreeError(f"the product has {width} bits, not {a_fraction + b_fraction + 2}")
    fraction = gates.names[f"{place}.a"][:a_fraction]
    digits = gates.names[f"{place}.b"][: b_fraction + 1 if b_fraction else 0]
    rest = Polynomial(binary(output), width)
    leaves = {*fraction, *digits}
    count = gates.rewrite(rest, stop=gates.registers)
    if not rest.nets <= gates.registers.keys():
        raise TreeError("the product is not one of registers alone")
    for net in rest.nets:
        rest.replace(net, {frozenset((gates.registers[net],)): 1})
        count += 1
    count += gates.rewrite(rest, stop=leaves)
    rest.add(product({**binary(fraction), ONE: 1 << a_fraction}, polynomial(digits)), -1)
    if rest.form:
        raise TreeError(f"{len(rest.form)} terms are not those of the product")
    return count
