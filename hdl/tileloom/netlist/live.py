"""Which bits of a hierarchical netlist the outputs of its top depend on.

A module that has several instances keeps what any of them needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .cells import Cell, depends, drives, is_primitive

Module = dict[str, Any]
"""A module as ``write_json`` has it."""


@dataclass
class Live:
    """What of a module is needed: bits, and places of its output ports (which may be constants)."""

    bits: set[int] = field(default_factory=set)
    outputs: set[tuple[str, int]] = field(default_factory=set)


def live_bits(modules: Mapping[str, Module], top: str) -> dict[str, Live]:
    """Return what of each module some output of ``top`` depends on.

    Every primitive must have been widened (``cells.widen``).
    """
    index = {name: _Index(module) for name, module in modules.items()}
    instances: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, module in modules.items():
        for cell_name, cell in module["cells"].items():
            if not is_primitive(cell):
                instances[cell["type"]].append((name, cell_name))
    live = {name: Live() for name in modules}
    waiting: list[tuple[str, int]] = []
    seen: dict[tuple[str, str], tuple[int, int]] = {}

    def add(name: str, bit: int | str) -> None:
        if isinstance(bit, int) and bit not in live[name].bits:
            live[name].bits.add(bit)
            waiting.append((name, bit))

    def add_output(name: str, port: str, place: int) -> None:
        live[name].outputs.add((port, place))
        add(name, modules[name]["ports"][port]["bits"][place])

    for port, account in modules[top]["ports"].items():
        if account["direction"] == "output":
            for place in range(len(account["bits"])):
                add_output(top, port, place)
    while waiting:
        name, bit = waiting.pop()
        for port, place in index[name].inputs.get(bit, ()):
            for parent, cell_name in instances[name]:
                add(parent, modules[parent]["cells"][cell_name]["connections"][port][place])
        driver = index[name].drivers.get(bit)
        if driver is None:
            continue
        cell_name, port, place = driver
        cell = modules[name]["cells"][cell_name]
        if is_primitive(cell):
            before = seen.get((name, cell_name))
            for needed in depends(cell, place, before):
                add(name, needed)
            low, high = before or (place, place)
            seen[name, cell_name] = min(low, place), max(high, place)
        else:
            add_output(cell["type"], port, place)
    return live


def is_live(cell: Cell, live: Live) -> bool:
    """Return whether anything of what an instance gives is needed."""
    outputs = [port for port, way in cell["port_directions"].items() if way == "output"]
    return any(bit in live.bits for port in outputs for bit in cell["connections"][port])


class _Index:
    """What drives each bit of a module: a cell's output, or the module's inputs."""

    def __init__(self, module: Module) -> None:
        self.drivers: dict[int, tuple[str, str, int]] = {}
        self.inputs: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
        for port, account in module["ports"].items():
            if account["direction"] == "input":
                for place, bit in enumerate(account["bits"]):
                    self.inputs[bit].append((port, place))
        for name, cell in module["cells"].items():
            if is_primitive(cell):
                outputs = [drives(cell)]
            else:
                outputs = [port for port, way in cell["port_directions"].items() if way == "output"]
            for port in outputs:
                for place, bit in enumerate(cell["connections"][port]):
                    if isinstance(bit, int):
                        self.drivers[bit] = (name, port, place)
