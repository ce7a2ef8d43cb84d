"""Reports: where the area of a mapped design is, by origin, and what it amounts to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .flow import Mapped
from .library.cells import Cell
from .library.standard_cells import Library
from .origins import CLUSTER_ORIGINS, ENGINE_ORIGINS, ORIGINS, of_logic, of_register
from .timing import Timing


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
        By origin; they add up to the whole.
    cells:
        How many of each library cell.
    macs:
        Multiply-accumulates per cycle, or 0 where the design is no array.
    how:
        What it was mapped with.
    mapped:
        The mapped design.
    timing, sdc:
        Where a clock was asked for: the worst paths, and the constraints as a file.
    """

    name: str
    library: str
    unit: str
    ge: float
    shares: Mapping[str, Share]
    cells: Mapping[str, int]
    macs: int
    how: Mapping[str, Any]
    mapped: Mapped = field(repr=False)
    timing: Timing | None = None
    sdc: str | None = None

    @property
    def netlist(self) -> str:
        """The mapped design, in Verilog."""
        return self.mapped.verilog

    @property
    def area(self) -> float:
        """Total area in ``unit``."""
        return sum(share.area for share in self.shares.values())

    @property
    def gate_equivalents(self) -> float:
        """Total area in gate equivalents."""
        return self.area / self.ge

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
            "gate_equivalent": self.ge,
            "gate_equivalents": round(self.gate_equivalents, 1),
            "macs": self.macs,
            "area_per_mac": round(self.area / self.macs, 3) if self.macs else None,
            "flops": self.flops,
            "cells": dict(sorted(self.cells.items())),
            "origins": {
                origin: {"area": round(share.area, 3), "cells": share.cells, "flops": share.flops}
                for origin, share in self.shares.items()
            },
            "how": dict(self.how),
            "timing": self.timing.to_json() if self.timing else None,
        }


def report(
    mapped: Mapped,
    library: Library,
    origins: Mapping[str, str],
    macs: int = 0,
    timing: Timing | None = None,
    sdc: str | None = None,
) -> Report:
    """Return the report of a mapped design.

    ``origins`` says what part of the array each module is (the manifest's ``modules``); what is not in it
    counts as control.
    """
    shares = {origin: Share() for origin in (*ENGINE_ORIGINS, *CLUSTER_ORIGINS, *ORIGINS)}
    cells: Counter[str] = Counter()
    for name, instances in _instances(mapped).items():
        for _, kind, origin in cell_origins(mapped, name, library, origins):
            is_flop = kind.is_sequential and not kind.clock_gate
            share = shares[origin]
            share.cells += instances
            share.flops += instances * is_flop
            share.area += instances * kind.area
            cells[kind.name] += instances
    return Report(
        name=mapped.top,
        library=library.name,
        unit=library.area_unit,
        ge=library.nand2.area,
        shares={origin: share for origin, share in shares.items() if share.cells},
        cells=cells,
        macs=macs,
        how={
            **mapped.options.describe(library),
            "faster": {module: way.name for module, way in mapped.faster.items()},
        },
        mapped=mapped,
        timing=timing,
        sdc=sdc,
    )


def area_of(mapped: Mapped, library: Library) -> float:
    """Return the area of a mapped design in the library's unit."""
    return sum(
        count * library.cells[body["type"]].area
        for name, count in _instances(mapped).items()
        for body in mapped.modules[name]["cells"].values()
        if body["type"] in library.cells
    )


def cell_origins(
    mapped: Mapped, name: str, library: Library, parts: Mapping[str, str]
) -> Iterator[tuple[str, Cell, str]]:
    """Yield name, kind and origin of each library cell of a module; ``parts`` is ``report``'s ``origins``."""
    module = mapped.modules[name]
    part = parts.get(name, "control")
    registers = _register_names(module)
    for cell, body in module["cells"].items():
        kind = library.cells.get(body["type"])
        if kind is None:
            continue
        if kind.clock_gate:
            yield cell, kind, "clock gates"
        elif kind.is_sequential:
            yield cell, kind, of_register(registers.get(cell, ""), part)
        else:
            yield cell, kind, of_logic(part, mapped.options.hierarchy)


def _instances(mapped: Mapped) -> Counter[str]:
    """Return how often each module is in the design."""
    counts: Counter[str] = Counter()
    waiting = Counter({mapped.top: 1})
    while waiting:
        name, times = waiting.popitem()
        counts[name] += times
        for cell in mapped.modules[name]["cells"].values():
            if cell["type"] in mapped.modules:
                waiting[cell["type"]] += times
    return counts


def _register_names(module: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each cell that drives a net of a register, that net's name."""
    nets: dict[int | str, str] = {}
    for name, net in module["netnames"].items():
        if "register" in net["attributes"]:
            nets.update((bit, name) for bit in net["bits"])
    return {
        cell: nets[bit]
        for cell, body in module["cells"].items()
        for port, bits in body["connections"].items()
        for bit in bits
        if body["port_directions"].get(port) == "output" and bit in nets
    }
