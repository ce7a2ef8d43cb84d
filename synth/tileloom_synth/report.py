"""Reports: where the area of a mapped design is, by origin, and what it amounts to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .flow import Mapped
from .library import Library

ORIGINS = (
    "multiplier",
    "adder",
    "adder: align",
    "adder: normalise",
    "adder: round",
    "pipeline registers",
    "stationary registers",
    "activation registers",
    "skew",
    "weight loading",
    "control",
    "clock gates",
    "logic",
)
"""Every origin that a report can name, in its order. ``logic`` is what a flat netlist cannot tell apart."""

_OF_MODULE = {
    "multiplier": "multiplier",
    "adder": "adder",
    "align": "adder: align",
    "normalise": "adder: normalise",
    "round": "adder: round",
    "skew": "skew",
    "weight loading": "weight loading",
    "processing element": "control",
    "control": "control",
}
_OF_REGISTER = {"weight": "stationary registers", "shadow": "stationary registers", "swap": "control"}


@dataclass
class Share:
    """What one origin has: cells, flip-flops among them, and their area in the library's unit."""

    cells: int = 0
    flops: int = 0
    area: float = 0.0


@dataclass(frozen=True)
class Report:
    """The area of one mapped design.

    Attributes
    ----------
    name, library, unit:
        Of the design, of the library, and of its areas (``um2`` or ``GE``).
    ge:
        Area of a gate equivalent, the library's smallest two-input NAND, in that unit.
    shares:
        By origin.
    cells:
        How many of each library cell.
    macs:
        Multiply-accumulates per cycle, or 0 where the design is no array.
    how:
        What it was mapped with.
    timing:
        Static timing analysis, where a clock was asked for.
    """

    name: str
    library: str
    unit: str
    ge: float
    shares: Mapping[str, Share]
    cells: Mapping[str, int]
    macs: int
    how: Mapping[str, Any]
    timing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def area(self) -> float:
        """Total area in ``unit``."""
        return sum(share.area for share in self.shares.values())

    @property
    def flops(self) -> int:
        """Flip-flops in all."""
        return sum(share.flops for share in self.shares.values())

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "name": self.name,
            "library": self.library,
            "unit": self.unit,
            "area": round(self.area, 3),
            "gate_equivalents": round(self.area / self.ge, 1),
            "area_per_mac": round(self.area / self.macs, 3) if self.macs else None,
            "flops": self.flops,
            "cells": dict(sorted(self.cells.items())),
            "origins": {
                origin: {"area": round(share.area, 3), "cells": share.cells, "flops": share.flops}
                for origin, share in self.shares.items()
            },
            "how": dict(self.how),
            **({"timing": dict(self.timing)} if self.timing else {}),
        }


def report(mapped: Mapped, library: Library, origins: Mapping[str, str], macs: int) -> Report:
    """Return the report of a mapped design.

    ``origins`` says what part of the array each module is (the manifest's ``modules``).
    """
    shares = {origin: Share() for origin in ORIGINS}
    cells: Counter[str] = Counter()
    for module, instances in _instances(mapped).items():
        of_module = _OF_MODULE[origins.get(module, "control")]
        if mapped.options.flat:
            of_module = "logic"
        registers = _registers(mapped.modules[module])
        for name, cell in mapped.modules[module]["cells"].items():
            kind = library.cells.get(cell["type"])
            if kind is None:
                continue
            cells[kind.name] += instances
            origin = of_module
            if kind.clock_gate:
                origin = "clock gates"
            elif kind.is_sequential:
                origin = _of_register(registers[name], of_module, module, origins)
            share = shares[origin]
            share.cells += instances
            share.flops += instances * (kind.is_sequential and not kind.clock_gate)
            share.area += instances * kind.area
    return Report(
        name=mapped.top,
        library=library.name,
        unit=library.area_unit,
        ge=library.nand2.area,
        shares={origin: share for origin, share in shares.items() if share.cells},
        cells=cells,
        macs=macs,
        how=mapped.options.describe(library),
    )


def _instances(mapped: Mapped) -> Counter[str]:
    """Return how often each module is in the design."""
    counts: Counter[str] = Counter()
    waiting = [(mapped.top, 1)]
    while waiting:
        module, times = waiting.pop()
        counts[module] += times
        inside = Counter(cell["type"] for cell in mapped.modules[module]["cells"].values())
        waiting += [(name, times * count) for name, count in inside.items() if name in mapped.modules]
    return counts


def _registers(module: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each cell, the name of a net that it drives; of several the one that users wrote."""
    names: dict[int, str] = {}
    for name, net in sorted(module["netnames"].items(), key=lambda item: item[1]["hide_name"], reverse=True):
        names.update((bit, name) for bit in net["bits"])
    return dict(_driven(module, names))


def _driven(module: Mapping[str, Any], names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    for cell, body in module["cells"].items():
        outputs = [
            bits[0]
            for port, bits in body["connections"].items()
            if body["port_directions"].get(port) == "output"
        ]
        found = [names.get(bit, "") for bit in outputs]
        # Of Q and QN the one with a name from the source.
        yield cell, min(found, key=lambda name: (not name, name.startswith("$"), len(name)), default="")


def _of_register(net: str, of_module: str, module: str, origins: Mapping[str, str]) -> str:
    """Return the origin of a flip-flop, from the net that it drives and where it is."""
    *path, name = net.replace("\\", "").split(".") if of_module == "logic" else ("", net)
    word = name.split("$")[0].rstrip("_")
    where = origins.get(module, "") if of_module != "logic" else ""
    if any("skew" in part for part in path):
        return "skew"
    if any(part.startswith("loader") for part in path):
        return "weight loading"
    in_element = where in ("processing element", "multiplier", "adder", "align", "normalise", "round") or any(
        part.startswith(("element", "multiply", "add")) for part in path
    )
    if not in_element:
        return of_module if of_module != "logic" else "control"
    for start, origin in _OF_REGISTER.items():
        if word.startswith(start):
            return origin
    return "activation registers" if word.startswith("activation") else "pipeline registers"
