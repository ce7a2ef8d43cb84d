"""One module of a netlist built anew from what is needed of it, with wires that Verilog takes as they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from .cells import FLIP_FLOPS, MEMORY, Bit, Cell, drives, is_primitive, select, trim
from .live import Live, Module, is_live
from .loops import Combinational
from .pieces import Plan, named, runs_of, unique

UNUSED = "unused"
"""The wire that takes what a cell computes and nobody reads; Verilator does not ask who reads this name."""

UNUSED_INPUTS = "unused_inputs"
"""The wire that reads the inputs of the top that nothing depends on."""


class Rebuilt:
    """One module of the tidy netlist."""

    def __init__(self, name: str, old: Module, live: Live, plans: Mapping[str, Plan], *, top: bool) -> None:
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
            instance: unique(instance, self.taken)
            for instance, cell in old["cells"].items()
            if not is_primitive(cell) and is_live(cell, live)
        }
        self._ports(plan)
        for instance, cell in old["cells"].items():
            if instance in instances:
                self._instance(instances[instance], cell, plans[cell["type"]])
            elif is_primitive(cell):
                self._primitive(cell)
        self._read_unused(top=top)

    def _ports(self, plan: Plan) -> None:
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
        runs = runs_of(places)
        if split:
            runs = [part for run in runs for part in self._by_driver(run, bits)]
        for piece in named(name, runs, len(bits), self.taken):
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

    def _instance(self, name: str, cell: Cell, plan: Plan) -> None:
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
            cell["parameters"]["MEMID"] = "\\" + unique("memory", self.taken)
        for part in cells:
            part["connections"][output] = self._used(part["connections"][output])
            # Yosys names a ``reg`` after the cell where it drives only a part of a wire.
            name = f"$cell${len(self.module['cells'])}"
            if cell["type"] in FLIP_FLOPS:
                name = unique(f"{self.owner[part['connections']['Q'][0]][0]}_register", self.taken)
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
            self._add_wire(unique(UNUSED, self.taken), list(self.thrown), 0)
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
            self._add_wire(unique(UNUSED_INPUTS, self.taken), [read], 0)
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
