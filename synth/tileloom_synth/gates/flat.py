"""A mapped design without hierarchy, as arrays: its cells by kind, and the nets that their pins are on."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..flow import Mapped
from ..library.cells import Cell
from ..library.standard_cells import Library
from ..report import cell_origins

ZERO, ONE = 0, 1
"""The nets of the constants."""

OPEN = -1
"""In place of a net: the pin is not connected."""

CONSTANTS: dict[int | str, int] = {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO}
"""As Yosys writes them; what it leaves open is taken for 0."""

Nets = npt.NDArray[np.int64]

_READ_REGISTER = re.compile(r"\$\\\w+\$rdreg\[\d+\]\$q")
"""Of a memory's read port: a register that Yosys makes, of the same name wherever the memory is read in."""


@dataclass(frozen=True)
class Instances:
    """All cells of one kind.

    Attributes
    ----------
    cell:
        The kind.
    pins:
        Net of each pin, by the pin's name, one for each cell, or OPEN; only pins that some cell connects.
    names, origins:
        Of each cell: the way to it, and its origin in a report.
    """

    cell: Cell
    pins: Mapping[str, Nets]
    names: list[str]
    origins: list[str]


@dataclass(frozen=True)
class Flat:
    """A design without hierarchy.

    Attributes
    ----------
    name:
        Of the top module.
    nets:
        How many there are; 0 and 1 are the constants.
    ports, inputs:
        Nets of each port, least significant bit first; the names of those that are inputs. The outputs of
        instances that were left out are inputs, and their inputs outputs, named ``instance.port``.
    instances:
        The cells.
    names:
        Of nets that have one, with the bit: ``path.name[bit]``.
    """

    name: str
    nets: int
    ports: Mapping[str, Nets]
    inputs: frozenset[str]
    instances: list[Instances]
    names: Mapping[int, str]

    @property
    def cells(self) -> int:
        """Cells in all."""
        return sum(len(each.names) for each in self.instances)


@dataclass
class _Builder:
    mapped: Mapped
    library: Library
    parts: Mapping[str, str]
    without: Collection[str]
    nets: int = 2
    pins: dict[str, list[tuple[str, str, dict[str, int]]]] = field(default_factory=lambda: defaultdict(list))
    open_ports: dict[str, Nets] = field(default_factory=dict)
    open_inputs: set[str] = field(default_factory=set)
    names: dict[int, str] = field(default_factory=dict)
    same: list[tuple[int, int]] = field(default_factory=list)

    def add(self, name: str, path: str, bound: dict[int | str, int]) -> None:
        module = self.mapped.modules[name]
        nets = {**CONSTANTS, **bound}

        def net(bit: int | str) -> int:
            if bit not in nets:
                nets[bit] = self.nets
                self.nets += 1
            return nets[bit]

        for cell, kind, origin in cell_origins(self.mapped, name, self.library, self.parts):
            connections = module["cells"][cell]["connections"]
            self.pins[kind.name].append(
                (path + cell, origin, {pin: net(bits[0]) for pin, bits in connections.items() if bits})
            )
        for cell, body in module["cells"].items():
            inner = body["type"]
            if inner in self.library.cells:
                continue
            if inner in self.mapped.modules and inner not in self.without:
                ports = self.mapped.modules[inner]["ports"]
                inside: dict[int | str, int] = {**CONSTANTS}
                for port, bits in body["connections"].items():
                    for bit, outer in zip(ports[port]["bits"], bits, strict=True):
                        # Ports of one net inside, or of a constant, make one net of those outside.
                        self.same.append((inside.setdefault(bit, net(outer)), net(outer)))
                self.add(inner, f"{path}{cell}.", inside)
                continue
            for port, bits in body["connections"].items():
                self.open_ports[f"{path}{cell}.{port}"] = np.array([net(bit) for bit in bits], np.int64)
                if body["port_directions"][port] == "output":
                    self.open_inputs.add(f"{path}{cell}.{port}")
        for word, known in module["netnames"].items():
            if not known["hide_name"] or _READ_REGISTER.fullmatch(word):
                for place, bit in enumerate(known["bits"], known.get("offset", 0)):
                    if bit in nets:
                        self.names.setdefault(nets[bit], f"{path}{word}[{place}]")


def flatten(
    mapped: Mapped,
    library: Library,
    parts: Mapping[str, str],
    *,
    top: str | None = None,
    without: Collection[str] = (),
) -> Flat:
    """Return ``mapped``, or its module ``top``, without hierarchy.

    Parameters
    ----------
    mapped, library:
        The design, and what it was mapped to.
    parts:
        What part each module is (a manifest's ``modules``), for the cells' origins.
    without:
        Modules that are left out; so is what is no module of the design, such as a memory.
    """
    name = top or mapped.top
    builder = _Builder(mapped, library, parts, without)
    ports: dict[str, Nets] = {}
    bound: dict[int | str, int] = {}
    described: dict[str, Any] = mapped.modules[name]["ports"]
    for port, known in described.items():
        for bit in known["bits"]:
            if isinstance(bit, int) and bit not in bound:
                bound[bit] = builder.nets
                builder.nets += 1
        ports[port] = np.array([{**CONSTANTS, **bound}[bit] for bit in known["bits"]], np.int64)
    builder.add(name, "", bound)
    leader = _leaders(builder.nets, builder.same)
    instances = []
    for kind, found in builder.pins.items():
        pins = sorted({pin for _, _, connections in found for pin in connections})
        table = {}
        for pin in pins:
            nets = np.array([connections.get(pin, OPEN) for _, _, connections in found], np.int64)
            table[pin] = np.where(nets == OPEN, OPEN, leader[nets])
        names, origins = [each[0] for each in found], [each[1] for each in found]
        instances.append(Instances(library.cells[kind], table, names, origins))
    inputs = {port for port, known in described.items() if known["direction"] == "input"}
    return Flat(
        name=name,
        nets=builder.nets,
        ports={port: leader[nets] for port, nets in {**ports, **builder.open_ports}.items()},
        inputs=frozenset(inputs | builder.open_inputs),
        instances=instances,
        names={int(leader[net]): known for net, known in builder.names.items()},
    )


def _leaders(nets: int, same: list[tuple[int, int]]) -> Nets:
    """Return for each net the one that stands for all that are the same, the smallest of them."""
    leader = list(range(nets))

    def find(net: int) -> int:
        while leader[net] != net:
            leader[net] = leader[leader[net]]
            net = leader[net]
        return net

    for one, other in same:
        first, second = sorted((find(one), find(other)))
        leader[second] = first
    return np.array([find(net) for net in range(nets)], np.int64)
