"""A component as SMT-LIB: what its netlist computes in a cycle, and what its registers hold in the next.

Yosys writes the netlist as functions of a state. Here each state is a step with symbols of its own, so that a
query is plain definitions, a net can be cut, and any solver reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Signal
from amaranth.lib import wiring

from tileloom import scratch, yosys
from tileloom.design import Design
from tileloom.hierarchy import ModuleLibrary

from .specification import bit, widen

TOP = "top"

READ = """
{read} design
hierarchy -top {top}
rename {top} top
proc
{before}
flatten
"""

WRITE = """
opt -full
memory_collect
memory_map t:$mem_v2 r:SIZE<={queue} %i
opt -full
cutpoint t:$mem_v2
async2sync
dffunmap
setundef -undriven -zero
opt_clean
write_smt2 -bv {wires} design.smt2
"""

QUEUE = 16
"""Words of a memory that is a queue's, and taken for registers; what larger ones give is left free."""

_DEFINE = re.compile(
    r"^\(define-fun (\|[^|]+\|) \(\(state [^)]*\)\) (\(_ BitVec \d+\)|Bool) (.*?)\)(?: ; .*)?$"
)
_DECLARE = re.compile(r"^\(declare-fun (\|[^|]+\|) \(\|top_s\|\) (\(_ BitVec \d+\)|Bool)\)")
_TRANSITION = re.compile(r"^  \(= (.+) \((\|[^|]+\|) next_state\)\)", re.MULTILINE)
_APPLIED = re.compile(r"\(\|([^|]+)\| state\)")
_NAMES = re.compile(r"^\|top_[auiht]s?\|$|^\|top_is\|$")
_PRODUCT = re.compile(r"\(bvmul (.+)\)")


@dataclass(frozen=True)
class Net:
    """A net that the netlist defines: its symbol, its sort, and what it is, None where it is free."""

    name: str
    sort: str
    value: str | None


@dataclass(frozen=True)
class Netlist:
    """A netlist with all of its modules in one.

    Attributes
    ----------
    nets:
        In an order in which each is defined by those before it; inputs and registers are free.
    registers:
        The value that each register, by its symbol, has in the next cycle.
    """

    nets: tuple[Net, ...]
    registers: tuple[tuple[str, str], ...]

    @cached_property
    def sorts(self) -> dict[str, str]:
        """The sort of each signal that has a name, by it."""
        return {net.name[len(f"|{TOP}_n ") : -1]: net.sort for net in self.nets if " " in net.name}

    def number(self, signal: str, index: int, width: int) -> str:
        """Return a signal's value in step ``index``, a condition too, as a number of ``width`` bits."""
        sort, value = self.sorts[signal], port(signal, index)
        return widen(bit(value), width - 1) if sort == "Bool" else widen(value, width - bits_of(sort))

    def registers_named(self, part: str) -> list[str]:
        """Return the signals with a text in their names that are a register, and no function of any."""
        values = {f"({register} state)" for register, _ in self.registers}
        values |= {f"(= ((_ extract 0 0) {value}) #b1)" for value in values}
        signals = {net.name[len(f"|{TOP}_n ") : -1]: net.value for net in self.nets if " " in net.name}
        return [name for name, value in signals.items() if part in name and value in values]

    def step(self, index: int) -> list[str]:
        """Return the definitions of all nets in step ``index``."""
        return [
            f"(declare-fun {at(net.name, index)} () {net.sort})"
            if net.value is None
            else f"(define-fun {at(net.name, index)} () {net.sort} {_in_step(net.value, index)})"
            for net in self.nets
        ]

    def clock(self, index: int) -> list[str]:
        """Return what ties the registers of step ``index + 1`` to the nets of step ``index``."""
        return [
            f"(assert (= {at(register, index + 1)} {_in_step(value, index)}))"
            for register, value in self.registers
        ]

    def held(self) -> str:
        """Return that in step 0 every register keeps its value."""
        equal = [f"(= {at(register, 0)} {_in_step(value, 0)})" for register, value in self.registers]
        return f"(and true {' '.join(equal)})"

    def unrolled(self, cycles: int) -> list[str]:
        """Return so many cycles with ``enable`` high, from any state, the other inputs free in each."""
        lines = self.step(0)
        for cycle in range(cycles):
            lines += [f"(assert {port('enable', cycle)})", *self.step(cycle + 1), *self.clock(cycle)]
        return lines

    def without_registers(self, signal: str) -> Netlist:
        """Return the netlist with those registers free that a signal is made of; with no other change.

        Raises ValueError where it is made of anything else.
        """
        nets = {net.name: net for net in self.nets}
        inputs = {name for name in cone(nets, f"|{TOP}_n {signal}|") if nets[name].value is None}
        if not inputs or not inputs <= {register for register, _ in self.registers}:
            raise ValueError(f"{signal} is not made of registers alone")
        kept = tuple(register for register in self.registers if register[0] not in inputs)
        return Netlist(self.nets, kept)

    def without_product(self) -> tuple[Netlist, str, tuple[str, str], int]:
        """Return the netlist with its one product free, that net's symbol, what is multiplied, and the width.

        The symbol and the expressions are those of step 0. Raises ValueError where there is not one product.
        """
        products = [net for net in self.nets if net.value is not None and "(bvmul " in net.value]
        match = _PRODUCT.fullmatch(products[0].value or "") if len(products) == 1 else None
        if match is None:
            raise ValueError(f"the netlist has {len(products)} nets with products, not one that is a product")
        cut = products[0]
        nets = tuple(replace(net, value=None) if net is cut else net for net in self.nets)
        a, b = _split(_in_step(match[1], 0))
        places = bits_of(cut.sort)
        return Netlist(nets, self.registers), at(cut.name, 0), (a, b), places


def cone(nets: Mapping[str, Net], name: str) -> set[str]:
    """Return the nets that a net is made of in a cycle, registers and inputs included."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        value = nets[waiting.pop()].value or ""
        new = {f"|{used}|" for used in _APPLIED.findall(value)} - found
        found |= new
        waiting += new
    return found


def bits_of(sort: str) -> int:
    """Return how many bits a sort has; a condition has one."""
    return 1 if sort == "Bool" else int(sort.split()[-1].removesuffix(")"))


def port(name: str, index: int) -> str:
    """Return the symbol of a port in step ``index``."""
    return f"|{TOP}_n {name}@{index}|"


def netlist_of(component: wiring.Component, *, wires: bool = False) -> Netlist:
    """Return the netlist of a component, with ``wires`` its signals by their names.

    A signal that optimisation goes past has no value. Raises ``yosys.YosysError`` where Yosys refuses it.
    """
    return _netlist("read_rtlil", rtlil_of(component), TOP, wires=wires)


def open_netlist(component: wiring.Component, free: Sequence[str] = ()) -> Netlist:
    """Return the netlist of a component with all of its signals by their names, each with its value.

    What modules give whose names end in one of ``free`` is left free.
    """
    before = "".join(f"cutpoint *.{name}\n" for name in free) + "setattr -set keep 1 */w:*"
    return _netlist("read_rtlil", rtlil_of(component), TOP, wires=True, before=before)


def netlist_of_design(design: Design) -> Netlist:
    """Return the netlist of a design's Verilog, all of its signals by their names."""
    return _netlist("read_verilog", design.verilog, design.name, wires=True)


def netlist_of_json(design: Mapping[str, Any]) -> Netlist:
    """Return the netlist of Yosys's JSON of one module, ``TOP``, all of its signals by their names."""
    return _written("read_json design", json.dumps(design), wires=True)


def _netlist(read: str, text: str, top: str, *, wires: bool, before: str = "") -> Netlist:
    return _written(READ.format(read=read, top=top, before=before), text, wires=wires)


def _written(read: str, text: str, *, wires: bool) -> Netlist:
    with scratch.folder() as folder:
        (folder / "design").write_text(text, encoding="utf-8")
        write = WRITE.format(queue=QUEUE, wires="-wires" if wires else "")
        yosys.run(read + write, folder=folder)
        return parse((folder / "design.smt2").read_text(encoding="utf-8"))


def rtlil_of(component: wiring.Component) -> str:
    """Return a component as RTLIL, its top module called ``TOP``."""
    library = ModuleLibrary()
    signals = [signal for _, _, signal in component.signature.flatten(component)]
    ports = [signal if isinstance(signal, Signal) else signal.as_value() for signal in signals]
    text: str = rtlil.convert(component, name=TOP, platform=library, ports=ports, emit_src=False)
    return "".join([text, *library.modules.values()])


def parse(text: str) -> Netlist:
    """Return the netlist in a text that ``write_smt2 -bv`` wrote. Raises ValueError for a line unknown."""
    nets: list[Net] = []
    lines: Sequence[str] = text.partition("(define-fun |top_a|")[0].splitlines()
    for line in lines:
        if line.startswith((";", "(declare-sort", "(declare-fun |top_is|")):
            continue
        if match := _DECLARE.match(line):
            nets.append(Net(match[1], match[2], None))
        elif match := _DEFINE.match(line):
            nets.append(Net(match[1], match[2], match[3]))
        else:
            raise ValueError(f"a line of Yosys's SMT-LIB is not understood: {line}")
    transition = text.partition("(define-fun |top_t|")[2]
    registers = tuple((register, value) for value, register in _TRANSITION.findall(transition))
    if len(registers) != transition.count("next_state))"):
        raise ValueError("a register of Yosys's SMT-LIB is not understood")
    return Netlist(tuple(nets), registers)


def at(name: str, index: int) -> str:
    """Return the symbol of a net or register in step ``index``."""
    return f"{name[:-1]}@{index}|"


def _in_step(value: str, index: int) -> str:
    return _APPLIED.sub(rf"|\1@{index}|", value)


def _split(text: str) -> tuple[str, str]:
    """Return the two expressions in a text."""
    depth, quoted = 0, False
    for position, letter in enumerate(text):
        quoted ^= letter == "|"
        depth += 0 if quoted else (letter == "(") - (letter == ")")
        if letter == " " and not depth and not quoted:
            return text[:position], text[position + 1 :]
    raise ValueError(f"not two expressions: {text}")
