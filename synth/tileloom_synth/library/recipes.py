"""How to map: what can be chosen, and what to choose for a clock period.

The figures behind every choice are in ``synth/results/exploration.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from .standard_cells import Library

LOGIC = {
    "area": "strash; ifraig; scorr; dc2; dc2; dch; amap -m",
    "balanced": "strash; dch; amap -m",
    "speed": "&get -n; &st; &dch; &nf; &put",
}
"""ABC's commands from gates to cells, the smallest first: ``area`` shares more and gets deeper by it."""

_RELAXED = "topo; buffer -c -N 24; dnsize {D}; stime -p"
_SIZED = "topo; buffer -c -N 24; upsize {D}; dnsize {D}; stime -p"

RELAXED_PS = 1_000_000
"""The period that ABC is given where none is asked for: every cell gets as small as it can."""


@dataclass(frozen=True)
class Options:
    """How to map.

    Attributes
    ----------
    hierarchy:
        ``units`` keeps the array's modules, with multiplier and adder each as a whole; ``detail`` keeps the
        parts of these too; ``flat`` keeps nothing.
    clock_ps:
        What ABC aims for within a module, in picoseconds, or None for the smallest area.
    logic:
        A name in ``LOGIC``.
    prefix:
        Structure of the carry chains: ``han-carlson``, ``kogge-stone`` or ``sklansky``, as Yosys names them.
    driver:
        The cell that drives inputs; None is the library's own default.
    full_adders, booth, clock_gates:
        Map full adders to the library's own cell; Booth-encode multipliers where that pays (``booth_pays``,
        for speed unless ``logic`` is ``area``); gate clocks in place of enable multiplexers. The first and
        the last only where the library has the cell.
    """

    hierarchy: str = "units"
    clock_ps: float | None = None
    logic: str = "area"
    prefix: str = "han-carlson"
    driver: str | None = None
    full_adders: bool = True
    booth: bool = True
    clock_gates: bool = True

    @property
    def abc_script(self) -> str:
        """ABC's commands; ``{D}`` in them stands for the period."""
        return f"{LOGIC[self.logic]}; {_RELAXED if self.clock_ps is None else _SIZED}"

    @property
    def name(self) -> str:
        """A short name of what differs from module to module."""
        period = "" if self.clock_ps is None else f", {self.clock_ps:.0f} ps"
        return f"{self.logic}, {self.prefix}{period}"

    def describe(self, library: Library) -> dict[str, Any]:
        """Return what a report says of these options."""
        adder, gate = library.full_adder, library.clock_gate
        return {
            "hierarchy": self.hierarchy,
            "multipliers": "Booth where it pays" if self.booth else "AND",
            "full_adders": adder.cell if adder and self.full_adders else "gates",
            "carry_chains": self.prefix,
            "clock_gates": gate if gate and self.clock_gates else "none",
            "abc": self.abc_script,
            "abc_period_ps": None if self.clock_ps is None else round(self.clock_ps, 1),
        }


_VARIANTS = (
    ("area", "han-carlson", 0.95),
    *(
        ("balanced", prefix, share)
        for share in (0.95, 0.8, 0.65, 0.5)
        for prefix in ("sklansky", "han-carlson")
    ),
    ("balanced", "kogge-stone", 0.5),
    ("speed", "han-carlson", 0.5),
    ("speed", "kogge-stone", 0.5),
)
"""``logic``, ``prefix``, and the share of the period that ABC is given."""


def for_period(options: Options, within_ps: float) -> Iterator[Options]:
    """Yield variants of ``options`` to try for what a clock leaves for logic, the likely smallest first.

    ABC sees one module at a time and takes the delay of a full adder for nothing, so that it must be asked
    for less than the period where a path goes through several.
    """
    for logic, prefix, share in _VARIANTS:
        yield replace(options, logic=logic, prefix=prefix, clock_ps=share * within_ps)
