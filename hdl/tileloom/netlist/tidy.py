"""A hierarchical netlist without what no output depends on, and with names that Verilog takes as they are.

Where only some bits of a word are needed the word is cut: a port ``payload`` of which bits 47 to 32 and 7 to
0 are read becomes the ports ``payload_47_32`` and ``payload_7_0``. The ports of the top stay as they are.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .cells import FLIP_FLOPS, MEMORY, Bit, Cell, drives, is_primitive, never, select, trim, widen
from .live import Live, Module, live_bits
from .loops import Combinational

UNUSED = "unused"
"""The wire that takes what a cell computes and nobody reads; Verilator does not ask who reads this name."""

UNUSED_INPUTS = "unused_inputs"
"""The wire that reads the inputs of the top that nothing depends on."""


def tidy(modules: Mapping[str, Module], top: str, ports: Sequence[str]) -> dict[str, Module]:
    """Return the modules that ``top`` needs, tidied.

    Parameters
    ----------
    modules:
        As ``write_json`` has them, by name. They are changed.
    top:
        The top module's name.
    ports:
        The names of its ports in their order. Clock and reset may be missing in it; they come first.

    Raises ValueError where a port is missing, ``cells.UnexpectedCellError`` where a cell is not known.
    """
    for module in modules.values():
        _prepare(module, modules)
    missing = [port for port in ports if port not in modules[top]["ports"]]
    if missing:
        raise ValueError(f"{top} has no port {missing[0]}")
    live = live_bits(modules, top)
    plans = {
        name: _plan(module, live[name], ports if name == top else None) for name, module in modules.items()
    }
    used = _reachable(modules, top, live)
    return {name: _Rebuilt(name, modules[name], live[name], plans, top=name == top).module for name in used}


@dataclass(frozen=True)
class Piece:
    """A run of bits of a port or wire: its name, the number of its lowest bit, the places taken."""

    name: str
    offset: int
    places: range


@dataclass
class _Plan:
    """What becomes of a module's ports: by old name, the pieces that are kept, in order."""

    pieces: dict[str, list[Piece]]
    taken: set[str] = field(default_factory=set)


def _prepare(module: Module, modules: Mapping[str, Module]) -> None:
    """Drop ports and wires of no bits, and widen what is narrow."""
    for kind in ("ports", "netnames"):
        module[kind] = {name: account for name, account in module[kind].items() if account["bits"]}
    bits = (bit for account in module["netnames"].values() for bit in account["bits"] if isinstance(bit, int))
    numbers = itertools.count(max(bits, default=0) + 1)
    false = {
        cell["connections"]["Y"][0] for cell in module["cells"].values() if is_primitive(cell) and never(cell)
    }
    if false:
        for cell in module["cells"].values():
            for port, word in cell["connections"].items():
                if cell["port_directions"].get(port) == "input":
                    cell["connections"][port] = ["0" if bit in false else bit for bit in word]
        for account in module["ports"].values():
            account["bits"] = ["0" if bit in false else bit for bit in account["bits"]]
    for cell in module["cells"].values():
        if is_primitive(cell):
            widen(cell, lambda: next(numbers))
        else:
            _check_instance(cell, modules)
    module["next"] = next(numbers)


def _check_instance(cell: Cell, modules: Mapping[str, Module]) -> None:
    """Make the connections of an instance those of its module's ports.

    An instance of a shared module (``hierarchy``) has a clock and a reset for which there may be no port.
    """
    if cell["type"] not in modules:
        raise ValueError(f"there is no module {cell['type']}")
    ports = modules[cell["type"]]["ports"]
    given = {port: bits for port, bits in cell["connections"].items() if bits}
    for port, account in ports.items():
        if len(given.get(port, [])) != len(account["bits"]):
            raise ValueError(f"an instance of {cell['type']} has no {len(account['bits'])} bits at {port}")
    if unknown := given.keys() - ports.keys() - {"clk", "rst"}:
        raise ValueError(f"{cell['type']} has no port {min(unknown)}")
    cell["connections"] = {port: given[port] for port in ports}
    cell["port_directions"] = {port: account["direction"] for port, account in ports.items()}


def _plan(module: Module, live: Live, order: Sequence[str] | None) -> _Plan:
    """Return what becomes of a module's ports: with ``order``, of the top's."""
    taken: set[str] = set()
    pieces: dict[str, list[Piece]] = {}
    if order is not None:
        extra = [port for port in ("clk", "rst") if port in module["ports"] and port not in order]
        for port in (*extra, *order):
            bits = module["ports"][port]["bits"]
            if port in order or live.bits.intersection(bits):
                pieces[port] = [Piece(_unique(port, taken), 0, range(len(bits)))]
        return _Plan(pieces, taken)
    for port in sorted(module["ports"], key=lambda port: (port not in ("clk", "aclk"), port != "rst")):
        account = module["ports"][port]
        output = account["direction"] == "output"
        places = [
            place
            for place, bit in enumerate(account["bits"])
            if ((port, place) in live.outputs if output else bit in live.bits)
        ]
        if places:
            pieces[port] = _cut(port, places, len(account["bits"]), taken)
    return _Plan(pieces, taken)


def _reachable(modules: Mapping[str, Module], top: str, live: Mapping[str, Live]) -> list[str]:
    """Return the modules that are needed, the top first, each before its parts."""
    reached = [top]
    for name in reached:
        for cell in modules[name]["cells"].values():
            if not is_primitive(cell) and cell["type"] not in reached and _is_live(cell, live[name]):
                reached.append(cell["type"])
    return reached


def _is_live(cell: Cell, live: Live) -> bool:
    outputs = [port for port, way in cell["port_directions"].items() if way == "output"]
    return any(bit in live.bits for port in outputs for bit in cell["connections"][port])


class _Rebuilt:
    """One module of the tidy netlist."""

    def __init__(self, name: str, old: Module, live: Live, plans: Mapping[str, _Plan], *, top: bool) -> None:
        self.old = old
        self.live = live
        self.numbers = itertools.count(old["next"])
        self.thrown: list[int] = []
        self.owner: dict[int, tuple[str, int]] = {}
        plan = plans[name]
        self.taken = set(plan.taken)
        self.module: Module = {"attributes": {}, "ports": {}, "cells": {}, "netnames": {}}
        self.drivers = {
            bit: instance
            for instance, cell in old["cells"].items()
            for port, way in cell["port_directions"].items()
            if way == "output"
            for bit in cell["connections"][port]
        }
        instances = {
            instance: _unique(instance, self.taken)
            for instance, cell in old["cells"].items()
            if not is_primitive(cell) and _is_live(cell, live)
        }
        self._ports(plan)
        for instance, cell in old["cells"].items():
            if instance in instances:
                self._instance(instances[instance], cell, plans[cell["type"]])
            elif is_primitive(cell):
                self._primitive(cell)
        self._read_unused(top=top)

    def _ports(self, plan: _Plan) -> None:
        """Make the ports, and of each a wire, but for outputs that depend on themselves: they get copies."""
        graph = Combinational(self.old)
        ports = [
            (
                piece,
                self.old["ports"][port]["direction"],
                [self.old["ports"][port]["bits"][n] for n in piece.places],
            )
            for port, pieces in plan.pieces.items()
            for piece in pieces
        ]
        for piece, direction, bits in ports:
            self.module["ports"][piece.name] = {"direction": direction, **_wire(bits, piece.offset)}
        copied = []
        for way in ("input", "output"):
            for piece, direction, bits in ports:
                own = [bit for bit in bits if isinstance(bit, int)]
                if direction == way == "output" and (
                    len(set(own)) < len(own) or graph.depends_on_itself(own)
                ):
                    copied.append((piece, bits))
                elif direction == way:
                    self._add_wire(piece.name, bits, piece.offset)
        self._wires(graph)
        for piece, bits in copied:
            self._add_pieces(piece.name, bits, self._unowned(bits), split=True)
            copies: list[Bit] = [next(self.numbers) for _ in bits]
            self.module["ports"][piece.name]["bits"] = copies
            self._add_wire(piece.name, copies, piece.offset)
            self.module["cells"][f"$copy${piece.name}"] = {
                "hide_name": 1,
                "type": "$buf",
                "parameters": {"WIDTH": f"{len(bits):032b}"},
                "attributes": {},
                "port_directions": {"A": "input", "Y": "output"},
                "connections": {"A": bits, "Y": copies},
            }

    def _wires(self, graph: Combinational) -> None:
        """Give every bit that is needed a wire: names of the source first, then the widest of the others."""
        named: list[tuple[str, list[Bit]]] = []
        hidden: list[tuple[str, list[Bit]]] = []
        for name, account in self.old["netnames"].items():
            (hidden if account["hide_name"] else named).append((name, account["bits"]))
        numbers = itertools.count(1)
        for name, bits in [*named, *sorted(hidden, key=lambda wire: -len(wire[1]))]:
            places = self._unowned(bits)
            if places:
                new = f"n{next(numbers)}" if name.startswith("$") else name
                split = graph.depends_on_itself([bits[place] for place in places])
                self._add_pieces(new, bits, places, split=split)

    def _unowned(self, bits: list[Bit]) -> list[int]:
        """Return the places of the bits that are needed and have no wire, each bit once."""
        found: dict[Bit, int] = {}
        for place, bit in enumerate(bits):
            if bit in self.live.bits and bit not in self.owner:
                found.setdefault(bit, place)
        return list(found.values())

    def _add_pieces(self, name: str, bits: list[Bit], places: list[int], *, split: bool) -> None:
        """Add wires for some places of a word, with ``split`` one for each cell that drives it."""
        runs = _runs(places)
        if split:
            runs = [part for run in runs for part in self._by_driver(run, bits)]
        for piece in _named(name, runs, len(bits), self.taken):
            self._add_wire(piece.name, [bits[place] for place in piece.places], piece.offset)

    def _by_driver(self, run: range, bits: list[Bit]) -> list[range]:
        starts = [run.start]
        for place in run[1:]:
            if self.drivers.get(bits[place]) != self.drivers.get(bits[place - 1]):
                starts.append(place)
        return [range(start, stop) for start, stop in itertools.pairwise([*starts, run.stop])]

    def _add_wire(self, name: str, bits: list[Bit], offset: int) -> None:
        self.module["netnames"][name] = _wire(bits, offset, hide_name=0, attributes={})
        for place, bit in enumerate(bits):
            if isinstance(bit, int):
                self.owner.setdefault(bit, (name, place))

    def _used(self, bits: Iterable[Bit]) -> list[Bit]:
        """Return the bits that a cell drives, those that nobody needs replaced by ones to throw away."""
        found: list[Bit] = []
        for bit in bits:
            if bit not in self.live.bits:
                bit = next(self.numbers)
                self.thrown.append(bit)
            found.append(bit)
        return found

    def _instance(self, name: str, cell: Cell, plan: _Plan) -> None:
        ports, ways = {}, {}
        for port, pieces in plan.pieces.items():
            way = cell["port_directions"][port]
            for piece in pieces:
                bits = [cell["connections"][port][place] for place in piece.places]
                ports[piece.name] = self._used(bits) if way == "output" else bits
                ways[piece.name] = way
        self.module["cells"][name] = {**cell, "port_directions": ways, "connections": ports}

    def _primitive(self, cell: Cell) -> None:
        output = drives(cell)
        if not self.live.bits.intersection(cell["connections"][output]):
            return
        trim(cell, self.live.bits)
        cells = [cell]
        if cell["type"] in FLIP_FLOPS:
            cells = self._by_wire(cell)
        elif cell["type"] == MEMORY:
            # Not the name of the submodule around it, which Amaranth gives it.
            cell["parameters"]["MEMID"] = "\\" + _unique("memory", self.taken)
        for part in cells:
            part["connections"][output] = self._used(part["connections"][output])
            # Yosys names a ``reg`` after the cell where it drives only a part of a wire.
            name = f"$cell${len(self.module['cells'])}"
            if cell["type"] in FLIP_FLOPS:
                name = _unique(f"{self.owner[part['connections']['Q'][0]][0]}_register", self.taken)
            self.module["cells"][name] = part

    def _by_wire(self, cell: Cell) -> list[Cell]:
        """Return a register as one for each wire that it drives, so that each is a ``reg`` in Verilog."""
        bits = cell["connections"]["Q"]
        owners = [self.owner[bit] for bit in bits]
        runs: list[list[int]] = []
        for place, (name, index) in enumerate(owners):
            if runs and owners[place - 1] == (name, index - 1):
                runs[-1].append(place)
            else:
                runs.append([place])
        if len(runs) == 1:
            return [cell]
        parts = []
        for run in runs:
            part = {**cell, "parameters": dict(cell["parameters"]), "connections": dict(cell["connections"])}
            select(part, run)
            parts.append(part)
        return parts

    def _read_unused(self, *, top: bool) -> None:
        if self.thrown:
            self._add_wire(_unique(UNUSED, self.taken), list(self.thrown), 0)
        ports = self.module["ports"].values() if top else ()
        dead = [
            bit
            for account in ports
            if account["direction"] == "input"
            for bit in account["bits"]
            if bit not in self.live.bits
        ]
        if dead:
            read = next(self.numbers)
            self._add_wire(_unique(UNUSED_INPUTS, self.taken), [read], 0)
            self.module["cells"]["$unused_inputs"] = {
                "hide_name": 1,
                "type": "$reduce_and",
                "parameters": {"A_SIGNED": "0", "A_WIDTH": f"{len(dead) + 1:032b}", "Y_WIDTH": f"{1:032b}"},
                "attributes": {},
                "port_directions": {"A": "input", "Y": "output"},
                "connections": {"A": ["0", *dead], "Y": [read]},
            }


def _wire(bits: list[Bit], offset: int, **account: Any) -> dict[str, Any]:
    return {**account, "bits": bits, **({"offset": offset} if offset else {})}


def _cut(name: str, places: Sequence[int], width: int, taken: set[str]) -> list[Piece]:
    """Return the runs of ``places`` of a word as pieces; a single one keeps the word's name."""
    return _named(name, _runs(places), width, taken)


def _named(name: str, runs: Sequence[range], width: int, taken: set[str]) -> list[Piece]:
    if len(runs) == 1:
        return [Piece(_unique(name, taken), runs[0].start if width > 1 else 0, runs[0])]
    return [
        Piece(
            _unique(f"{name}_{run[-1]}_{run[0]}" if len(run) > 1 else f"{name}_{run[0]}", taken), run[0], run
        )
        for run in runs
    ]


def _runs(places: Sequence[int]) -> list[range]:
    """Return ascending places as runs without gaps."""
    runs: list[range] = []
    for place in places:
        if runs and runs[-1].stop == place:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return runs


def _unique(name: str, taken: set[str]) -> str:
    """Return ``name`` as an identifier that is not in ``taken``, and add it there."""
    name = re.sub(r"\W", "_", name)
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    found = next(each for each in itertools.chain((name,), numbered) if each not in taken)
    taken.add(found)
    return found
