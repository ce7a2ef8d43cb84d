"""A design's module with one of its faults, as the component that it comes from: what proofs speak of.

A proof names signals of a component as it is elaborated alone. A module of the design is without what the
design does not read, and its ports are cut. So both are put together: what the module drives takes the place
of what the component drives by the same name, and what the module has not is the component's.

    component, all names      inputs ----+----------------+
                                         |                |
    module of the design                 +--> module -----+--> registers and nets by name
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any

from amaranth.lib import wiring

from tileloom import scratch, yosys
from tileloom.hierarchy import CLOCK

from ..verify.netlist import TOP, Netlist, netlist_of_json, rtlil_of
from .mutants import PORT, Mutated

COMPONENT = """
read_rtlil design
hierarchy -top {top}
proc
{cut}
setattr -set keep 1 */w:*
flatten
memory_collect
write_json flat.json
"""

MODULE = """
read_verilog design
hierarchy -check -top {top}
proc
{cut}
flatten
memory_collect
opt_clean
write_json flat.json
"""

UNNAMED = "__signal"
"""What the name of a signal ends in that has none; numbers tell them apart, by what is around."""

_SLICE = re.compile(r"(.+?)_(\d+)(?:_(\d+))?$")


class UnlikeError(ValueError):
    """A module has what the component has not."""


def as_component(
    mutated: Mutated, number: int, module: str, component: wiring.Component, free: Sequence[str] = ()
) -> Netlist:
    """Return the netlist of a component of which ``module``, with a fault, is what the design has.

    Parameters
    ----------
    mutated, number:
        The design and the fault; 0 for none.
    module:
        The name of the module.
    component:
        What it is made from.
    free:
        As of ``open_netlist``.

    Raises UnlikeError where the module has a word as an input that the component has not.
    """
    cuts = "\n".join(f"cutpoint *.{name}" for name in free)
    named = _read(COMPONENT.format(top=TOP, cut=cuts), rtlil_of(component), TOP)
    cuts = "\n".join(f"cutpoint *_{name.replace('.', '_')}" for name in free)
    part, before = (
        _read(MODULE.format(top=module, cut=cuts), text, module)
        for text in (mutated.design.verilog, mutated.before)
    )
    joined = _Joined(named, part, before, number, mutated.design.manifest["clock"])
    return netlist_of_json({"modules": {TOP: joined.module}})


@cache
def _read(script: str, text: str, top: str) -> dict[str, Any]:
    """Return a flat module as Yosys's JSON: the same for all faults."""
    with scratch.folder() as folder:
        (folder / "design").write_text(text, encoding="utf-8")
        yosys.run(script, folder=folder)
        module: dict[str, Any] = json.loads((folder / "flat.json").read_text(encoding="utf-8"))["modules"][
            top
        ]
    return module


class _Joined:
    """A component with a module of a design in place of what that is made from."""

    def __init__(
        self, named: dict[str, Any], part: dict[str, Any], before: dict[str, Any], number: int, clock: str
    ) -> None:
        self.named = {_plain(name): account["bits"] for name, account in named["netnames"].items()}
        ports = named["ports"].values()
        self.names = {_plain(name) for name in named["ports"]}
        self.inputs = {bit for port in ports if port["direction"] == "input" for bit in port["bits"]}
        unnamed = (re.match(rf"(.*{UNNAMED})(_\d+)?$", name) for name in part["netnames"])
        self.unnamed = Counter(match[1] for match in unnamed if match)
        self.first = 1 + max(_numbers(named))
        self.given: dict[int, int | str] = {}
        self.part, self.before = part, before
        for name, account in part["ports"].items():
            if account["direction"] == "input":
                self._input(CLOCK if name == clock else name, account["bits"], self._offset(name), number)
        self.driven: dict[int | str, int | str] = {}
        self._match()
        memories = {_place(cell): name for name, cell in named["cells"].items() if _is_memory(cell)}
        self.memories = {
            name: memories[_place(cell)]
            for name, cell in part["cells"].items()
            if _is_memory(cell) and _place(cell) in memories
        }
        for name, old in self.memories.items():
            # What is read and not used has no name.
            self._drive(
                *(cell["connections"]["RD_DATA"] for cell in (named["cells"][old], part["cells"][name]))
            )
        thrown = count(self.first + 1 + max(_numbers(self.part)))
        kept = {}
        for name, cell in named["cells"].items():
            connections = {}
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "input":
                    connections[port] = [self.driven.get(bit, bit) for bit in bits]
                else:
                    # What the module drives needs no other driver.
                    connections[port] = [next(thrown) if bit in self.driven else bit for bit in bits]
            kept[name] = {**cell, "connections": connections}
        for name, cell in part["cells"].items():
            connections = {
                port: [self._moved(bit) for bit in bits] for port, bits in cell["connections"].items()
            }
            parameters = dict(cell["parameters"])
            if name in self.memories:
                parameters["MEMID"] = kept.pop(self.memories[name])["parameters"]["MEMID"]
            kept[f"module.{name}"] = {**cell, "connections": connections, "parameters": parameters}
        self.module = {
            "attributes": {},
            "ports": {name: self._seen(account) for name, account in named["ports"].items()},
            "cells": kept,
            "netnames": {name: self._seen(account) for name, account in named["netnames"].items()},
        }

    def _seen(self, account: dict[str, Any]) -> dict[str, Any]:
        attributes = {name: value for name, value in account.get("attributes", {}).items() if name != "init"}
        return {
            **account,
            "attributes": attributes,
            "bits": [self.driven.get(bit, bit) for bit in account["bits"]],
        }

    def _offset(self, name: str) -> int:
        """Return the number of the lowest bit of a net of the module."""
        return int(self.part["netnames"][name].get("offset", 0))

    def _input(self, name: str, bits: list[int], offset: int, number: int) -> None:
        """Give an input of the module what the component is given."""
        if name == PORT:
            self.given |= {bit: str(number >> place & 1) for place, bit in enumerate(bits)}
            return
        found: Sequence[int | str | None] = (
            self._find(name, len(bits), offset, given=True, among=self.names)
            or self._inside(name)
            or self._find(name, len(bits), offset, given=True)
            or [None] * len(bits)
        )
        if None in found and len(bits) > 1:
            raise UnlikeError(f"the component has no input {name}[{offset + len(bits) - 1}:{offset}]")
        # A condition that resets it beside ``rst`` is not there.
        self.given |= {bit: "0" if one is None else one for bit, one in zip(bits, found, strict=True)}

    def _inside(self, port: str) -> list[int | str] | None:
        """Return the component's inputs that a port is by its names in modules inside; None if by none."""
        found: list[int | str] = []
        for bit in self.before["ports"].get(port, {"bits": []})["bits"]:
            for name, account in self.before["netnames"].items():
                if "." in name and bit in account["bits"]:
                    place = account["bits"].index(bit) + account.get("offset", 0)
                    if one := self._find(name, 1, place, given=True):
                        found += one
                        break
            else:
                return None
        return found or None

    def _match(self) -> None:
        """Find what the module drives of the component, its outputs first."""
        ports, nets = self.part["ports"], self.part["netnames"]
        alone = []
        for name in sorted(nets, key=lambda name: ports.get(name, {}).get("direction") != "output"):
            bits = nets[name]["bits"]
            found = self._find(name, len(bits), self._offset(name))
            if found is None and len(bits) == 1:
                alone.append(name)
            self._drive(found or [], bits)
        for name in alone:
            # A single bit of a word has lost its number: it is the one that is left.
            for base, _ in _bases(name, 1, 0):
                left = [bit for bit in self.named.get(base, []) if self._is_free(bit)]
                if len(left) == 1:
                    self._drive(left, nets[name]["bits"])

    def _is_free(self, bit: int | str) -> bool:
        return isinstance(bit, int) and bit not in self.inputs and bit not in self.driven

    def _drive(self, found: Sequence[int | str], bits: Sequence[int | str]) -> None:
        for old, new in zip(found, bits, strict=False):
            if self._is_free(old) and self._moved(new) not in self.inputs:
                self.driven[old] = self._moved(new)

    def _find(
        self, name: str, width: int, offset: int, *, given: bool = False, among: Container[str] | None = None
    ) -> list[int | str] | None:
        """Return the component's bits of a net of the module; None where it has none.

        With ``given`` all of them are inputs of the component; ``among`` says by which names.
        """
        for base, low in _bases(name, width, offset):
            if among is not None and base not in among:
                continue
            if base.endswith(UNNAMED) and self.unnamed[base] > 1:
                continue
            word = self.named.get(base, [])
            bits: list[int | str] = word[low : low + width]
            if width == 1 and not low and len(word) > 1 and not given:
                continue
            if len(bits) == width and (not given or self.inputs.issuperset(bits)):
                return bits
        return None

    def _moved(self, bit: int | str) -> int | str:
        if not isinstance(bit, int):
            return bit
        return self.given.get(bit, self.first + bit)


def _bases(name: str, width: int, offset: int) -> Iterator[tuple[str, int]]:
    """Yield what a net may be of the component: a name, and the place of its lowest bit."""
    name = _plain(name)
    yield name, offset
    while match := _SLICE.match(name):
        base, high, low = match[1], int(match[2]), match[3]
        if low is not None and high - int(low) + 1 == width:
            yield base, int(low)
        if low is None and width == 1 and (offset in (0, high)):
            yield base, high
        # Amaranth tells ports of one name apart by a number.
        shorter = name.rpartition("_")[0]
        yield shorter, offset
        name = shorter


def _is_memory(cell: dict[str, Any]) -> bool:
    return "MEMID" in cell["parameters"]


def _place(memory: dict[str, Any]) -> str:
    """Return the instance that a memory is in: its own name is another in Verilog."""
    name: str = memory["parameters"]["MEMID"]
    return name.lstrip("\\").rpartition(".")[0]


def _plain(name: str) -> str:
    return re.sub(r"[^\w.]", "_", name)


def _numbers(module: dict[str, Any]) -> Iterator[int]:
    for kind in ("netnames", "ports"):
        yield from (
            bit for account in module[kind].values() for bit in account["bits"] if isinstance(bit, int)
        )
    for cell in module["cells"].values():
        yield from (bit for bits in cell["connections"].values() for bit in bits if isinstance(bit, int))
